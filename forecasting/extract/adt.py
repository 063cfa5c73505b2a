"""Profile ``adt``: one site's hours, counted by the database."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from forecasting.extract.hours import ED_VISIT, SourceHours, observations
from forecasting.extract.questions import Questions
from forecasting.schema import Target


def read_adt(questions: Questions, usual_since: datetime) -> dict[str, pd.DataFrame]:
    """The tables ``observation``, ``unit`` and ``source_defect`` of a site.

    Every series of a unit that the source knows has every hour: 0 where nobody came, missing where the
    source was silent. A series begins with the first event of its source table; without any there is none.
    """
    site, since, issued_at = questions.site, questions.since, questions.issued_at
    return {
        "observation": observations(_source_hours(questions, usual_since), site, since, issued_at),
        "unit": questions.ask("unit").assign(site_id=site.site_id),
        "source_defect": _defects(questions),
    }


def _source_hours(questions: Questions, usual_since: datetime) -> SourceHours:
    ed = questions.site.ed
    census = [questions.ask("bed_census")]
    arrivals = []
    if ed is not None:
        census.append(questions.ask("ed_census").assign(unit_id=ed.unit_id))
        arrivals.append(questions.ask("ed_arrivals").assign(unit_id=ed.unit_id))
    return SourceHours(
        counts={
            Target.ED_ARRIVALS: pd.concat(arrivals) if arrivals else census[0].head(0),
            Target.BED_CENSUS: pd.concat(census),
        },
        activity=questions.ask("activity", since=usual_since),
        unit_ids=frozenset(questions.ask("unit")["unit_id"]),
    )


def _defects(questions: Questions) -> pd.DataFrame:
    found = [questions.ask("bed_stay_defects").assign(target=str(Target.BED_CENSUS))]
    if questions.site.ed is not None:
        found.append(questions.ask(f"{ED_VISIT}_defects").assign(unit_id=questions.site.ed.unit_id))
    return pd.concat(found).assign(site_id=questions.site.site_id)
