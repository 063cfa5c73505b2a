"""Whether a ratio of the last days is another than that of the days before, by more than noise."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import pandas as pd

from forecasting.evaluate.bootstrap import Resampling
from forecasting.evaluate.by_day import ratios_apart, sums_by_day

FIGURES = ["recent", "reference", "change", "low", "high"]


def drift(
    table: pd.DataFrame,
    over: str,
    under: str,
    keys: Sequence[str],
    recent_days: int,
    reference_days: int,
    resampling: Resampling,
) -> pd.DataFrame:
    """The ratio over the last days less that over the days before them, with its interval.

    Args:
        table: the keys, ``day``, and the two columns.
        over: what is summed above.
        under: what is summed below.
        keys: what tells one series from another.
        recent_days: how many of the last days of the table are recent.
        reference_days: how many before them are held against them.
        resampling: level, draws and seed.

    Returns:
        The keys, recent, reference, change (recent - reference), low and high; NaN where too few days, or
        none with anything in them, can tell.
    """
    index, days, sums = sums_by_day(table, keys, [over, under])
    if not days:
        return index.assign(**dict.fromkeys(FIGURES, np.nan))
    begins = days[-1] - timedelta(days=recent_days - 1)
    recent = np.array([day >= begins for day in days])
    told = np.array([day >= begins - timedelta(days=reference_days) for day in days])
    late, early = ratios_apart(sums[over][told], sums[under][told], recent[told], resampling)
    change = late.minus(early)
    low, high = change.interval()
    figures = (late.value, early.value, change.value, low, high)
    return index.assign(**dict(zip(FIGURES, figures, strict=True)))


def outcome_day(night: date, lead_day: int) -> date:
    """The day of which a night's forecast speaks so many days ahead, 1 being the night's own."""
    return night + timedelta(days=lead_day - 1)
