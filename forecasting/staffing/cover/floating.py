"""Where a float pool's heads go on each path, what that saves, and what it says of other heads.

Its heads go one by one to the largest saving left. The saving that no head was left for is the pool's price
on that path. At fixed prices the units part, and what follows is a convex function of each unit's heads that
never exceeds the true cost and equals it at these heads: Lagrangian duality, a cut for Benders'
decomposition, Benders (1962), Numerische Mathematik 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecasting.staffing.cover.case import Reals, Wholes


@dataclass(frozen=True)
class Savings:
    """What heads save in the units of a pool."""

    by_head: Reals
    """Of the head after 0, 1, 2 ..., falling to 0 (members, stretches, paths, levels + offered + 1)."""
    cost: Reals
    """Expected, of 0, 1, 2 ... heads (members, stretches, levels + 1)."""


@dataclass(frozen=True)
class Cut:
    """A lower bound of what follows each stretch, tight at some heads."""

    present: Wholes
    """The members' heads there (members, stretches)."""
    offered: Wholes
    """The pool's (stretches,)."""
    value: Reals
    """What follows there (stretches,)."""
    saved: Reals
    """By a head more of a member, at each level within the window (members, stretches, width)."""
    price: Reals
    """Of the pool's heads (stretches,)."""


def savings_of(costs: Sequence[Reals], offered: int) -> Savings:
    """Savings from the members' costs by stretch, path and heads, levels of their own.

    Args:
        costs: (stretches, paths, levels + 1) each.
        offered: the most heads that the pool can have.
    """
    levels = max(cost.shape[-1] for cost in costs)
    by_head, expected = [], []
    for cost in costs:
        idle = levels - cost.shape[-1]
        by_head.append(np.pad(-np.diff(cost, axis=-1), ((0, 0), (0, 0), (0, idle + offered + 1))))
        expected.append(np.pad(cost.mean(axis=1), ((0, 0), (0, idle)), mode="edge"))
    return Savings(np.stack(by_head).clip(min=0), np.stack(expected))


def follows(savings: Savings, present: Wholes, offered: Wholes) -> tuple[Reals, Reals]:
    """What follows each stretch, expected (stretches,), and the pool's price by path (stretches, paths).

    Args:
        savings: of all members.
        present: heads of each (members, stretches).
        offered: heads of the pool (stretches,).
    """
    alone = np.take_along_axis(savings.cost, _known(savings, present)[:, :, None], axis=2).sum(axis=(0, 2))
    price = np.empty(savings.by_head.shape[1:3])
    for stretch, heads in enumerate(offered):
        saving = _open_to(savings, present, stretch, heads)
        best = -np.partition(-saving, heads, axis=1)[:, : heads + 1]
        price[stretch] = best[:, -1]
        alone[stretch] -= best[:, :-1].sum(axis=1).mean()
    return alone, price


def cut_at(savings: Savings, inside: Reals, present: Wholes, offered: Wholes) -> Cut:
    """The cut that is tight at these heads, see :func:`follows`.

    Args:
        savings: of all members.
        inside: those by head of the levels that the cut is told at (members, stretches, paths, width).
        present: heads of each, within these levels (members, stretches).
        offered: heads of the pool (stretches,).
    """
    value, price = follows(savings, present, offered)
    saved = np.minimum(inside, price[None, :, :, None]).mean(axis=2)
    return Cut(present, offered, value, saved, price.mean(axis=1))


def sent(savings: Savings, present: Wholes, offered: Wholes) -> Wholes:
    """Pool heads that go to each member on each path; who helps nowhere stays (members, stretches, paths)."""
    members, stretches, paths, _ = savings.by_head.shape
    going = np.zeros((members, stretches, paths), dtype=np.int64)
    for stretch, heads in enumerate(offered):
        saving = _open_to(savings, present, stretch, heads)
        best = np.argsort(-saving, axis=1, kind="stable")[:, :heads]
        useful = np.take_along_axis(saving, best, axis=1) > 0
        for member in range(members):
            going[member, stretch] = (useful & (best // (heads + 1) == member)).sum(axis=1)
    return going


def _open_to(savings: Savings, present: Wholes, stretch: int, heads: int) -> Reals:
    """What each pool head and one more would save, member by member (paths, members x (heads + 1))."""
    known = _known(savings, present)[:, stretch]
    members = zip(savings.by_head[:, stretch], known, strict=True)
    return np.concatenate([saving[:, at : at + heads + 1] for saving, at in members], axis=1)


def _known(savings: Savings, present: Wholes) -> Wholes:
    """Heads, as many as make a difference."""
    most: Wholes = np.minimum(present, savings.cost.shape[-1] - 1)
    return most
