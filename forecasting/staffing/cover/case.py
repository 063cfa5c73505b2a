"""What there is to cover and with whom: shifts, units, their need, their heads and what each costs.

Prices are per head and hour. Hours are counted from the first hour of the requirement.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Wholes = NDArray[np.int64]
Reals = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Slot:
    """One shift on one date. Shifts of different names may overlap."""

    name: str
    first: int
    """Its first hour."""
    end: int
    """The hour after its last."""

    @property
    def hours(self) -> int:
        """How long it lasts."""
        return self.end - self.first


@dataclass(frozen=True)
class Posts:
    """How many heads of its own a unit or pool may have, slot by slot."""

    least: tuple[int, ...]
    most: tuple[int, ...]


@dataclass(frozen=True)
class Wages:
    """What heads planned ahead cost."""

    rostered: float
    """Of a head that the roster has."""
    added: float
    """Of a head beyond the roster: extra shifts, overtime."""
    released: float
    """Saved by a rostered head who is told in time not to come; at most what an added one costs."""


@dataclass(frozen=True)
class Surge:
    """Heads that can be called when the need is seen, for a whole stretch: on-call, agency."""

    name: str
    price: float
    most: int
    """How many at a time."""


@dataclass(frozen=True)
class UnitCase:
    """A unit, the heads that it may need, and whom it can have."""

    unit_id: str
    requirement: Wholes
    """Heads needed, equally likely courses (paths, hours)."""
    posts: Posts
    wages: Wages
    short: float
    """What a missing head costs an hour."""
    minimum: int = 0
    """Own heads at all times."""
    surges: tuple[Surge, ...] = ()
    show_up: float = 1.0
    """The share of planned heads who come."""


@dataclass(frozen=True)
class Pool:
    """Heads who go to whichever of some units needs them, when the need is seen."""

    pool_id: str
    unit_ids: tuple[str, ...]
    posts: Posts
    wages: Wages


@dataclass(frozen=True)
class SiteCase:
    """One site and role: units and pools over the same slots and paths."""

    slots: tuple[Slot, ...]
    units: tuple[UnitCase, ...]
    pools: tuple[Pool, ...] = ()
    roster: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Heads scheduled by unit or pool, slot by slot; nobody where it has none."""

    def scheduled(self, post_id: str) -> Wholes:
        """The roster's heads of a unit or pool (slots,)."""
        return np.array(self.roster.get(post_id, (0,) * len(self.slots)), dtype=np.int64)
