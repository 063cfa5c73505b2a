"""Profile ``hourly``: one site's hours, as the hospital counted them itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pandas as pd

from forecasting.config import Settings, Site
from forecasting.extract.clock import UTC_CLOCK, SourceClock
from forecasting.extract.names import unplaced
from forecasting.extract.questions import Questions
from forecasting.extract.shape import BED_CENSUS_HOURLY, ED_ARRIVALS_HOURLY
from forecasting.extract.silence import silent_hours
from forecasting.extract.stated import Stated, by_unit, daily_units, stated_hours, totals_among
from forecasting.schema import OBSERVATION, Target

MARGIN = timedelta(hours=3)
"""Read beyond the window on both sides: a clock change, and a row's time at its hour's end."""
TABLES = {Target.ED_ARRIVALS: ED_ARRIVALS_HOURLY, Target.BED_CENSUS: BED_CENSUS_HOURLY}


def read_hourly(
    questions: Questions, settings: Settings, usual_since: pd.Timestamp
) -> dict[str, pd.DataFrame]:
    """The tables ``observation``, ``unit`` and ``source_defect`` of a site; what is missing stays so.

    A series begins with its first row since ``usual_since``, from when on rows are read to know what is
    usual. A series that was counted once a day is left out.
    """
    site, last_hour = questions.site, pd.Timestamp(questions.issued_at) - pd.Timedelta(hours=1)
    rows = {
        target: _asked(questions, target, settings, usual_since)
        for target, table in TABLES.items()
        if table in questions.tables and (target is Target.BED_CENSUS or site.ed is not None)
    }
    stated = {
        target: _trusted(
            stated_hours(
                of_target,
                source_clock(questions, TABLES[target], settings),
                shift_hours(target, settings),
                last_hour,
            ),
            site,
        )
        for target, of_target in rows.items()
    }
    values = {target: one.hours[one.hours["valid_at"] <= last_hour] for target, one in stated.items()}
    defects = [one.defects.assign(target=str(target)) for target, one in stated.items()]
    found = pd.concat(defects) if defects else pd.DataFrame()
    if len(found):
        found = found[found["valid_at"].between(pd.Timestamp(questions.since), last_hour)]
    return {
        "observation": _observations(values, settings, site, questions),
        "unit": _units(rows.get(Target.BED_CENSUS), site),
        "source_defect": found.assign(site_id=site.site_id),
    }


def source_clock(questions: Questions, table: str, settings: Settings) -> SourceClock:
    """The clock of a table's times, as :meth:`Questions.ask` gives them."""
    if questions.tables[table].knows_offset:
        return UTC_CLOCK
    return SourceClock(settings.source.hourly.zone(questions.site))


def _asked(
    questions: Questions, target: Target, settings: Settings, usual_since: pd.Timestamp
) -> pd.DataFrame:
    clock = source_clock(questions, TABLES[target], settings)
    rows = questions.ask(
        target.value,
        since=clock.label(usual_since - MARGIN),
        until=clock.label(questions.issued_at + MARGIN),
    )
    rows["source_time"] = rows["source_time"].dt.tz_localize(None)
    ed = questions.site.ed
    if target is Target.ED_ARRIVALS and ed is not None:
        return rows.assign(unit_id=ed.unit_id)
    # A name that could be a patient's is none: its rows are told as those of no unit.
    places = [unit.unit_id for unit in questions.site.units]
    return rows.assign(unit_id=rows["unit_id"].mask(unplaced(rows["unit_id"], places)))


def shift_hours(target: Target, settings: Settings) -> int:
    """From the time of a row to the start of its hour, or to when its patients were counted."""
    if target is Target.ED_ARRIVALS:
        return -1 if settings.source.hourly.arrivals_hour == "end" else 0
    return 1 if settings.source.hourly.census_hour == "end" else 0


def _trusted(stated: Stated, site: Site) -> Stated:
    """Without totals among the units, and units that were counted once a day."""
    totals = totals_among(stated.hours, [unit.unit_id for unit in site.units])
    return stated.without(totals, "aggregate_row").without(daily_units(stated.hours), "once_a_day")


def _observations(
    values: Mapping[Target, pd.DataFrame], settings: Settings, site: Site, questions: Questions
) -> pd.DataFrame:
    """Every hour of the window of every series, from the first row of each on."""
    known = {target: rows for target, rows in values.items() if len(rows)}
    if not known:
        return OBSERVATION.empty()
    last_hour = pd.Timestamp(questions.issued_at) - pd.Timedelta(hours=1)
    hours = pd.date_range(
        min(rows["valid_at"].min() for rows in known.values()), last_hour, freq="h", unit="us"
    )
    grids = {target: by_unit(rows).reindex(hours) for target, rows in known.items()}
    silent = silent_hours(
        pd.DataFrame({str(target): _events(target, grid) for target, grid in grids.items()}, index=hours)
    )
    parts = []
    for target, rows in known.items():
        grid = grids[target]
        missing = _with_the_fall(silent[str(target)], grid)
        if target.value in settings.source.hourly.absent_is_zero:
            stated = by_unit(rows.assign(value=1.0)).reindex(hours)
            grid = grid.mask(stated.isna(), 0.0)
        begins = rows.groupby("unit_id")["valid_at"].min()
        for unit_id, begin in begins.items():
            series = grid[unit_id].mask(missing).loc[max(begin, pd.Timestamp(questions.since)) :]
            told = series.rename("value").rename_axis("valid_at").reset_index()
            parts.append(told.assign(unit_id=str(unit_id), target=str(target)))
    return pd.concat(parts, ignore_index=True).assign(site_id=site.site_id)


def _events(target: Target, grid: pd.DataFrame) -> pd.Series:
    """What happened at least in each hour: arrivals, or by how much the units' census changed.

    A unit's change counts for no more than is common there: a number gone wrong is no crowd, after which an
    hour without anybody would look like silence.
    """
    if target is Target.ED_ARRIVALS:
        return grid.clip(lower=0).sum(axis=1)
    moves = grid.diff().abs()
    return moves.clip(upper=moves[moves > 0].median(), axis=1).sum(axis=1)


def _with_the_fall(silent: pd.Series, grid: pd.DataFrame) -> pd.Series:
    """Silent hours and, where a feed fell to zero, the hour in which it did: that was an event, too."""
    return silent | (silent.shift(-1, fill_value=False) & grid.sum(axis=1).eq(0))


def _units(census: pd.DataFrame | None, site: Site) -> pd.DataFrame:
    """The configured units, with the beds of their last row; those of hospital.toml where it has none."""
    last = pd.Series(dtype=float)
    if census is not None:
        told = census.dropna(subset=["staffed_beds", "source_time", "unit_id"]).sort_values("source_time")
        last = told.groupby("unit_id")["staffed_beds"].last()
    return pd.DataFrame(
        {
            "site_id": site.site_id,
            "unit_id": [unit.unit_id for unit in site.units],
            "unit_type": [unit.unit_type.value for unit in site.units],
            "staffed_beds": [round(last.get(unit.unit_id, unit.beds)) for unit in site.units],
        }
    )
