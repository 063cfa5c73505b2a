"""The cheapest heads of a unit without a float pool: a linear programme whose optimum is whole."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from forecasting.staffing.cover.case import Reals, Wholes
from forecasting.staffing.cover.posts import PostColumns
from forecasting.staffing.cover.stretches import Stretches

WHOLE_WITHIN = 1e-6


def cheapest_heads(
    posts: PostColumns, stretches: Stretches, cost: Reals, minimum: int
) -> tuple[Wholes, float]:
    """Minimise what the heads cost plus the convex cost that follows in each stretch.

    A slot covers stretches that follow each other, so the matrix of slots has consecutive ones; with a column
    per head of a stretch it stays totally unimodular, and a vertex of the linear programme is whole: Dantzig
    (1954), A comment on Edie's traffic delays at toll booths; Nemhauser and Wolsey (1988), III.1.

    Args:
        posts: the unit's columns.
        stretches: of the slots.
        cost: expected, of 0, 1, 2 ... heads in each stretch, convex (stretches, levels + 1).
        minimum: heads at all times that a slot covers, at most ``levels``.

    Returns:
        Heads by slot (slots,), and their expected cost, roster included.

    Raises:
        ArithmeticError: the solver found no optimum, or one that is not whole.
    """
    slopes = np.minimum(np.diff(cost, axis=1), 0)
    levels = slopes.shape[1]
    rows, right = presence(stretches, levels), -stretches.covers @ posts.scheduled
    bounds = level_bounds(stretches, levels, minimum)
    beyond = np.zeros(len(stretches))
    solved = milp(
        np.concatenate([posts.price, slopes.ravel(), beyond]),
        constraints=LinearConstraint(rows, right, right),
        bounds=Bounds(
            np.concatenate([posts.lower, bounds[:, 0], beyond]),
            np.concatenate([posts.upper, bounds[:, 1], beyond + np.inf]),
        ),
    )
    if solved.x is None:
        raise ArithmeticError(f"the solver ended without an optimum: {solved.message}")
    values = solved.x[: len(posts.price)]
    if np.abs(values - np.rint(values)).max() > WHOLE_WITHIN:
        raise ArithmeticError("the optimum of a totally unimodular programme is not of whole heads")
    return posts.heads(values), float(solved.fun + cost[:, 0].sum() + posts.rostered.sum())


def presence(stretches: Stretches, levels: int) -> sparse.csr_array:
    """Rows that say: slots' changes of heads are a stretch's heads, level by level, less the roster's.

    Columns: those of the posts, a column per stretch and level, and one per stretch for heads beyond all.
    """
    one_each = sparse.eye_array(len(stretches))
    by_level = sparse.kron(one_each, np.ones((1, levels)))
    covers = sparse.csr_array(stretches.covers)
    return sparse.csr_array(sparse.hstack([covers, -covers, -by_level, -one_each]))


def level_bounds(stretches: Stretches, levels: int, minimum: int) -> Reals:
    """0 to 1 for each stretch's levels, and 1 for those that the minimum fills (stretches x levels, 2)."""
    filled = (np.arange(levels) < minimum) & (stretches.covers.sum(axis=1, keepdims=True) > 0)
    return np.stack([filled.ravel(), np.ones(filled.size)], axis=1).astype(float)
