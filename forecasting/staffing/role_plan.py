"""What a role's cover says, told by unit, pool and shift, beside what follows of the roster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog

from forecasting.staffing.cover import PoolCover, Slot, StretchCover, UnitCover, cover, judged
from forecasting.staffing.role_case import RoleCase
from forecasting.staffing.shifts import on_duty

log = structlog.get_logger()

FLOAT_POOL = "float pool"
NO_PLAN = "what would cost least could not be worked out tonight"
HELP_WORTH_TELLING = 0.05
"""Heads expected of a pool or a kind of call over a shift, from which on it is told of."""


@dataclass(frozen=True)
class ShiftPlan:
    """A unit's shift."""

    added: int
    """Own heads beyond the roster's of this shift; negative where some are released."""
    on_duty: int
    """Own heads there for at least half of the shift; where shifts overlap, of all of them."""
    cost: float
    """Expected, of own heads and of those called and missing."""
    cost_scheduled: float
    """The same at the roster."""
    short_hours: float
    """Head-hours expected to be missing."""
    helped_hours: dict[str, float]
    """Head-hours expected of the float pool and of who is called, by name."""
    hours: int
    relief: str

    @property
    def helpers(self) -> list[str]:
        """Who is likely enough to be needed to be told of."""
        told = HELP_WORTH_TELLING * self.hours
        return [name for name, hours in self.helped_hours.items() if hours >= told]


@dataclass(frozen=True)
class PoolPlan:
    """A float pool's shift."""

    heads: int
    added: int
    cost: float
    """Of its wages."""
    cost_scheduled: float
    floated_hours: float
    """Head-hours expected of it in its units."""


@dataclass(frozen=True)
class RolePlan:
    """A role's units and pools, by id and then by shift."""

    units: Mapping[str, tuple[ShiftPlan, ...]]
    pools: Mapping[str, tuple[PoolPlan, ...]]
    refused: Mapping[str, str]
    """Who could not be planned, and why."""


def role_plan(case: RoleCase) -> RolePlan:
    """Plan a role, and judge its roster.

    A stretch of hours in which shifts overlap is told of with the first of them.
    """
    site = case.site
    try:
        planned, rostered = cover(site), judged(site, site.roster)
    except ArithmeticError:
        # The solver has no answer: all of the role's units are marked, and keep what the rules ask for.
        log.exception("no plan", role=case.role_id, stage="staff")
        posts = [*(unit.unit_id for unit in site.units), *(pool.pool_id for pool in site.pools)]
        return RolePlan({}, {}, dict.fromkeys(posts, NO_PLAN))
    units = {
        now.unit_id: _of_unit(case, now, before)
        for now, before in zip(planned.units, rostered.units, strict=True)
    }
    serves = {pool.pool_id: pool.unit_ids for pool in site.pools}
    pools = {
        now.pool_id: _of_pool(now, before, [units[one] for one in serves[now.pool_id] if one in units])
        for now, before in zip(planned.pools, rostered.pools, strict=True)
    }
    return RolePlan(units, pools, planned.refused)


def _of_unit(case: RoleCase, now: UnitCover, before: UnitCover) -> tuple[ShiftPlan, ...]:
    slots = case.site.slots
    present = on_duty(case.shifts, now.heads)
    told = zip(_by_slot(now, slots), _by_slot(before, slots), strict=True)
    return tuple(
        ShiftPlan(
            added=now.heads[number] - before.heads[number],
            on_duty=present[number],
            cost=now.slot_wages[number] + sum(one.cost for one in planned),
            cost_scheduled=before.slot_wages[number] + sum(one.cost for one in rostered),
            short_hours=sum(one.short_hours for one in planned),
            helped_hours=_helped(planned),
            hours=slots[number].hours,
            relief=_dearest(planned),
        )
        for number, (planned, rostered) in enumerate(told)
    )


def _of_pool(
    now: PoolCover, before: PoolCover, units: Sequence[tuple[ShiftPlan, ...]]
) -> tuple[PoolPlan, ...]:
    return tuple(
        PoolPlan(
            heads=now.heads[number],
            added=now.heads[number] - before.heads[number],
            cost=now.slot_wages[number],
            cost_scheduled=before.slot_wages[number],
            floated_hours=sum(unit[number].helped_hours[FLOAT_POOL] for unit in units),
        )
        for number in range(len(now.heads))
    )


def _by_slot(unit: UnitCover, slots: Sequence[Slot]) -> list[list[StretchCover]]:
    """The stretches told of with each slot: those that it covers and no slot before it does."""
    owned: list[list[StretchCover]] = [[] for _ in slots]
    for stretch in unit.stretches:
        covering = (
            number
            for number, slot in enumerate(slots)
            if slot.first <= stretch.first and stretch.end <= slot.end
        )
        first = next(covering, None)
        if first is not None:
            owned[first].append(stretch)
    return owned


def _helped(stretches: Sequence[StretchCover]) -> dict[str, float]:
    hours = {FLOAT_POOL: sum(stretch.floated_hours for stretch in stretches)}
    for stretch in stretches:
        for name, called in stretch.called_hours.items():
            hours[name] = hours.get(name, 0.0) + called
    return hours


def _dearest(stretches: Sequence[StretchCover]) -> str:
    reliefs = [stretch.relief for stretch in stretches if stretch.relief is not None]
    return str(max(reliefs, key=lambda relief: relief.cost)) if reliefs else ""
