"""Which windows an epoch shows, and in what order.

A draw takes as many windows of one series as of another, so that a series with a long history does not speak
for all. It is a function of its seed alone: a training that was killed draws the same windows again.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def stratified(series: np.ndarray, wanted: int, seed: Sequence[int]) -> np.ndarray:
    """Draw windows without replacement, as evenly over their series as can be.

    Each series gives the same number of windows, or one more, for as long as it has any; the rest is given by
    the others. Where more windows are wanted than there are, all are shown once a round, and the last round
    is drawn as above.

    Args:
        series: the series of every window (windows,), in any order.
        wanted: windows to draw.
        seed: non-negative integers, for instance a training's seed and the epoch.

    Returns:
        Numbers of windows in random order (wanted,), int64.

    Raises:
        ValueError: there is nothing to draw from, or a negative number is wanted.
    """
    if wanted < 0 or (wanted and not len(series)):
        raise ValueError(f"cannot draw {wanted} windows from {len(series)}: give at least one window")
    random = np.random.default_rng(list(seed))
    rounds, rest = divmod(wanted, len(series)) if wanted else (0, 0)
    whole = [random.permutation(len(series)) for _ in range(rounds)]
    return np.concatenate([*whole, _even(series, rest, random)])


def share(order: np.ndarray, rank: int, world_size: int) -> np.ndarray:
    """One process's part of a drawn order.

    Every process gets equally many windows, and none that another gets; what is left over, fewer than
    ``world_size``, goes to no one. The n-th batches of all processes together are the n-th stretch of the
    order, as if one process had taken larger batches.

    Args:
        order: numbers of windows (windows,).
        rank: this process, from 0.
        world_size: processes in all.

    Raises:
        ValueError: there is no such rank.
    """
    if not 0 <= rank < world_size:
        raise ValueError(f"rank {rank} is not one of {world_size} processes: count ranks from 0")
    return order[: len(order) - len(order) % world_size][rank::world_size]


def _even(series: np.ndarray, wanted: int, random: np.random.Generator) -> np.ndarray:
    """Fewer windows than there are, in random order."""
    shuffled = random.permutation(len(series))
    grouped = shuffled[np.argsort(series[shuffled], kind="stable")]
    _, number, count = np.unique(series[grouped], return_inverse=True, return_counts=True)
    place = np.arange(len(series)) - (np.cumsum(count) - count)[number]
    return random.permutation(grouped[place < _quota(count, wanted, random)[number]])


def _quota(count: np.ndarray, wanted: int, random: np.random.Generator) -> np.ndarray:
    """Windows to take of each series (series,): as water fills vessels of these heights."""
    height = np.sort(count)
    below = np.cumsum(height) - height
    filled = below + height * np.arange(len(height), 0, -1)
    level = int(np.searchsorted(filled, wanted, side="right"))
    if level == len(height):
        return count
    each, extra = divmod(wanted - int(below[level]), len(height) - level)
    quota: np.ndarray = np.minimum(count, each)
    quota[random.permutation(np.flatnonzero(count > each))[:extra]] += 1
    return quota
