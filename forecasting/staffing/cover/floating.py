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
    """What heads save in the units of a pool, member by member."""

    by_head: tuple[Reals, ...]
    """Of the head after 0, 1, 2 ..., falling to 0 (stretches, paths, levels + offered + 1)."""
    cost: tuple[Reals, ...]
    """Expected, of 0, 1, 2 ... heads (stretches, levels + 1)."""


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
    return Savings(
        by_head=tuple(_saved(cost, offered) for cost in costs),
        cost=tuple(cost.mean(axis=1) for cost in costs),
    )


def follows(savings: Savings, present: Wholes, offered: Wholes) -> tuple[Reals, Reals]:
    """What follows each stretch, expected (stretches,), and the pool's price by path (stretches, paths).

    Args:
        savings: of all members.
        present: heads of each (members, stretches).
        offered: heads of the pool (stretches,).
    """
    stretches = np.arange(len(offered))
    alone = np.zeros(len(offered))
    for cost, heads in zip(savings.cost, present, strict=True):
        alone += cost[stretches, np.minimum(heads, cost.shape[-1] - 1)]
    price = np.empty(savings.by_head[0].shape[:2])
    for stretch, heads in enumerate(offered):
        saving = _open_to(savings, present, stretch, heads)
        best = -np.partition(-saving, heads, axis=1)[:, : heads + 1]
        price[stretch] = best[:, -1]
        alone[stretch] -= best[:, :-1].sum(axis=1).mean()
    return alone, price


def cut_at(savings: Savings, inside: Sequence[Reals], present: Wholes, offered: Wholes) -> Cut:
    """The cut that is tight at these heads, see :func:`follows`.

    Args:
        savings: of all members.
        inside: those by head of the levels that the cut is told at, by member (stretches, paths, width).
        present: heads of each, within these levels (members, stretches).
        offered: heads of the pool (stretches,).
    """
    value, price = follows(savings, present, offered)
    saved = [np.minimum(of_member, price[:, :, None]).mean(axis=1) for of_member in inside]
    return Cut(present, offered, value, np.stack(saved), price.mean(axis=1))


def sent(savings: Savings, present: Wholes, offered: Wholes) -> Wholes:
    """Pool heads that go to each member on each path; who helps nowhere stays (members, stretches, paths)."""
    members = len(savings.by_head)
    going = np.zeros((members, *savings.by_head[0].shape[:2]), dtype=np.int64)
    for stretch, heads in enumerate(offered):
        saving = _open_to(savings, present, stretch, heads)
        best = np.argsort(-saving, axis=1, kind="stable")[:, :heads]
        useful = np.take_along_axis(saving, best, axis=1) > 0
        for member in range(members):
            going[member, stretch] = (useful & (best // (heads + 1) == member)).sum(axis=1)
    return going


def _open_to(savings: Savings, present: Wholes, stretch: int, heads: int) -> Reals:
    """What each pool head and one more would save, member by member (paths, members x (heads + 1))."""
    members = zip(savings.by_head, savings.cost, present[:, stretch], strict=True)
    known = [(saved[stretch], min(at, cost.shape[-1] - 1)) for saved, cost, at in members]
    return np.concatenate([saved[:, at : at + heads + 1] for saved, at in known], axis=1)


def _saved(cost: Reals, offered: int) -> Reals:
    levels = cost.shape[-1] - 1
    saved = np.zeros((*cost.shape[:2], levels + offered + 1))
    np.subtract(cost[:, :, :-1], cost[:, :, 1:], out=saved[:, :, :levels])
    # Rounding may leave a hair below 0.
    return np.maximum(saved, 0, out=saved)
