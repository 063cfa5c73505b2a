"""Sample paths: what a whole week may look like, hours and units of a site together.

A forecast of quantiles says of each hour by itself what may come. Sums over a shift, and its highest hour,
depend on how hours err together; that is read off past errors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecasting.models.marginals import quantile_function

PATHS = 1000


@dataclass(frozen=True)
class Paths:
    """Equally likely courses of every series of one issue time and target."""

    forecast: pd.DataFrame
    """One row per series: its FORECAST columns but for valid_at, quantile and value."""
    valid_at: pd.DatetimeIndex
    """The hours, in UTC (hours,)."""
    counts: np.ndarray
    """Patients (paths, series, hours)."""


def sample_paths(forecast: pd.DataFrame, template: np.ndarray, paths: int = PATHS, seed: int = 0) -> Paths:
    """Courses whose hours are distributed as the forecast says and go together as the template's rows do.

    The Schaake shuffle: in each hour the forecast's values take the ranks that the template's have. Clark,
    Gangopadhyay, Hay, Rajagopalan and Wilby (2004), The Schaake shuffle, Journal of Hydrometeorology 5(1).
    More paths than rows share the rows evenly; ties, and where a row knows nothing of an hour, are drawn.

    Args:
        forecast: rows of :data:`forecasting.schema.FORECAST`, period PT1H, of one issue time and target, the
            same hours and levels for each series.
        template: one row per past occasion, (occasions, series, hours), series and hours as in
            ``forecast`` sorted; NaN where unknown; see :mod:`forecasting.models.dependence`. Without a row,
            hours go independently.
        paths: how many.
        seed: of the draws.

    Returns:
        The paths; in every hour of every series exactly the values that the forecast's quantile function has
        at the levels (i + 1/2) / paths, whatever the template.

    Raises:
        ValueError: the forecast is of several issue times, targets or periods, or lacks an hour or level, or
            the template has another shape.
    """
    about, valid_at, levels, quantiles = laid_out(forecast)
    shape = (len(about), len(valid_at))
    if template.shape[1:] != shape:
        raise ValueError(
            f"a template of {template.shape[1:]} series and hours can't shape a forecast of {shape}"
        )
    at = (np.arange(paths) + 0.5) / paths
    by_rank = quantile_function(quantiles, levels, at)
    ranks = _ranks(template.reshape(len(template), shape[0] * shape[1]), paths, np.random.default_rng(seed))
    values = np.take_along_axis(by_rank.reshape(-1, paths), ranks, axis=1)
    return Paths(about, valid_at, values.T.reshape(paths, *shape).astype(np.int32))


def laid_out(
    forecast: pd.DataFrame,
) -> tuple[pd.DataFrame, pd.DatetimeIndex, tuple[float, ...], np.ndarray]:
    """A forecast's series, hours, levels, and quantiles (series, hours, levels).

    Raises:
        ValueError: see :func:`sample_paths`.
    """
    for name in ("issued_at", "target", "period"):
        different = forecast[name].unique()
        if len(different) != 1:
            told = ", ".join(map(str, different[:3]))
            raise ValueError(f"paths are of one {name}; the forecast has {told or 'none'}")
    if (period := forecast["period"].iloc[0]) != "PT1H":
        raise ValueError(f"paths are of hours, PT1H; the forecast is of {period}")
    rows = forecast.sort_values(["site_id", "unit_id", "valid_at", "quantile"])
    about = rows.drop(columns=["valid_at", "quantile", "value"]).drop_duplicates(["site_id", "unit_id"])
    valid_at = pd.DatetimeIndex(rows["valid_at"].unique()).sort_values()
    levels = tuple(float(level) for level in np.sort(rows["quantile"].unique()))
    shape = (len(about), len(valid_at), len(levels))
    if len(rows) != np.prod(shape):
        raise ValueError(
            f"{len(rows)} quantiles are not {shape[0]} series x {shape[1]} hours x {shape[2]} levels; "
            "give every series the same hours and levels"
        )
    quantiles = rows["value"].to_numpy(dtype=float).reshape(shape)
    return about.reset_index(drop=True), valid_at, levels, quantiles


def _ranks(template: np.ndarray, paths: int, random: np.random.Generator) -> np.ndarray:
    """For each cell a permutation of 0 .. paths - 1, in the order of the template's rows (cells, paths)."""
    occasions, cells = template.shape
    place = random.random((cells, paths))
    if occasions:
        by_cell = np.ascontiguousarray(template.T)
        # Unknown values sort last; what is known fills 0..1 without them.
        known = ~np.isnan(by_cell)
        count = np.maximum(known.sum(axis=1, keepdims=True), 1)
        share = np.where(known, _inverse(np.lexsort((random.random(by_cell.shape), by_cell), axis=1)), np.nan)
        row = np.concatenate([random.permutation(occasions) for _ in range(-(-paths // occasions))])[:paths]
        drawn = (share[:, row] + place) / count
        place = np.where(np.isnan(drawn), place, drawn)
    return _inverse(place.argsort(axis=1))


def _inverse(order: np.ndarray) -> np.ndarray:
    """Rank of each element from the order of all, along the last axis."""
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.broadcast_to(np.arange(order.shape[1]), order.shape), axis=1)
    return rank
