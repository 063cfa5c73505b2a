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
        """Of two stretches of time, or two sites."""
        return Worth(
            self.short_hours + other.short_hours,
            self.over_hours + other.over_hours,
            self.cost + other.cost,
            self.paid + other.paid,
        )


@dataclass(frozen=True)
class Needs:
    """Heads needed in a week to come, of one unit."""

    came: Wholes
    """What came (hours,)."""
    past: Wholes
    """The same hours of the weeks before, the latest last (weeks, hours)."""
    paths: Wholes
    """As forecast (paths, hours)."""


def worth_of_ways(site: SiteCase, needs: Mapping[str, Needs]) -> dict[str, Worth]:
    """What each way to plan comes to.

    Args:
        site: slots, prices, limits and roster; its units' requirements are not read.
        needs: by unit.

    Returns:
        By way: the roster as it stands, each hour's average over past weeks, those weeks as equally likely
        paths, the forecast's paths, and the need itself.

    Raises:
        WorthError: a unit has no needs, or the case has a fault: ways would speak of different units.
    """
    if strangers := [unit.unit_id for unit in site.units if unit.unit_id not in needs]:
        raise WorthError(f"unit {strangers[0]!r} has no needs to plan for; leave it out of the case")
    came = _seeing(site, {unit_id: need.came[None, :] for unit_id, need in needs.items()})
    average = {unit_id: np.rint(need.past.mean(axis=0, keepdims=True)) for unit_id, need in needs.items()}
    ways = {
        WEEKDAY: {unit_id: mean.astype(np.int64) for unit_id, mean in average.items()},
        CLIMATOLOGY: {unit_id: need.past for unit_id, need in needs.items()},
        OURS: {unit_id: need.paths for unit_id, need in needs.items()},
        PERFECT: {unit_id: need.came[None, :] for unit_id, need in needs.items()},
    }
    plans = {name: _heads(_sound(cover(_seeing(site, seen)))) for name, seen in ways.items()}
    return {name: settled(came, heads) for name, heads in ({ROSTER: dict(site.roster)} | plans).items()}


def settled(came: SiteCase, heads: Mapping[str, tuple[int, ...]]) -> Worth:
    """What heads by unit, pool and slot come to.

    Args:
        came: the case; its units' only path is the need that came.
        heads: planned.

    Raises:
        WorthError: the case has a fault.
    """
    told = _sound(judged(came, heads))
    hourly = {unit.unit_id: unit.short for unit in came.units}
    missing = sum(unit.short_hours * hourly[unit.unit_id] for unit in told.units)
    return Worth(
        short_hours=sum(unit.short_hours for unit in told.units),
        over_hours=sum(unit.over_hours for unit in told.units),
        cost=told.cost,
        paid=told.cost - missing,
    )


def share_closed(worth: Mapping[str, Worth], way: str = OURS, start: str = CLIMATOLOGY) -> float:
    """The share of the way from a plan's cost to perfect knowledge's another closes; NaN without a way."""
    open_way = worth[start].cost - worth[PERFECT].cost
    return (worth[start].cost - worth[way].cost) / open_way if open_way > 0 else float("nan")


def _seeing(site: SiteCase, requirement: Mapping[str, Wholes]) -> SiteCase:
    units = tuple(replace(unit, requirement=requirement[unit.unit_id]) for unit in site.units)
    return replace(site, units=units)


def _sound(told: SiteCover) -> SiteCover:
    if told.refused:
        name, why = next(iter(told.refused.items()))
        raise WorthError(f"{name}: {why}")
    return told


def _heads(plan: SiteCover) -> dict[str, tuple[int, ...]]:
    return {unit.unit_id: unit.heads for unit in plan.units} | {
        pool.pool_id: pool.heads for pool in plan.pools
    }
