"""What a way to plan is worth: plans from different knowledge of one need, settled by the need that came.

Each way sees the need as paths of its own; all are covered by the same rules and prices, so that plans differ
by what was known alone. Then they meet the need that came: pools float and others are called, if that is
worth it, and what is short, over and paid is counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from forecasting.staffing.cover import SiteCase, SiteCover, cover, judged
from forecasting.staffing.cover.case import Wholes

ROSTER = "fixed roster"
WEEKDAY = "same weekday's average"
CLIMATOLOGY = "climatology"
OURS = "ours"
PERFECT = "perfect knowledge"
WAYS = (ROSTER, WEEKDAY, CLIMATOLOGY, OURS, PERFECT)


class WorthError(ValueError):
    """Needs that can't be compared; the message names the unit."""


@dataclass(frozen=True)
class Worth:
    """A plan against the need that came."""

    short_hours: float
    """Head-hours missing after all who were worth it were called."""
    over_hours: float
    """Head-hours of heads who came and were not needed."""
    cost: float
    """Wages, heads called and heads missing."""
    paid: float
    """Wages and heads called."""

    def __add__(self, other: Worth) -> Worth:
        """Of two stretches of time, two units or two sites."""
        return Worth(
            self.short_hours + other.short_hours,
            self.over_hours + other.over_hours,
            self.cost + other.cost,
            self.paid + other.paid,
        )


Heads = Mapping[str, tuple[int, ...]]
"""Planned, by unit and pool, slot by slot."""

Worths = Mapping[str, Worth]
"""By unit and pool. A pool's are its wages: what it saves shows in its units."""


@dataclass(frozen=True)
class Needs:
    """Heads needed in a week to come, of one unit."""

    came: Wholes
    """What came (hours,)."""
    past: Wholes
    """The same hours of the weeks before, the latest last (weeks, hours)."""
    paths: Wholes
    """As forecast (paths, hours)."""


def plans_of_ways(site: SiteCase, needs: Mapping[str, Needs]) -> dict[str, Heads]:
    """What each way plans.

    Args:
        site: slots, prices, limits and roster; its units' requirements are not read.
        needs: by unit.

    Returns:
        By way of :data:`WAYS`: the roster as it stands, each hour's average over past weeks, those weeks as
        equally likely paths, the forecast's paths, and the need itself.

    Raises:
        WorthError: a unit has no needs, or the case has a fault: ways would speak of different units.
    """
    plans = {way: planned(site, seen_by(way, needs)) for way in WAYS if way != ROSTER}
    return {ROSTER: dict(site.roster)} | plans


def worth_at_prices(
    site: SiteCase, needs: Mapping[str, Needs], way: str, factors: tuple[float, ...]
) -> dict[float, Worths]:
    """What a way that plans comes to where a missing head costs so many times its price, by that factor.

    The dearer a missing head, the more is paid and the less is short: the plans that a way can choose from.

    Raises:
        WorthError: see :func:`plans_of_ways`.
    """
    seen = seen_by(way, needs)
    priced = {factor: _priced(site, factor) for factor in factors}
    return {factor: settled(case, needs, planned(case, seen)) for factor, case in priced.items()}


def seen_by(way: str, needs: Mapping[str, Needs]) -> dict[str, Wholes]:
    """The need of each unit as a way that plans sees it, as equally likely paths (paths, hours)."""
    if way == OURS:
        return {unit_id: need.paths for unit_id, need in needs.items()}
    if way == CLIMATOLOGY:
        return {unit_id: need.past for unit_id, need in needs.items()}
    if way == WEEKDAY:
        average = {unit_id: np.rint(need.past.mean(axis=0)) for unit_id, need in needs.items()}
        return {unit_id: mean[None, :].astype(np.int64) for unit_id, mean in average.items()}
    return {unit_id: need.came[None, :] for unit_id, need in needs.items()}


def planned(site: SiteCase, seen: Mapping[str, Wholes]) -> Heads:
    """Heads by unit and pool, slot by slot, that a need seen so asks for.

    Raises:
        WorthError: see :func:`plans_of_ways`.
    """
    plan = _sound(cover(_seeing(site, seen)))
    units = {unit.unit_id: unit.heads for unit in plan.units}
    return units | {pool.pool_id: pool.heads for pool in plan.pools}


def settled(site: SiteCase, needs: Mapping[str, Needs], heads: Heads) -> dict[str, Worth]:
    """What planned heads come to against the need that came, by unit and pool.

    Raises:
        WorthError: see :func:`plans_of_ways`.
    """
    told = _sound(judged(_seeing(site, seen_by(PERFECT, needs)), heads))
    hourly = {unit.unit_id: unit.short for unit in site.units}
    worth = {
        unit.unit_id: Worth(
            short_hours=unit.short_hours,
            over_hours=unit.over_hours,
            cost=unit.cost,
            paid=unit.cost - unit.short_hours * hourly[unit.unit_id],
        )
        for unit in told.units
    }
    return worth | {pool.pool_id: Worth(0.0, 0.0, pool.wages, pool.wages) for pool in told.pools}


def together(worths: Worths) -> Worth:
    """Of all units and pools."""
    return sum(worths.values(), start=Worth(0.0, 0.0, 0.0, 0.0))


def share_closed(
    cost: Mapping[str, float], way: str = OURS, start: str = CLIMATOLOGY, end: str = PERFECT
) -> float:
    """The share of the way from one plan's cost to another's that a third closes; NaN without a way."""
    open_way = cost[start] - cost[end]
    return (cost[start] - cost[way]) / open_way if open_way > 0 else float("nan")


def _priced(site: SiteCase, factor: float) -> SiteCase:
    return replace(site, units=tuple(replace(unit, short=unit.short * factor) for unit in site.units))


def _seeing(site: SiteCase, requirement: Mapping[str, Wholes]) -> SiteCase:
    if strangers := [unit.unit_id for unit in site.units if unit.unit_id not in requirement]:
        raise WorthError(f"unit {strangers[0]!r} has no needs to plan for; leave it out of the case")
    units = tuple(replace(unit, requirement=requirement[unit.unit_id]) for unit in site.units)
    return replace(site, units=units)


def _sound(told: SiteCover) -> SiteCover:
    if told.refused:
        name, why = next(iter(told.refused.items()))
        raise WorthError(f"{name}: {why}")
    return told
