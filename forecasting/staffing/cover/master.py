"""The linear programme of units that share a pool; cuts raise its bound of what follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from forecasting.staffing.cover.case import Flags, Reals, Wholes
from forecasting.staffing.cover.floating import Cut
from forecasting.staffing.cover.posts import PostColumns
from forecasting.staffing.cover.stretches import Stretches

SECONDS = 2.0
"""After which a search for whole heads ends with the bound that it has."""
OUT_OF_TIME = 1
"""scipy's status of a search that ended so."""


@dataclass(frozen=True)
class Window:
    """The levels of each member and stretch that the programme tells apart.

    Below and above, a cut goes on as a straight line, which no convex function is below.
    """

    first: Wholes
    """(members, stretches)"""
    width: int

    def within(self, present: Wholes) -> Wholes:
        """The nearest heads that a cut is tight at (members, stretches)."""
        return np.clip(present, self.first, self.first + self.width)

    def inside(self, by_head: Sequence[Reals]) -> list[Reals]:
        """Of savings by head and member, those within (stretches, paths, width)."""
        levels = self.first[..., None] + np.arange(self.width)
        return [
            np.take_along_axis(saved, np.minimum(of_member, saved.shape[-1] - 1)[:, None, :], axis=-1)
            for saved, of_member in zip(by_head, levels, strict=True)
        ]

    def filled(self, present: Wholes) -> Reals:
        """Heads within the window as they fill its columns (members, stretches, width + 2)."""
        above_first = present - self.first
        inside = (np.arange(self.width) < above_first[..., None]).astype(float)
        below = self.first + np.minimum(above_first, 0)
        return np.concatenate([below[..., None], inside, np.zeros((*present.shape, 1))], axis=-1)


@dataclass(frozen=True)
class Proposed:
    """What the programme would do, and the bound that nothing can be below."""

    members: list[Wholes]
    pool: Wholes
    bound: float


@dataclass
class Master:
    """The programme; it grows by a row for each stretch and cut."""

    members: Sequence[PostColumns]
    minimum: Wholes
    """Of each member (members,)."""
    pool: PostColumns
    stretches: Stretches
    window: Window
    rows: list[sparse.coo_array] = field(default_factory=list)
    right: list[Reals] = field(default_factory=list)

    def add(self, cut: Cut) -> None:
        """Take up a cut, tight within the window."""
        many = len(self.stretches)
        slopes = np.concatenate([cut.saved[..., :1], cut.saved, cut.saved[..., -1:]], axis=-1)
        fixed = (
            cut.value + cut.price * cut.offered + (slopes * self.window.filled(cut.present)).sum(axis=(0, 2))
        )
        blocks: list[Any] = []
        for member, slope in zip(self.members, slopes, strict=True):
            by_level = sparse.block_diag([row[None, :] for row in slope])
            blocks += [sparse.coo_array((many, len(member.price))), by_level]
        pool = cut.price[:, None] * self.stretches.covers
        blocks += [pool, -pool, sparse.eye_array(many)]
        self.rows.append(sparse.coo_array(sparse.hstack(blocks)))
        self.right.append(fixed - pool @ self.pool.scheduled)

    def solve(self, whole: bool) -> Proposed | None:
        """The cheapest heads by the cuts so far; None where time ran out before any were found.

        Args:
            whole: whether heads must be whole; else they are rounded, which the bound does not mind.

        Raises:
            ArithmeticError: the solver ended without them before its time.
        """
        price, lower, upper, posts = self._columns()
        present, scheduled = self._presence()
        solved = milp(
            price,
            constraints=[
                LinearConstraint(present, scheduled, scheduled),
                LinearConstraint(sparse.vstack(self.rows, format="csr"), np.concatenate(self.right), np.inf),
            ],
            bounds=Bounds(lower, upper),
            integrality=posts.astype(int) if whole else None,
            options={"time_limit": SECONDS, "mip_rel_gap": 0.0} if whole else None,
        )
        if solved.x is None and solved.status == OUT_OF_TIME:
            return None
        if solved.x is None:
            raise ArithmeticError(f"the solver ended without heads: {solved.message}")
        values = np.split(solved.x[posts], np.cumsum([len(one.price) for one in self.members]))
        rostered = sum(float(one.rostered.sum()) for one in (self.pool, *self.members))
        bound = solved.mip_dual_bound if whole else solved.fun
        return Proposed(
            [self._rounded(*one) for one in zip(self.members, self.minimum, values[:-1], strict=True)],
            self.pool.heads(values[-1]),
            float(bound) + rostered,
        )

    def _rounded(self, member: PostColumns, minimum: int, values: Reals) -> Wholes:
        heads = member.heads(values)
        covered = self.stretches.covers.sum(axis=1) > 0
        if (self.stretches.covers @ heads)[covered].min() >= minimum:
            return heads
        added, released = np.split(values, 2)
        # The most that these values may mean; it covers whatever they cover.
        return member.heads(np.concatenate([np.ceil(added - 1e-6), np.floor(released + 1e-6)]))

    def _columns(self) -> tuple[Reals, Reals, Reals, Flags]:
        many, width = len(self.stretches), self.window.width
        covered = self.stretches.covers.sum(axis=1) > 0
        price, lower, upper = [], [], []
        for member, first, minimum in zip(self.members, self.window.first, self.minimum, strict=True):
            least, most = np.zeros((2, many, width + 2))
            least[:, 0] = minimum * covered
            most[:] = 1
            most[:, 0], most[:, -1] = first, np.inf
            price += [member.price, np.zeros(least.size)]
            lower += [member.lower, least.ravel()]
            upper += [member.upper, most.ravel()]
        price += [self.pool.price, np.ones(many)]
        lower += [self.pool.lower, np.full(many, -np.inf)]
        upper += [self.pool.upper, np.full(many, np.inf)]
        posts = [np.repeat([True, False], [len(one.price), many * (width + 2)]) for one in self.members]
        posts.append(np.repeat([True, False], [len(self.pool.price), many]))
        return np.concatenate(price), np.concatenate(lower), np.concatenate(upper), np.concatenate(posts)

    def _presence(self) -> tuple[sparse.csr_array, Reals]:
        """Rows that say: a stretch's heads, level by level, are the roster's and its changes."""
        many, columns = len(self.stretches), self.window.width + 2
        covers = sparse.csr_array(self.stretches.covers)
        by_level = sparse.kron(sparse.eye_array(many), np.ones((1, columns)))
        of_one = sparse.hstack([covers, -covers, -by_level])
        others = sparse.coo_array((len(self.members) * many, len(self.pool.price) + many))
        rows = sparse.hstack([sparse.block_diag([of_one] * len(self.members)), others], format="csr")
        return rows, np.concatenate([-self.stretches.covers @ one.scheduled for one in self.members])
