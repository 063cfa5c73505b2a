"""The stretches between one change of shift and the next: within one, who is on duty stays the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecasting.staffing.cover.case import Reals, Slot, Wholes


@dataclass(frozen=True)
class Stretches:
    """Stretches from the first slot's first hour to the last slot's last."""

    first: Wholes
    """The first hour of each (stretches,)."""
    end: Wholes
    """The hour after its last (stretches,)."""
    covers: Reals
    """1 where a slot covers a stretch (stretches, slots); each column's ones stand together."""

    @property
    def hours(self) -> Wholes:
        """How long each is (stretches,)."""
        return self.end - self.first

    def __len__(self) -> int:
        return len(self.first)


def stretches_of(slots: Sequence[Slot]) -> Stretches:
    """Cut the time that slots span wherever one of them starts or ends."""
    starts = np.array([slot.first for slot in slots], dtype=np.int64)
    ends = np.array([slot.end for slot in slots], dtype=np.int64)
    edges = np.unique(np.concatenate([starts, ends]))
    first, end = edges[:-1], edges[1:]
    covers = (starts <= first[:, None]) & (end[:, None] <= ends)
    return Stretches(first, end, covers.astype(float))
