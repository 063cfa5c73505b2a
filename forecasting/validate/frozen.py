"""A unit's census that stands still for longer than chance allows. Pure functions."""

from __future__ import annotations

import numpy as np
import pandas as pd

CHANCE = 1e-9
"""How improbable a still stretch must be: some 50 h where an hour in three brings a change."""
LEAST_HOURS = 24
"""However lively a unit is, shorter stretches are left alone."""


def frozen_hours(known: pd.Series) -> pd.Series:
    """Which hours repeat the hour before in a stretch too long for a unit that lives.

    How often an hour of the day brings a change is learnt from the series itself, the stretch in question
    left out; a census of zero stands still without being frozen, as in a unit that is closed.

    Args:
        known: one series of a census by hour (UTC), a value in each; gaps end a stretch.

    Returns:
        True where the value is not to be trusted: all hours of such a stretch but the first. Same index.
    """
    grid = known.sort_index()
    index = pd.DatetimeIndex(grid.index)
    follows = pd.Series(np.diff(index, prepend=index[:1]) == pd.Timedelta(hours=1), index=index)
    same = grid.eq(grid.shift()) & follows
    stretch = (~same).cumsum()
    hour = np.asarray(index.hour)
    log_still = np.log1p(-_changes(same, follows, stretch, hour).to_numpy(float)) * same.to_numpy()
    chance = pd.Series(log_still, index=index).groupby(stretch).transform("sum")
    length = same.groupby(stretch).transform("sum")
    frozen: pd.Series = same & (length >= LEAST_HOURS) & (chance < np.log(CHANCE)) & grid.gt(0)
    return frozen


def _changes(same: pd.Series, follows: pd.Series, stretch: pd.Series, hour: np.ndarray) -> pd.Series:
    """The share of each hour of the day's hours that bring a change, long still stretches left out."""
    usual = follows & (same.groupby(stretch).transform("sum") < LEAST_HOURS)
    changes = (~same & usual).groupby(hour).transform("sum")
    hours = usual.groupby(hour).transform("sum")
    return ((changes + 0.5) / (hours + 1)).clip(upper=0.99)
