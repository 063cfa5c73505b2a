"""Probability integral transforms: where in its forecast distribution each outcome fell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

BOUNDS = ["pit_low", "pit_high"]


def pit_bounds(
    outcome: np.ndarray, quantiles: np.ndarray, levels: np.ndarray, step: np.ndarray | float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """The forecast probability below each outcome, and up to it: F(y - step) and F(y).

    Under a true forecast a value drawn evenly between the two is uniform on 0..1, for counts as for
    continuous outcomes: Czado, Gneiting and Held (2009), Predictive model assessment for count data,
    Biometrics 65. F is known at the quantiles alone. Between two of them it rises as the straight line
    through the quantiles says, read half a count above the outcome; beyond the outermost ones what is left
    falls exponentially. An outcome of zero has nothing below it.

    Args:
        outcome: what came (n,), never negative.
        quantiles: of each outcome's forecast (n, levels), none of them falling.
        levels: quantile levels, rising (levels,).
        step: the distance between values that an outcome can take: 1 for a count, 0 where it is
            continuous; (n,) or one for all.

    Returns:
        Lower and upper bound (n,), each in 0..1.
    """
    step = np.broadcast_to(step, outcome.shape)
    high = _probability(outcome, step, quantiles, levels)
    low = np.where(step > 0, _probability(outcome - step, step, quantiles, levels), high)
    return np.where((outcome <= 0) & (step > 0), 0.0, low), high


def share_within(low: np.ndarray, high: np.ndarray, least: float, most: float) -> np.ndarray:
    """Share (n,) of each PIT interval ``low`` .. ``high`` that lies in ``least`` .. ``most``."""
    width = high - low
    inside = np.maximum(np.minimum(high, most) - np.maximum(low, least), 0.0)
    # An interval of no width is a point; the lower end belongs to the bin above it.
    point = ((low >= least) & ((low < most) | (most >= 1.0))).astype(float)
    share = np.where(width > 0, inside / np.where(width > 0, width, 1.0), point)
    return np.where(np.isnan(width), np.nan, share)


def pit_histogram(hours: pd.DataFrame, by: Sequence[str], edges: Sequence[float]) -> pd.DataFrame:
    """How the outcomes of each model spread over the probabilities it forecast.

    Each outcome counts in every bin by the share of its PIT interval there (the non-randomised histogram
    of Czado, Gneiting and Held, 2009), so nothing is drawn. Take the quantile levels as inner edges: the
    forecast says nothing finer.

    Args:
        hours: what :func:`forecasting.evaluate.scored.scored_hours` returns.
        by: columns of ``hours`` to tell groups by, beside the model; may be none.
        edges: inner edges of the bins, rising, in 0..1.

    Returns:
        model, the columns of ``by``, pit_from, pit_to, hours, and density: 1 in every bin under a true
        forecast, more where outcomes fall too often.
    """
    ends = [0.0, *edges, 1.0]
    low, high = hours["pit_low"].to_numpy(), hours["pit_high"].to_numpy()
    keys = ["model", *by]
    shares = pd.DataFrame(
        {at: share_within(low, high, *ends[at : at + 2]) for at in range(len(ends) - 1)}, index=hours.index
    )
    groups = pd.concat([hours[keys], shares], axis=1).groupby(keys)
    table = groups.mean().melt(var_name="bin", value_name="share", ignore_index=False).reset_index()
    place = table["bin"].astype(int).to_numpy()
    table["pit_from"], table["pit_to"] = np.array(ends)[place], np.array(ends)[place + 1]
    table["density"] = table["share"] / (table["pit_to"] - table["pit_from"])
    table = table.merge(groups.size().rename("hours").reset_index(), on=keys)
    return table.sort_values([*keys, "pit_from"], ignore_index=True)[
        [*keys, "pit_from", "pit_to", "hours", "density"]
    ]


def _probability(
    value: np.ndarray, step: np.ndarray, quantiles: np.ndarray, levels: np.ndarray
) -> np.ndarray:
    """F(value) (n,), between the last level whose quantile is not above the value and the next level."""
    rows = np.arange(len(value))
    ends = np.concatenate([[0.0], levels, [1.0]])
    reached = (quantiles <= value[:, None]).sum(axis=1)
    # A quantile of counts is a rounded one: the value's own share reaches half a count above it.
    edge = value + step / 2
    before = quantiles[rows, np.maximum(reached - 1, 0)]
    after = quantiles[rows, np.minimum(reached, len(levels) - 1)]
    gap = np.where(after > before, after - before, 1.0)
    between = ends[reached] + np.clip((edge - before) / gap, 0.0, 1.0) * (ends[reached + 1] - ends[reached])
    below = levels[0] * _remains(quantiles[:, 0] - edge, quantiles[:, :2], levels[1] / levels[0], step)
    rest = 1.0 - levels[::-1]
    above = 1.0 - rest[0] * _remains(edge - quantiles[:, -1], quantiles[:, -2:], rest[1] / rest[0], step)
    result = np.select([reached == 0, reached == len(levels)], [below, above], between)
    return np.where(np.isnan(quantiles).any(axis=1), np.nan, result)


def _remains(beyond: np.ndarray, pair: np.ndarray, ratio: float, step: np.ndarray) -> np.ndarray:
    """Share of an outermost probability that is left so far beyond its quantile, falling exponentially.

    It falls as it did between the two outermost quantiles, ``ratio`` their probabilities'.
    """
    gap = np.maximum(pair[:, 1] - pair[:, 0], np.where(step > 0, step, 1e-9))
    return np.asarray(np.exp(-np.log(ratio) * np.maximum(beyond, 0.0) / gap))
