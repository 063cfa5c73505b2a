"""Ratios of sums over consecutive days, many series at once, and how sure they are.

The day is that of the outcome. What several nights said of it errs together and stays together, so that days
depend on each other no more than what happens does.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Self

import numpy as np
import pandas as pd
from scipy.stats import norm

from forecasting.evaluate.bootstrap import Resampling, drawn_weights

LEAST_DAYS = 7
"""Of fewer nothing is said."""
LASTING_DAYS = 3.0
"""For which an error is taken to last, growing fainter. Made-up days whose errors correlate by 0.3 from one
day to the next then leave an interval as often as it says; by 0.6, twice as often."""


@dataclass(frozen=True)
class Drawn:
    """Figures, and their spread over days that might have come instead."""

    value: np.ndarray
    """(n,); NaN where it can't be told."""
    errors: np.ndarray
    """What other days would have made of each, less ``value`` (draws, n)."""
    level: float
    """Share of the intervals."""

    def minus(self, other: Self) -> Drawn:
        """The differences: paired where both were drawn of as many days with one seed."""
        return Drawn(self.value - other.value, self.errors - other.errors, self.level)

    def interval(self) -> tuple[np.ndarray, np.ndarray]:
        """Ends of the intervals (n,): normal ones, which reach further out than draws can be counted."""
        reach = float(norm.ppf((1 + self.level) / 2)) * self.errors.std(axis=0)
        return self.value - reach, self.value + reach


def ratios(over: np.ndarray, under: np.ndarray, resampling: Resampling) -> Drawn:
    """The sum of ``over`` by the sum of ``under``, each column for itself.

    Days are drawn in runs, and what they say is spread out for few days, as in
    :func:`forecasting.evaluate.bootstrap.compare`.

    Args:
        over: (days, n); 0 on a day without.
        under: (days, n), never negative.
        resampling: level, draws and seed.

    Returns:
        The ratios; NaN where ``under`` sums to 0, or there are under :data:`LEAST_DAYS` days.
    """
    days, series = over.shape
    if days < LEAST_DAYS:
        nothing = np.full(series, math.nan)
        return Drawn(nothing, np.full((resampling.draws, series), math.nan), resampling.level)
    weights, width = drawn_weights(days, LASTING_DAYS, resampling)
    with np.errstate(invalid="ignore", divide="ignore"):
        value = over.sum(axis=0) / under.sum(axis=0)
        drawn = (weights @ over) / (weights @ under)
    # A draw without a day on which anybody came says nothing.
    errors = np.where(np.isfinite(drawn), width * (drawn - value), 0.0)
    finite = np.isfinite(value)
    return Drawn(np.where(finite, value, math.nan), np.where(finite, errors, math.nan), resampling.level)


def ratios_apart(
    over: np.ndarray, under: np.ndarray, recent: np.ndarray, resampling: Resampling
) -> tuple[Drawn, Drawn]:
    """The ratio over the recent days, and that over the others before them.

    How far days stray from their span's ratio is learnt from both spans: a week by itself could hardly tell.
    The two are drawn apart.

    Args:
        over: (days, n).
        under: (days, n), never negative.
        recent: which days are recent (days,).
        resampling: level, draws and seed.

    Returns:
        Each as :func:`ratios` has it; NaN where one span has under :data:`LEAST_DAYS` days.
    """
    spans = [(recent, resampling.seed), (~recent, resampling.seed + 1)]
    if min(recent.sum(), (~recent).sum()) < LEAST_DAYS:
        nothing = ratios(over[:0], under[:0], resampling)
        return nothing, nothing
    with np.errstate(invalid="ignore", divide="ignore"):
        values = [over[days].sum(axis=0) / under[days].sum(axis=0) for days, _ in spans]
        strays = over - np.where(recent[:, None], values[0], values[1]) * under
    found = []
    for value, (days, seed) in zip(values, spans, strict=True):
        how = Resampling(resampling.level, resampling.draws, seed)
        weights, width = drawn_weights(len(over), LASTING_DAYS, how)
        share = math.sqrt(days.sum() / len(over))
        with np.errstate(invalid="ignore", divide="ignore"):
            errors = width * share * (weights @ strays) / under[days].sum(axis=0)
        found.append(Drawn(np.where(np.isfinite(value), value, math.nan), errors, resampling.level))
    return found[0], found[1]


def sums_by_day(
    table: pd.DataFrame, keys: Sequence[str], columns: Sequence[str]
) -> tuple[pd.DataFrame, list[date], dict[str, np.ndarray]]:
    """Sums of each column by day, a day after the other.

    Args:
        table: the keys, ``day``, and the columns.
        keys: what tells one series from another.
        columns: to sum; missing counts as nothing.

    Returns:
        The keys of the n series; the days, of which none between the first and the last is left out; and by
        column the sums (days, n), 0 on a day without.
    """
    added = table.groupby([*keys, "day"])[list(columns)].sum()
    if added.empty:
        return table[list(keys)].iloc[:0], [], {name: np.zeros((0, 0)) for name in columns}
    told = added.index.get_level_values("day")
    days = [when.date() for when in pd.date_range(told.min(), told.max())]
    wide = {
        name: added.pivot_table(index=list(keys), columns="day", values=name, aggfunc="sum")
        .reindex(columns=days)
        .fillna(0.0)
        for name in columns
    }
    index = next(iter(wide.values())).index.to_frame(index=False)
    return index, days, {name: frame.to_numpy(dtype=float).T for name, frame in wide.items()}
