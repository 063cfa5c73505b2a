"""Telling a source that was silent from a hospital that was quiet."""

from __future__ import annotations

import numpy as np
import pandas as pd

EXPECTED_EVENTS = 15.0
"""A run of hours without any event is silence when more events than this were to be expected in it.

By chance such a run has probability exp(-15) = 3e-7 under Poisson arrivals; one is to be expected in about
400 years of hours. At a site with 15 events an hour an hour's gap is enough; at one with 15 a day, a day's.
"""
OWN_EVENTS = 7.0
"""A run in which the whole site is silent counts for a table of which more than this was to be expected.

So one broken feed doesn't make a quieter neighbour look broken whenever nothing happens there for an hour.
"""


def silent_hours(activity: pd.DataFrame) -> pd.DataFrame:
    """Which hours belong to a run in which a source table, alone or with the whole site, was silent.

    What was to be expected is the mean of the same hour of the week in other weeks, silent hours left out.

    Args:
        activity: events per hour, one column per source table, on a gapless, rising index of UTC hours.

    Returns:
        True where the table was silent; same index and columns.
    """
    index = pd.DatetimeIndex(activity.index)
    hour_of_week = np.asarray(index.dayofweek * 24 + index.hour)
    events = activity.to_numpy(float)
    silent = np.empty(events.shape, dtype=bool)
    expected = np.empty(events.shape)
    for table in range(events.shape[1]):
        silent[:, table] = _silent_alone(events[:, table], hour_of_week)
        expected[:, table] = _expected(events[:, table], hour_of_week, ~silent[:, table])
    nothing = events.sum(axis=1) == 0
    together = nothing & (_in_run(nothing, expected.sum(axis=1)) > EXPECTED_EVENTS)
    for table in range(events.shape[1]):
        silent[:, table] |= together & (_in_run(nothing, expected[:, table]) > OWN_EVENTS)
    return pd.DataFrame(silent, index=activity.index, columns=activity.columns)


def _silent_alone(events: np.ndarray, hour_of_week: np.ndarray) -> np.ndarray:
    zero = events == 0
    silent = np.zeros(len(events), dtype=bool)
    while True:
        # Leaving silent hours out can only raise what was to be expected, so this ends.
        found = zero & (_in_run(zero, _expected(events, hour_of_week, ~silent)) > EXPECTED_EVENTS)
        if not (found & ~silent).any():
            return silent
        silent |= found


def _in_run(zero: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """For each hour of a run of zeros, what was to be expected in the whole run."""
    run = np.cumsum(zero & ~np.append(False, zero[:-1]))
    return np.asarray(np.bincount(run, weights=expected * zero)[run])


def _expected(events: np.ndarray, hour_of_week: np.ndarray, spoke: np.ndarray) -> np.ndarray:
    """Mean events of each hour's hour of the week in the other weeks in which the source spoke.

    Where it spoke in no other week, the mean of all hours stands in.
    """
    others = np.bincount(hour_of_week, weights=spoke)[hour_of_week] - spoke
    totals = np.bincount(hour_of_week, weights=events * spoke)[hour_of_week] - events * spoke
    overall = events[spoke].mean() if spoke.any() else 0.0
    return np.asarray(np.where(others > 0, totals / np.maximum(others, 1), overall))
