"""A unit's census that repeats another's: a join or a copy gone wrong. Pure functions."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd

MOVES = 12
"""Two units of one site that move to the same number so many times running are one unit, told twice."""


def copied_hours(census: pd.DataFrame) -> pd.DataFrame:
    """The hours in which a unit's census is another's, move by move.

    Where both had numbers of their own before, the one that jumped further into the stretch is the copy;
    where that doesn't tell, neither is to be trusted.

    Args:
        census: known hours, ``unit_id, valid_at, value``; UTC.

    Returns:
        ``unit_id, valid_at, copy_of``.
    """
    wide = census.pivot_table(index="valid_at", columns="unit_id", values="value")
    parts = [census[["unit_id", "valid_at"]].iloc[:0].assign(copy_of="")]
    if len(wide):
        grid = wide.reindex(pd.date_range(wide.index.min(), wide.index.max(), freq="h", unit="us"))
        for one, other in combinations(grid.columns, 2):
            values = grid[[one, other]].to_numpy()
            for begin, end in _stretches(values[:, 0], values[:, 1]):
                jump = np.abs(values[begin] - values[begin - 1]) if begin else np.full(2, np.nan)
                copies = [(one, other)] if jump[0] > jump[1] else [(other, one)]
                if not np.isfinite(jump).all() or jump[0] == jump[1]:
                    copies = [(one, other), (other, one)]
                parts += [
                    pd.DataFrame({"unit_id": copy, "valid_at": grid.index[begin:end], "copy_of": original})
                    for copy, original in copies
                ]
    found: pd.DataFrame = pd.concat(parts, ignore_index=True)
    return found.drop_duplicates(["unit_id", "valid_at"])


def _stretches(one: np.ndarray, other: np.ndarray) -> list[tuple[int, int]]:
    """First hour and the one after the last of each stretch in which both move together often enough."""
    same = one == other
    together = same & np.append(False, same[:-1]) & np.append(False, np.diff(one) != 0)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], same, [False]]).astype(int)))
    moves = np.append(0, np.cumsum(together))
    return [
        (int(begin), int(end)) for begin, end in edges.reshape(-1, 2) if moves[end] - moves[begin] >= MOVES
    ]
