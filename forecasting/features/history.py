"""What past weeks say of an hour, without a look past any forecast's issue time."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from forecasting.features.calendar import HOURS_PER_WEEK


def first_lag_weeks(lead_hours: int) -> int:
    """The fewest whole local weeks that reach back past any issue time of a window of ``lead_hours``."""
    # A week in which clocks go forward has 167 hours.
    return -(-(lead_hours + 1) // HOURS_PER_WEEK)


def same_hour_mean(
    values: np.ndarray, clock: np.ndarray, lags_weeks: Iterable[int], lead_hours: int
) -> np.ndarray:
    """Mean of what was observed at the same hour of the local week, some weeks ago.

    The mean of an hour uses only hours at least ``lead_hours`` before it: it was known at the issue time of
    every forecast that reaches the hour.

    Args:
        values: one series, hour after hour (n,); NaN where missing.
        clock: wall-clock hours of the same rows (n,), see :func:`forecasting.features.calendar.clock_hours`.
        lags_weeks: how many weeks ago to look.
        lead_hours: how far a forecast reaches.

    Returns:
        The mean (n,); NaN where none of those hours was observed.
    """
    observed = ~np.isnan(values)
    reading = clock - clock.min()
    readings = int(reading.max()) + 1
    total = np.bincount(reading, weights=np.where(observed, values, 0.0), minlength=readings)
    count = np.bincount(reading, weights=observed, minlength=readings)
    row = np.arange(len(values))
    latest_row = np.zeros(readings, dtype=np.int64)
    np.maximum.at(latest_row, reading, row)

    sums, counts = np.zeros(len(values)), np.zeros(len(values))
    for weeks in lags_weeks:
        source = reading - weeks * HOURS_PER_WEEK
        known = source >= 0
        known[known] &= latest_row[source[known]] <= row[known] - lead_hours
        sums[known] += total[source[known]]
        counts[known] += count[source[known]]
    return np.asarray(np.divide(sums, counts, out=np.full(len(values), np.nan), where=counts > 0))
