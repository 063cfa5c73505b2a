"""The cheapest heads of units that share a float pool."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecasting.staffing.cover.case import Reals, Wholes
from forecasting.staffing.cover.floating import Savings, cut_at, follows, savings_of, sent
from forecasting.staffing.cover.master import Master, Proposed, Window
from forecasting.staffing.cover.posts import PostColumns
from forecasting.staffing.cover.stretches import Stretches

GAP = 1e-3
"""Share of the cost at which a search ends."""
ROUNDS = 20
RISES = 1e-5
"""Of the bound, by less than which a round of parts of heads is the last."""


@dataclass(frozen=True)
class Member:
    """A unit of a pool."""

    posts: PostColumns
    cost: Reals
    """By stretch, path and heads, convex (stretches, paths, levels + 1)."""
    minimum: int
    alone: Wholes
    """Its cheapest heads without the pool, to start from (slots,)."""


@dataclass(frozen=True)
class PlannedTogether:
    """Heads of all members and of their pool, by slot."""

    members: tuple[Wholes, ...]
    pool: Wholes
    sent: Wholes
    """Pool heads sent to each member (members, stretches, paths)."""
    cost: float
    """Expected, rosters included."""
    least_cost: float
    """No heads can cost less."""


def cheapest_together(
    members: Sequence[Member], pool: PostColumns, stretches: Stretches, gap: float = GAP
) -> PlannedTogether:
    """Minimise what the heads of units and pool cost plus what is expected to follow.

    Heads are first sought in parts and rounded; where that leaves a gap, whole.

    Args:
        members: the units, over the same paths.
        pool: the pool's columns.
        stretches: of the slots.
        gap: share of the cost at which the search ends.

    Raises:
        ArithmeticError: the solver found no heads.
    """
    savings = savings_of([member.cost for member in members], _most(pool, stretches))
    master = _master(members, pool, stretches)
    best = Proposed([member.alone for member in members], pool.scheduled, -np.inf)
    inside = master.window.inside(savings.by_head)
    best_cost = _tried(best, master, savings, inside)
    bound, whole = -np.inf, False
    for _ in range(ROUNDS):
        proposed = master.solve(whole)
        if proposed is None:
            break
        whole = whole or proposed.bound <= bound + RISES * abs(bound)
        bound = max(bound, proposed.bound)
        cost = _tried(proposed, master, savings, inside)
        if cost < best_cost:
            best, best_cost = proposed, cost
        if best_cost - bound <= gap * abs(best_cost):
            break
    present, offered = _on_duty(best, stretches)
    return PlannedTogether(
        members=tuple(best.members),
        pool=best.pool,
        sent=sent(savings, present, offered),
        cost=best_cost,
        least_cost=min(bound, best_cost),
    )


def _master(members: Sequence[Member], pool: PostColumns, stretches: Stretches) -> Master:
    minimum = np.array([member.minimum for member in members])
    covered = stretches.covers.sum(axis=1) > 0
    alone = np.array([_whole(stretches.covers @ member.alone) for member in members])
    most = _most(pool, stretches)
    # With a pool a unit needs hardly more heads of its own, and hardly fewer than the pool can replace.
    first = np.maximum(alone - most - 1, minimum[:, None] * covered)
    return Master([member.posts for member in members], minimum, pool, stretches, Window(first, most + 3))


def _tried(proposed: Proposed, master: Master, savings: Savings, inside: Sequence[Reals]) -> float:
    """The expected cost of these heads; the cut at them joins the programme."""
    present, offered = _on_duty(proposed, master.stretches)
    within = master.window.within(present)
    cut = cut_at(savings, inside, within, offered)
    master.add(cut)
    value = cut.value if (within == present).all() else follows(savings, present, offered)[0]
    posts = zip((*master.members, master.pool), (*proposed.members, proposed.pool), strict=True)
    return float(value.sum()) + sum(float(columns.cost(heads).sum()) for columns, heads in posts)


def _on_duty(proposed: Proposed, stretches: Stretches) -> tuple[Wholes, Wholes]:
    present = np.array([_whole(stretches.covers @ heads) for heads in proposed.members])
    return present, _whole(stretches.covers @ proposed.pool)


def _most(pool: PostColumns, stretches: Stretches) -> int:
    return int(_whole(stretches.covers @ (pool.scheduled + pool.most_added)).max())


def _whole(heads: Reals) -> Wholes:
    return np.rint(heads).astype(np.int64)
