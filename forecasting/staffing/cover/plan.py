"""What a cover says: heads for every unit and slot, and what to expect of them."""

from __future__ import annotations

from dataclasses import dataclass

OWN, POOL = "own", "pool"
TOLERATED = 0.05
"""Share of the paths in which a need may stay unmet before relief is named."""


@dataclass(frozen=True)
class Relief:
    """The cheapest way to meet what can't be met, even if everyone who can be called is."""

    heads: int
    """Missing."""
    resource: str
    """``own`` or ``pool`` heads of a shift, or the name of a surge."""
    shift: str
    """Of own and pool heads; else empty."""
    cost: float
    beyond: int
    """Heads more than the resource's limit allows."""

    def __str__(self) -> str:
        """In words."""
        who = f"{self.resource.replace('_', '-')} {'head' if self.heads == 1 else 'heads'}"
        on = f" on {self.shift}" if self.shift else ""
        limit = f", {self.beyond} beyond the limit" if self.beyond else ""
        return (
            f"{self.heads} missing in more than 1 of {1 / TOLERATED:.0f} such shifts though all are called; "
            f"cheapest relief: {self.heads} more {who}{on} for {self.cost:,.0f}{limit}"
        )


@dataclass(frozen=True)
class StretchCover:
    """A unit between two changes of shift. Hours are head-hours, expected over all paths."""

    first: int
    end: int
    heads: int
    """Own heads planned."""
    cost: float
    """Expected, of heads called and missing."""
    probability_short: float
    """That some hour needs more than come, own and from the pool, before anyone is called."""
    short_hours: float
    """Missing after all who are worth it were called."""
    over_hours: float
    floated_hours: float
    """Of pool heads."""
    called_hours: dict[str, float]
    """By surge."""
    relief: Relief | None


@dataclass(frozen=True)
class UnitCover:
    """One unit."""

    unit_id: str
    heads: tuple[int, ...]
    """By slot."""
    slot_wages: tuple[float, ...]
    """Of own heads by slot, roster included."""
    stretches: tuple[StretchCover, ...]

    @property
    def wages(self) -> float:
        """Of own heads."""
        return sum(self.slot_wages)

    @property
    def follows(self) -> float:
        """Expected cost of heads called and missing."""
        return sum(stretch.cost for stretch in self.stretches)

    @property
    def cost(self) -> float:
        """Expected; a pool's wages are its own."""
        return self.wages + self.follows

    @property
    def short_hours(self) -> float:
        """Expected head-hours missing."""
        return sum(stretch.short_hours for stretch in self.stretches)

    @property
    def over_hours(self) -> float:
        """Expected head-hours not needed."""
        return sum(stretch.over_hours for stretch in self.stretches)


@dataclass(frozen=True)
class PoolCover:
    """One float pool."""

    pool_id: str
    heads: tuple[int, ...]
    """By slot."""
    slot_wages: tuple[float, ...]

    @property
    def wages(self) -> float:
        """Of all slots."""
        return sum(self.slot_wages)


@dataclass(frozen=True)
class SiteCover:
    """A site's plan; who could not be planned is named with the reason."""

    units: tuple[UnitCover, ...]
    pools: tuple[PoolCover, ...]
    refused: dict[str, str]
    least_cost: float
    """No plan of these units can cost less."""

    @property
    def cost(self) -> float:
        """Expected cost of all units and pools."""
        return sum(unit.cost for unit in self.units) + sum(pool.wages for pool in self.pools)

    @property
    def gap(self) -> float:
        """The share of the cost by which a better plan may be cheaper; 0, but for rounding, where none is."""
        return max(self.cost - self.least_cost, 0.0) / self.cost if self.cost else 0.0

    def unit(self, unit_id: str) -> UnitCover:
        """The cover of a unit.

        Raises:
            KeyError: it was refused or is unknown.
        """
        for unit in self.units:
            if unit.unit_id == unit_id:
                return unit
        raise KeyError(f"unit {unit_id!r} has no cover: {self.refused.get(unit_id, 'it is unknown')}")
