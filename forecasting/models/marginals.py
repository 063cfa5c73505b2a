"""A forecast's whole distribution: its quantile function between its levels, and beyond them."""

from __future__ import annotations

import numpy as np
from scipy.stats import norm

MEDIAN = 0.5


def quantile_function(quantiles: np.ndarray, levels: tuple[float, ...], at: np.ndarray) -> np.ndarray:
    """The forecasts' values at any levels, in whole patients.

    Between two levels the function runs straight in the normal score, so that a normal forecast is met
    exactly. Beyond an outermost level it goes on as it ran, on the whole, from the median to that level: a
    normal tail. The result is rounded, as quantiles of counts are.

    Args:
        quantiles: of each forecast (..., levels), not falling.
        levels: their levels, rising, the median and one on either side of it among them.
        at: levels to read the function at, rising, inside 0..1 (m,).

    Returns:
        Whole numbers (..., m), not falling along the last axis, never negative.

    Raises:
        ValueError: the levels have no median or end at it.
    """
    if MEDIAN not in levels[1:-1]:
        told = ", ".join(map(str, levels))
        raise ValueError(f"levels {told} must have {MEDIAN}, and others on both sides of it")
    return np.asarray(np.rint(np.maximum(quantiles @ _weights(levels, at), 0.0)))


def _weights(levels: tuple[float, ...], at: np.ndarray) -> np.ndarray:
    """What each quantile weighs in the value at each of ``at`` (levels, m)."""
    score, wanted = np.asarray(norm.ppf(levels)), np.asarray(norm.ppf(at))
    weights = np.stack([np.interp(wanted, score, row) for row in np.eye(len(levels))])
    middle = levels.index(MEDIAN)
    for outermost, beyond in ((0, wanted < score[0]), (-1, wanted > score[-1])):
        further = (wanted[beyond] - score[outermost]) / (score[outermost] - score[middle])
        weights[outermost, beyond] += further
        weights[middle, beyond] -= further
    return weights
