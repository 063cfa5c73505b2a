"""Profile ``adt``, and those whose events are counted likewise: one site's hours, counted by the database."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from forecasting.config import Site
from forecasting.extract.hours import ED_VISIT, SourceHours, observations
from forecasting.extract.local_time import hours_shown_twice
from forecasting.extract.names import unplaced
from forecasting.extract.questions import Questions
from forecasting.schema import UNIT, Target


def read_adt(questions: Questions, usual_since: datetime) -> dict[str, pd.DataFrame]:
    """The tables ``observation``, ``unit`` and ``source_defect`` of a site.

    Every series of a unit that the source knows has every hour: 0 where nobody came, missing where the
    source was silent. A series begins with the first event of its source table; without any there is none.
    Hours that the source's clock shows twice are missing, too: nobody knows in which an event fell. Stays in
    a unit whose name could be a patient's are of no unit.
    """
    site, since, issued_at = questions.site, questions.since, questions.issued_at
    named, census = questions.ask("unit"), questions.ask("census")
    units = _units(named, site)
    places = {*named["unit_id"], *(unit.unit_id for unit in site.units)}
    nowhere = unplaced(census["unit_id"], places)
    source_hours = _source_hours(questions, usual_since, units, census[~nowhere])
    hours = observations(source_hours, site, since, issued_at)
    return {
        "observation": _without_hours_twice(hours, questions),
        "unit": units,
        "source_defect": _defects(questions, census[nowhere], {*places, *census.loc[~nowhere, "unit_id"]}),
    }


def _units(named: pd.DataFrame, site: Site) -> pd.DataFrame:
    """The units that the source knows; where it says no more of them than their names, those configured."""
    told = named.assign(site_id=site.site_id)
    if set(UNIT.columns.names) <= set(told.columns):
        return told
    configured = pd.DataFrame(
        {
            "unit_id": [unit.unit_id for unit in site.units],
            "unit_type": [unit.unit_type.value for unit in site.units],
            "staffed_beds": [unit.beds for unit in site.units],
        }
    )
    return told.merge(configured, on="unit_id")


def _source_hours(
    questions: Questions, usual_since: datetime, units: pd.DataFrame, census: pd.DataFrame
) -> SourceHours:
    ed = questions.site.ed
    return SourceHours(
        counts={
            Target.ED_ARRIVALS: (
                questions.ask("ed_arrivals").assign(unit_id=ed.unit_id) if ed else census.head(0)
            ),
            Target.BED_CENSUS: census,
        },
        activity=questions.ask("activity", since=usual_since),
        unit_ids=frozenset(units["unit_id"]),
    )


def _without_hours_twice(hours: pd.DataFrame, questions: Questions) -> pd.DataFrame:
    feeds = [questions.tables[name] for name in questions.profile.feeds]
    if hours.empty or all(feed.knows_offset for feed in feeds):
        return hours
    known = pd.DatetimeIndex(hours["valid_at"].unique())
    twice = hours_shown_twice(questions.clock, known).reindex(hours["valid_at"])
    arrivals = hours["target"].eq(Target.ED_ARRIVALS).to_numpy()
    # Who is there when the first of the two begins is known: it was counted before it.
    unknown = (arrivals & twice["shown_twice"].to_numpy()) | (~arrivals & twice["shown_again"].to_numpy())
    return hours.assign(value=hours["value"].mask(unknown))


def _defects(questions: Questions, nowhere: pd.DataFrame, places: set[str]) -> pd.DataFrame:
    stays = pd.concat([questions.ask("bed_stay_defects"), questions.ask("overlong_stay_defects")])
    stays = stays.assign(unit_id=stays["unit_id"].mask(unplaced(stays["unit_id"], places), ""))
    found = [pd.concat([stays, _of_no_unit(nowhere)]).assign(target=str(Target.BED_CENSUS))]
    if questions.site.ed is not None:
        found.append(questions.ask(f"{ED_VISIT}_defects").assign(unit_id=questions.site.ed.unit_id))
    key = ["unit_id", "target", "valid_at", "defect"]
    together = pd.concat(found).groupby(key, as_index=False)[["source_rows"]].sum()
    return together.assign(site_id=questions.site.site_id)


def _of_no_unit(census: pd.DataFrame) -> pd.DataFrame:
    """The stays that began, as defects, from the hours in which a census changed."""
    told = census.sort_values(["unit_id", "valid_at"])
    began = told.groupby("unit_id")["value"].diff().fillna(told["value"]).clip(lower=0)
    stays = told.assign(unit_id="", defect="missing_unit", source_rows=began)[began.gt(0)]
    return stays[["unit_id", "valid_at", "defect", "source_rows"]]
