"""Rates as products of effects, each drawn towards what is already believed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

ROUNDS = 25


def rated(
    events: np.ndarray, expected: np.ndarray, factors: Sequence[np.ndarray], believed: float
) -> np.ndarray:
    """How many times more events than expected each cell has, as a product of one effect per factor.

    Iterative proportional fitting, which finds the Poisson likelihood's maximum: Deming and Stephan (1940),
    Annals of Mathematical Statistics 11(4). An effect is the posterior mean of a gamma distribution around
    1 that weighs as much as ``believed`` events.

    Args:
        events: in each cell (n,).
        expected: in each cell, by what is believed so far (n,).
        factors: for each factor, the level of each cell (n,), whole numbers from 0.
        believed: events that speak for an effect of 1; more than 0.

    Returns:
        The ratio of each cell (n,), also of one in which nothing was expected, from the levels it shares
        with others; 1 where nothing is known.
    """
    came = [np.bincount(factor, weights=events) + believed for factor in factors]
    effects = [np.ones(len(levels)) for levels in came]
    ratio = np.ones(len(expected))
    for _ in range(ROUNDS):
        for number, factor in enumerate(factors):
            others = ratio / effects[number][factor]
            awaited = np.bincount(factor, weights=expected * others) + believed
            effects[number] = came[number] / awaited
            ratio = others * effects[number][factor]
    return ratio
