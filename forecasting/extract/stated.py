"""From what the rows of an hourly table state to the value of each hour, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import pandas as pd

from forecasting.extract.clock import SourceClock

DEFECT = ["unit_id", "valid_at", "defect", "source_rows"]
HOUR = ["unit_id", "valid_at"]

AGREEMENT = 0.95
"""A unit whose hours are so often the sum of the others' is their total, not a unit."""
FEWEST_SUMS = 24
"""Hours that must agree before that is said."""

DAILY_GAP = pd.Timedelta(hours=20)
"""A series most of whose hours lie further apart than this was counted once a day."""
FEWEST_DAYS = 14


@dataclass(frozen=True)
class Stated:
    """What the rows of one target come to."""

    hours: pd.DataFrame
    """``unit_id, valid_at, value``: an hour once; missing where its rows don't tell what it was."""
    defects: pd.DataFrame
    """``unit_id, valid_at, defect, source_rows``."""

    def without(self, units: Collection[str], defect: str) -> Stated:
        """Without some units, each of whose rows is a defect instead."""
        gone = self.hours["unit_id"].isin(list(units))
        found = _defects(self.hours[gone].assign(source_rows=1), defect)
        return Stated(
            self.hours[~gone].reset_index(drop=True), pd.concat([self.defects, found], ignore_index=True)
        )


def stated_hours(rows: pd.DataFrame, clock: SourceClock, shift_hours: int, last_hour: pd.Timestamp) -> Stated:
    """The value of each hour.

    Rows that repeat an hour with the same number count once; where they contradict each other the hour is
    missing. So are both hours of an hour that the clock shows twice, unless each has its row: nobody knows
    which of the two a single row is. Two rows are taken for the two, the higher one first. Where a zone's
    hours begin within those of UTC, an hour is the one in which it begins.

    Args:
        rows: ``unit_id, source_time, source_rows, stated, numbers, lowest, highest``, a row for each time of
            each unit; times as the clock shows them.
        clock: the source's.
        shift_hours: from the row's time to the start of its hour (arrivals), or to when the patients were
            counted (census).
        last_hour: under which rows without a time are reported.
    """
    timeless = rows["source_time"].isna()
    nowhere = ~timeless & rows["unit_id"].isna()
    told = rows[~timeless & ~nowhere]
    labels = told["source_time"]
    shift, moments = pd.Timedelta(hours=shift_hours), clock.moments(labels)
    told = told.assign(
        valid_at=(clock.nearest(labels) + shift).dt.floor("h"),
        first=(moments["first"] + shift).dt.floor("h"),
        second=(moments["second"] + shift).dt.floor("h"),
    )
    odd = labels.ne(labels.dt.floor("h"))
    never = ~odd & told["first"].isna()
    twice = ~odd & ~never & told["first"].ne(told["second"])
    both = twice & told["source_rows"].eq(2) & told["numbers"].eq(2)
    repeated = ~odd & ~never & ~both & told["source_rows"].gt(1)
    contradictory = repeated & told["lowest"].lt(told["highest"])
    duplicate = repeated & ~contradictory
    not_numbers = told["stated"] - told["numbers"]
    nameless = rows[nowhere].assign(valid_at=clock.nearest(rows.loc[nowhere, "source_time"]).dt.floor("h"))
    defects = [
        _defects(rows[timeless].assign(valid_at=last_hour), "missing_time"),
        _defects(nameless, "missing_unit"),
        _defects(told[odd], "not_on_the_hour"),
        _defects(told[never & told["highest"].abs().gt(0)], "hour_never_was"),
        _defects(told[twice & ~both & told["stated"].gt(0)], "hour_was_twice"),
        _defects(told[duplicate], "duplicate_hour", told["source_rows"] - 1),
        _defects(told[contradictory], "contradictory_hour"),
        _defects(told[not_numbers.gt(0)], "not_a_number", not_numbers),
        _defects(told[told["highest"].mod(1).gt(0)], "not_whole"),
    ]
    first = told["highest"].round().mask(contradictory | (twice & ~both))
    second = told["lowest"].round().where(both)
    hours = pd.concat(
        [
            told.assign(valid_at=told["first"], value=first)[~odd & ~never],
            told.assign(valid_at=told["second"], value=second)[twice],
        ]
    )
    return Stated(
        hours[[*HOUR, "value"]].drop_duplicates(HOUR).sort_values(HOUR, ignore_index=True),
        pd.concat(defects, ignore_index=True),
    )


def totals_among(hours: pd.DataFrame, configured: Collection[str]) -> list[str]:
    """Units that are not configured and are the sum of those that are: aggregate rows."""
    table = by_unit(hours)
    units = table[table.columns.intersection(list(configured))]
    if units.shape[1] < 2:
        return []
    found = []
    for unit_id in table.columns.difference(list(configured)):
        both = table[unit_id].gt(0) & units.notna().all(axis=1)
        sums = table[unit_id].eq(units.sum(axis=1))[both]
        if len(sums) >= FEWEST_SUMS and sums.mean() >= AGREEMENT:
            found.append(str(unit_id))
    return found


def daily_units(hours: pd.DataFrame) -> list[str]:
    """Units that were counted once a day."""
    known = hours.dropna(subset=["value"]).sort_values(HOUR)
    return [
        str(unit_id)
        for unit_id, of_unit in known.groupby("unit_id")
        if len(of_unit) >= FEWEST_DAYS and of_unit["valid_at"].diff().gt(DAILY_GAP).mean() > 1 / 2
    ]


def by_unit(hours: pd.DataFrame) -> pd.DataFrame:
    """Values by hour (rows) and unit (columns)."""
    units = hours.groupby("unit_id")
    return pd.DataFrame(
        {unit_id: of_unit.set_index("valid_at")["value"] for unit_id, of_unit in units}
    ).sort_index()


def _defects(rows: pd.DataFrame, defect: str, count: pd.Series | None = None) -> pd.DataFrame:
    """The rows as defects of one kind, ``count`` of each where not all its source rows are."""
    counted = rows["source_rows"] if count is None else count.loc[rows.index]
    told = rows.assign(unit_id=rows["unit_id"].fillna(""), defect=defect, source_rows=counted)
    return told[DEFECT].groupby(DEFECT[:-1], as_index=False).sum()
