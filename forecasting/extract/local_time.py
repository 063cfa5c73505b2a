"""A source's local times as UTC, inside the database: events are counted in the hours they happened in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

from forecasting.extract.clock import SourceClock
from forecasting.extract.contract import SourceTable
from forecasting.extract.queries import NEUTRAL
from forecasting.extract.shape import TIMES

BEFORE, AFTER = timedelta(days=3 * 366), timedelta(days=366)
"""Over how much more than the hours asked for clock changes are told; before and after, the clock stands."""
STEP = timedelta(minutes=15)
"""Every zone's clock changes at a whole quarter of an hour in UTC."""
MINUTE = pd.Timedelta(minutes=1)

_SHIFTED = {
    "postgresql": "{time} + INTERVAL '{minutes} minutes'",
    "sqlite": "datetime(substr({time}, 1, 19), '{minutes:+d} minutes') || substr({time}, 20)",
    NEUTRAL: "minutes_later({time}, {minutes})",
}


def in_utc(
    tables: Mapping[str, SourceTable], clock: SourceClock, since: datetime, until: datetime, dialect: str
) -> dict[str, SourceTable]:
    """The tables with their times in UTC; those that are told with their offset stay as they are.

    A time that the clock shows twice is taken for the first, one that it never shows for as long after the
    change as it says.

    Args:
        tables: as the source has them.
        clock: on which their times are stored.
        since: from when on clock changes matter; aware.
        until: until when.
        dialect: of the expressions.
    """
    offsets = list(_offsets(clock, since - BEFORE, until + AFTER))
    if all(ahead == 0 for _, ahead in offsets):
        return dict(tables)
    return {
        name: table
        if table.knows_offset
        else replace(
            table,
            columns={
                ours: _utc(theirs, offsets, dialect) if ours in TIMES else theirs
                for ours, theirs in table.columns.items()
            },
        )
        for name, table in tables.items()
    }


def hours_shown_twice(clock: SourceClock, hours: pd.DatetimeIndex) -> pd.DataFrame:
    """Which hours in UTC the clock shows together with another.

    Returns:
        ``shown_twice``, both hours of each pair, and ``shown_again``, the later one alone; indexed by hour.
    """
    labels = pd.Series(hours.tz_convert(clock.zone).tz_localize(None), index=hours)
    moments = clock.moments(labels)
    twice = moments["first"].ne(moments["second"])
    return pd.DataFrame(
        {"shown_twice": twice, "shown_again": twice & moments["second"].eq(hours.to_series())}
    )


def _offsets(clock: SourceClock, since: datetime, until: datetime) -> Iterator[tuple[pd.Timestamp, int]]:
    """Each time on the clock until which an offset holds, and its minutes ahead of UTC; the last for ever."""
    moments = pd.date_range(pd.Timestamp(since).floor("D"), until, freq=STEP).tz_convert(UTC)
    naive = moments.tz_localize(None)
    ahead = ((moments.tz_convert(clock.zone).tz_localize(None) - naive) // MINUTE).to_numpy()
    for place in np.flatnonzero(np.diff(ahead)).tolist():
        before, after = int(ahead[place]), int(ahead[place + 1])
        yield pd.Timestamp(naive[place + 1]) + max(before, after) * MINUTE, before
    yield pd.Timestamp.max, int(ahead[-1])


def _utc(time: str, offsets: list[tuple[pd.Timestamp, int]], dialect: str) -> str:
    shifted = [_SHIFTED[dialect].format(time=time, minutes=-ahead) for _, ahead in offsets]
    until = [f"{label:%Y-%m-%d %H:%M:%S}" for label, _ in offsets[:-1]]
    cases = " ".join(
        f"WHEN {time} < '{label}' THEN {utc}" for label, utc in zip(until, shifted, strict=False)
    )
    return f"CASE {cases} ELSE {shifted[-1]} END" if cases else shifted[-1]
