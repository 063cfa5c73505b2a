"""Arrivals that have begun to be stamped some hours late or early. Pure functions."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

HOURS_PER_DAY = 24
RECENT_DAYS = (3, 7, 14)
"""A source that has moved by many hours is found out in days, by one hour only in weeks."""
PAST_WEEKS = 8
"""Before the recent days: the shape of whose day is usual."""
FEWEST_PAST_HOURS = 28 * HOURS_PER_DAY
EVIDENCE = np.log(1e7)
"""So much likelier must the hours be on a moved clock: 23 of them are tried each night of the year."""
SMALLEST_RATE = 0.05


def hours_late(arrivals: pd.Series, zone: ZoneInfo, issued_at: datetime) -> int:
    """By how many hours the last days' arrivals are stamped later than they used to be.

    Given how many there are, the hours of the day they lie in are weighed as draws from the usual shape of a
    day, on the usual clock and on each that was moved (a ratio of multinomial likelihoods): a busier or
    quieter day says nothing.

    Args:
        arrivals: observed values by hour (UTC).
        zone: whose day has the shape.
        issued_at: end of the last day.

    Returns:
        -11 to 12, negative where they are stamped early; 0 where no other clock is much likelier.
    """
    for days in RECENT_DAYS:
        since = pd.Timestamp(issued_at) - pd.Timedelta(days=days)
        past = arrivals[(arrivals.index < since) & (arrivals.index >= since - pd.Timedelta(weeks=PAST_WEEKS))]
        if len(past) < FEWEST_PAST_HOURS:
            return 0
        shape = _by_hour(past, zone)["mean"].to_numpy() + SMALLEST_RATE
        told = _by_hour(arrivals[arrivals.index >= since], zone)
        came, hours = told["sum"].to_numpy(), told["count"].to_numpy()
        clocks = np.stack([np.roll(shape, late) for late in range(HOURS_PER_DAY)])
        likely = np.log(clocks) @ came - came.sum() * np.log(clocks @ np.maximum(hours, SMALLEST_RATE))
        late = int(likely.argmax())
        if likely[late] - likely[0] > EVIDENCE:
            return late if late <= HOURS_PER_DAY // 2 else late - HOURS_PER_DAY
    return 0


def _by_hour(values: pd.Series, zone: ZoneInfo) -> pd.DataFrame:
    """``mean, sum, count`` of each local hour of the day; 0 where there is none."""
    hours = np.asarray(pd.DatetimeIndex(values.index).tz_convert(zone).hour)
    told: pd.DataFrame = values.groupby(hours).agg(["mean", "sum", "count"])
    return told.reindex(range(HOURS_PER_DAY)).fillna(0.0)
