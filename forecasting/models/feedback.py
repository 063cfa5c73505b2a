"""Feedback: quantiles that follow what they held of late, so that a series' intervals hold in the long run.

Hours of a census move together: a month of past forecasts is few independent ones, and what they missed says
little of what the next will miss. Following what was missed, night after night, keeps the share that an
interval holds near what it says whatever the reason: adaptive conformal inference (Gibbs and Candès 2021),
here on the scale of the quantiles (Angelopoulos, Candès and Tibshirani 2023, Conformal PID control).
"""

from __future__ import annotations

import numpy as np

from forecasting.models.counts import stated

RATE = 0.1
"""Spreads by which a quantile moves for a night that it missed altogether. Of 0.02 to 0.2 on the simulated
hospitals of seeds 101 and 102: faster ones lose more, and units hold hardly nearer to what is said."""
LARGEST = 1.0
"""Spreads a quantile may move, so that it is soon back after a spell that nobody foresaw."""
SMALLEST_SPREAD = 0.25


def spreads(quantiles: np.ndarray) -> np.ndarray:
    """Half the width of the widest interval told (n,), not nearly 0.

    Args:
        quantiles: rising with their level (n, levels).
    """
    return np.asarray(np.maximum((quantiles[:, -1] - quantiles[:, 0]) / 2, SMALLEST_SPREAD))


def followed(
    said: np.ndarray,
    came: np.ndarray,
    issued: np.ndarray,
    valid: np.ndarray,
    now: int,
    levels: tuple[float, ...],
) -> np.ndarray:
    """How far each quantile of one series is moved by now, in spreads (levels,).

    Past nights are gone through in order; at each, only hours before it had been seen.

    Args:
        said: past quantiles (n, levels), rising with their level.
        came: outcomes, as whole counts (n,).
        issued: when each was issued (n,), any whole number that rises with time.
        valid: the hour it is for (n,), the same.
        now: the present, the same; every outcome is before it.
        levels: quantile levels.
    """
    times, night = np.unique(issued, return_inverse=True)
    hours = max(int(np.bincount(night).max(initial=0)), 1)
    missed = np.zeros_like(said)
    move = np.zeros(len(levels))
    for number, (begin, end) in enumerate(zip(times, np.append(times, now)[1:], strict=True)):
        tonight = night == number
        missed[tonight] = _missed(moved(said[tonight], move, levels), came[tonight], levels)
        seen = (night <= number) & (valid >= begin) & (valid < end)
        move = move + RATE * missed[seen].sum(axis=0) / hours
        move = np.clip(np.where(_sides(levels) == 0, 0.0, move), -LARGEST, LARGEST)
    return np.asarray(move)


def moved(quantiles: np.ndarray, move: np.ndarray, levels: tuple[float, ...]) -> np.ndarray:
    """Quantiles (n, levels) moved by spreads (levels,) or (n, levels); in order, never negative.

    The median stays, and no end of an interval passes it.
    """
    new = np.maximum(quantiles + move * spreads(quantiles)[:, None], 0.0)
    middle = int(np.flatnonzero(_sides(levels) == 0)[0])
    low = np.minimum.accumulate(new[:, middle::-1], axis=1)[:, ::-1]
    high = np.maximum.accumulate(new[:, middle:], axis=1)
    return np.concatenate([low[:, :-1], high], axis=1)


def _missed(said: np.ndarray, came: np.ndarray, levels: tuple[float, ...]) -> np.ndarray:
    """Level less whether the outcome is below what is stated, whose intervals hold their ends (n, levels)."""
    whole = stated(said, levels)
    below = np.where(_sides(levels) < 0, came[:, None] < whole, came[:, None] <= whole)
    return np.asarray(np.asarray(levels) - below)


def _sides(levels: tuple[float, ...]) -> np.ndarray:
    """-1 for the levels below the middle one, 0 for it, 1 above (levels,)."""
    distance = np.asarray(levels) - 0.5
    middle = int(np.argmin(np.abs(distance)))
    return np.sign(np.arange(len(levels)) - middle)
