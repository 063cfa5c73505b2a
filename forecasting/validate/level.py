"""Whether a series has lately changed its level for good. Pure functions."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from forecasting.level_change import FEWEST_DAYS, belief_in_change, level_changes

DAY = pd.Timedelta(days=1)
MEMORY_DAYS = 182
"""How far back days say what is usual."""
LATELY_DAYS = 7
SURE = 0.8
"""How probable a change must be to be told: models follow half a belief, a person is asked for more."""


class Level(NamedTuple):
    """How busy a series is of late."""

    change: float
    """By which share its level is now another than that of the last four weeks; 0 where that isn't sure."""
    lately: float
    """What an hour of the last week had, on average."""
    before: float
    """What one of the three weeks before it had."""


def level_of(known: pd.Series, zone: ZoneInfo, issued_at: datetime) -> Level:
    """The level of a series, and its change (:mod:`forecasting.level_change`).

    Args:
        known: observed values by hour (UTC).
        zone: whose week an hour belongs to.
        issued_at: end of the last day.

    Returns:
        Missing figures where fewer days are known than a change takes to be told.
    """
    recent = known[known.index >= issued_at - MEMORY_DAYS * DAY]
    index = pd.DatetimeIndex(recent.index)
    local = index.tz_convert(zone)
    usual = recent.groupby(np.asarray(local.dayofweek * 24 + local.hour)).transform("mean")
    ago = np.asarray((pd.Timestamp(issued_at) - pd.Timedelta(hours=1) - index) // DAY)
    by_day = pd.DataFrame({"came": recent, "due": usual}).groupby(-ago).sum()
    by_day = by_day[by_day["due"] > 0]
    if len(by_day) <= FEWEST_DAYS:
        return Level(np.nan, np.nan, np.nan)
    came, due = by_day["came"].to_numpy(), by_day["due"].to_numpy()
    change = level_changes(came, due)[-1] - 1 if belief_in_change(came, due)[-1] >= SURE else 0.0
    lately, before = recent[ago < LATELY_DAYS], recent[(ago >= LATELY_DAYS) & (ago < FEWEST_DAYS)]
    return Level(float(change), float(lately.mean()), float(before.mean()))
