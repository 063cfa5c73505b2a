"""A forecast's whole distribution: its quantile function between the levels it was made at, and beyond them."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.spatial import KDTree
from scipy.stats import nbinom, norm, poisson

RATES = np.geomspace(0.02, 200.0, 500)
DISPERSIONS = (1.0, 1.2, 1.5, 2.0, 3.0, 5.0)
"""Variance over mean."""


def level_values(quantiles: np.ndarray, levels: tuple[float, ...], at: np.ndarray) -> np.ndarray:
    """The quantile function of levels without a law of their own, such as a census: whole patients.

    Between two levels it runs straight in the normal score, so that a normal forecast is met exactly.
    Beyond the outermost level it goes on as it ran, on the whole, from the median to that level: a normal
    tail on either side.

    Args:
        quantiles: of each forecast (n, levels), not falling.
        levels: their levels, rising, the median among them.
        at: levels to read the function at, rising, inside 0..1 (m,).

    Returns:
        Whole numbers (n, m), not falling along the last axis, never negative.
    """
    return np.rint(np.maximum(quantiles @ _between(levels, at, tails=True), 0.0))


def count_values(quantiles: np.ndarray, levels: tuple[float, ...], at: np.ndarray) -> np.ndarray:
    """The quantile function of counts, such as arrivals.

    Whole quantiles say little of counts between few levels: those of 0.3 patients are nothing but zeros and
    ones. So the negative binomial nearest to the forecast's quantiles fills in, moved by as much as the
    forecast departs from it: by a straight line in the normal score between the levels, by what it was at the
    outermost one beyond it. The forecast's own quantiles are kept. Above the table's rates, where a count
    is as good as normal, :func:`level_values` speaks.

    Args:
        quantiles: of each forecast (n, levels), not falling.
        levels: their levels, rising, the median among them.
        at: levels to read the function at, rising, inside 0..1 (m,).

    Returns:
        Whole numbers (n, m), not falling along the last axis, never negative.
    """
    known, rates, dispersions, tree = _laws(levels)
    # Of two laws with much the same quantiles either will do.
    near = tree.query(quantiles, workers=1)[1]
    used, place = np.unique(near, return_inverse=True)
    law = _law_quantiles(rates[used, None], dispersions[used, None], at)[place]
    moved = law + (quantiles - known[near]) @ _between(levels, at, tails=False)
    reached = np.searchsorted(levels, at, side="right")
    ends = np.concatenate([np.zeros((len(quantiles), 1)), quantiles, np.full((len(quantiles), 1), np.inf)], 1)
    whole = np.rint(np.clip(moved, ends[:, reached], ends[:, reached + 1]))
    counts = np.maximum.accumulate(whole, axis=1)
    large = quantiles[:, levels.index(0.5)] > RATES[-1] / 2
    counts[large] = level_values(quantiles[large], levels, at)
    return counts


def _between(levels: tuple[float, ...], at: np.ndarray, *, tails: bool) -> np.ndarray:
    """Weights (levels, m) of the quantiles in the value at each of ``at``; without tails they stay level."""
    score, wanted = norm.ppf(levels), norm.ppf(at)
    if not tails:
        return np.stack([np.interp(wanted, score, row) for row in np.eye(len(levels))])
    weights = np.stack([np.interp(wanted, score, row) for row in np.eye(len(levels))])
    middle = levels.index(0.5)
    for outermost, beyond in ((0, wanted < score[0]), (len(levels) - 1, wanted > score[-1])):
        if outermost == middle:
            continue
        slope = (wanted[beyond] - score[outermost]) / (score[outermost] - score[middle])
        weights[outermost, beyond] += slope
        weights[middle, beyond] -= slope
    return weights


@lru_cache(maxsize=8)
def _laws(levels: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray, KDTree]:
    """Negative binomials with different quantiles: these (n, levels), rates and dispersions (n,), a tree."""
    rates, dispersions = (axis.ravel() for axis in np.meshgrid(RATES, DISPERSIONS, indexing="ij"))
    quantiles = _law_quantiles(rates[:, None], dispersions[:, None], np.asarray(levels))
    known, place, count = np.unique(quantiles, axis=0, return_inverse=True, return_counts=True)
    # Laws that can't be told apart by these levels are taken at their middle.
    rate = np.exp(np.bincount(place, np.log(rates)) / count)
    return known, rate, np.exp(np.bincount(place, np.log(dispersions)) / count), KDTree(known)


def _law_quantiles(rate: np.ndarray, dispersion: np.ndarray, at: np.ndarray) -> np.ndarray:
    excess = np.maximum(dispersion - 1.0, 1e-9)
    wide = dispersion > 1.0 + 1e-6
    overdispersed = nbinom.ppf(at, rate / excess, 1.0 / (1.0 + excess))
    return np.asarray(np.where(wide, overdispersed, poisson.ppf(at, rate)))
