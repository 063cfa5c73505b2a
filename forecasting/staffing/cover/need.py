"""How many hours of a stretch need more than 0, 1, 2 ... heads: all that its cost depends on.

Within a stretch the heads on duty stay the same, so it doesn't matter in which hour a need falls.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from forecasting.staffing.cover.case import Reals, Wholes
from forecasting.staffing.cover.stretches import Stretches


class Need(Protocol):
    """A unit's need, path by path or expected over all."""

    @property
    def tallest(self) -> int:
        """The most heads needed in any hour, at least 1."""

    def of_hours(self, table: Reals) -> Reals:
        """What a function of the hours above each level comes to.

        Args:
            table: its value for 0, 1, 2 ... hours in each stretch (stretches, longest + 1).

        Returns:
            (stretches, paths, tallest); with one path, its expectation.
        """


@dataclass(frozen=True)
class PathNeed:
    """Every path by itself."""

    beyond: Wholes
    """Hours that need more than each level (stretches, paths, tallest)."""
    tallest: int

    def of_hours(self, table: Reals) -> Reals:
        """See :class:`Need`."""
        return np.asarray(table[np.arange(len(table))[:, None, None], self.beyond])


@dataclass(frozen=True)
class ExpectedNeed:
    """All paths at once: expected costs are sums over levels, so the histogram of each level is enough."""

    share: Reals
    """Of the paths with so many hours above each level (stretches, longest + 1, tallest)."""
    tallest: int

    def of_hours(self, table: Reals) -> Reals:
        """See :class:`Need`; with one path."""
        return table[:, None, :] @ self.share


def path_need(requirement: Wholes, stretches: Stretches) -> PathNeed:
    """The need of each path, from heads needed (paths, hours)."""
    paths, tallest = len(requirement), max(int(requirement.max()), 1)
    stretch = np.repeat(np.arange(len(stretches)), stretches.hours)
    cell = (stretch * paths + np.arange(paths)[:, None]) * (tallest + 1)
    cell += requirement[:, stretches.first[0] : stretches.end[-1]]
    counts = np.bincount(cell.ravel(), minlength=len(stretches) * paths * (tallest + 1))
    by_need = counts.reshape(len(stretches), paths, tallest + 1)
    at_least = np.flip(np.cumsum(np.flip(by_need, axis=-1), axis=-1), axis=-1)
    return PathNeed(at_least[:, :, 1:], tallest)


def expected_need(need: PathNeed, stretches: Stretches) -> ExpectedNeed:
    """The histogram of all paths."""
    return ExpectedNeed(_histogram(need.beyond, stretches, weights=None), need.tallest)


def left_by(need: PathNeed, stretches: Stretches, coming: Reals) -> ExpectedNeed:
    """What is left of the need when others come first, as the histogram of all paths.

    Args:
        need: path by path.
        stretches: of the slots.
        coming: the probability that 0, 1, 2 ... come (most + 1, stretches, paths).
    """
    many, paths, tallest = need.beyond.shape
    most = len(coming) - 1
    further = np.concatenate([need.beyond, np.zeros((many, paths, most), dtype=np.int64)], axis=-1)
    share = sum(
        _histogram(further[:, :, more : more + tallest], stretches, chance)
        for more, chance in enumerate(coming)
        if chance.any()
    )
    return ExpectedNeed(np.asarray(share), tallest)


def _histogram(beyond: Wholes, stretches: Stretches, weights: Reals | None) -> Reals:
    """Shares of paths by hours above each level (stretches, longest + 1, tallest), paths weighted."""
    many, paths, tallest = beyond.shape
    lengths = int(stretches.hours.max()) + 1
    cell = (np.arange(many)[:, None, None] * tallest + np.arange(tallest)) * lengths + beyond
    heavy = None if weights is None else np.broadcast_to(weights[:, :, None], beyond.shape).ravel()
    counts = np.bincount(cell.ravel(), heavy, minlength=many * tallest * lengths)
    share = counts.reshape(many, tallest, lengths) / paths
    return np.ascontiguousarray(share.transpose(0, 2, 1))
