"""Telling a source that was silent from a hospital that was quiet."""

from __future__ import annotations

import numpy as np
import pandas as pd

EXPECTED_EVENTS = 15.0
"""A run of hours without any event is silence when more events than this were to be expected in it.

By chance such a run has probability exp(-15) = 3e-7 under Poisson arrivals; one is to be expected in about
400 years of hours. At a site with 15 events an hour an hour's gap is enough; at one with 15 a day, a day's.
"""


def silent_hours(activity: pd.Series) -> pd.Series:
    """Which hours belong to a run in which the source was silent.

    What was to be expected is the mean of the same hour of the week over all hours that are not silent.
    Removing silent hours can only raise that mean, so the two are settled by turns until nothing changes.

    Args:
        activity: events per hour on a gapless, rising index of UTC hours.

    Returns:
        True where the source was silent, on the same index.
    """
    events = activity.to_numpy(float)
    index = pd.DatetimeIndex(activity.index)
    hour_of_week = np.asarray(index.dayofweek * 24 + index.hour)
    run = _runs_of_zeros(events)
    silent = np.zeros(len(events), dtype=bool)
    while True:
        expected = np.bincount(run[run >= 0], weights=_expected(events, hour_of_week, ~silent)[run >= 0])
        found = (run >= 0) & (np.append(expected, 0.0)[run] > EXPECTED_EVENTS)
        if not (found & ~silent).any():
            return pd.Series(silent, index=activity.index)
        silent |= found


def _runs_of_zeros(events: np.ndarray) -> np.ndarray:
    """The number of the run of zeros that each hour is in; -1 where it is in none."""
    zero = events == 0
    starts = zero & ~np.append(False, zero[:-1])
    return np.where(zero, np.cumsum(starts) - 1, -1)


def _expected(events: np.ndarray, hour_of_week: np.ndarray, spoke: np.ndarray) -> np.ndarray:
    """Mean events of each hour's hour of the week while the source spoke; of all hours if never then."""
    if not spoke.any():
        return np.zeros(len(events))
    hours = np.bincount(hour_of_week[spoke], minlength=168)
    totals = np.bincount(hour_of_week[spoke], weights=events[spoke], minlength=168)
    means = np.where(hours > 0, totals / np.maximum(hours, 1), events[spoke].mean())
    return np.asarray(means[hour_of_week])
