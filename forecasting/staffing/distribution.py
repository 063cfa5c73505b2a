"""What a figure may come to: its values at some levels, or equally likely ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

Reals = NDArray[np.float64]

HAIR = 1e-6
"""Patients and heads that differ by less are the same."""


@dataclass(frozen=True)
class Quantiles:
    """Values at levels; between two levels straight in the normal score, beyond the outermost not known."""

    levels: Reals
    """Rising, inside 0..1 (n,)."""
    values: Reals
    """Not falling (n,)."""

    def at(self, level: float) -> float:
        """The value at a level; NaN beyond the outermost."""
        scores = ndtri(self.levels)
        return float(np.interp(ndtri(level), scores, self.values, left=np.nan, right=np.nan))

    def times(self, factor: float, plus: float) -> Quantiles:
        """Each value times a factor that is not negative, and so much more."""
        return Quantiles(self.levels, self.values * factor + plus)

    def drawn(self, count: int) -> Reals:
        """So many equally likely values, rising; beyond the outermost level as at it (count,)."""
        levels = (np.arange(count) + 0.5) / count
        return np.interp(ndtri(levels), ndtri(self.levels), self.values)

    def share_above(self, value: float) -> float:
        """How likely it comes to more than a value, as far as the levels tell.

        Never less than what lies above the highest level, nor more than what lies above the lowest: where
        the levels end at 0.95 it says 0.05 of anything less likely.
        """
        after = int(np.searchsorted(self.values, value + HAIR, side="right"))
        if after in (0, len(self.values)):
            return float(1 - self.levels[max(after - 1, 0)])
        below, above = self.values[after - 1 : after + 1]
        low, high = ndtri(self.levels[after - 1 : after + 1])
        reached = max(value - below, 0.0) / (above - below)
        return float(ndtr(-(low + (high - low) * reached)))


@dataclass(frozen=True)
class Draws:
    """Equally likely values."""

    values: Reals
    """In any order (draws,)."""

    def drawn(self, count: int) -> Reals:
        """The values themselves.

        Raises:
            ValueError: there are more, or fewer.
        """
        if count != len(self.values):
            raise ValueError(f"{count} draws are asked for; there are {len(self.values)}")
        return self.values

    def at(self, level: float) -> float:
        """The least value that a share ``level`` of the draws do not exceed."""
        return float(np.quantile(self.values, level, method="inverted_cdf"))

    def share_above(self, value: float) -> float:
        """The share of the draws that come to more than a value."""
        return float((self.values > value + HAIR).mean())


Distribution = Quantiles | Draws
