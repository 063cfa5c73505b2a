"""A site's case for the cover, one role at a time: from its outlook, rules, roster and prices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
import pandas as pd

from forecasting.config import Applies, FloatPool, Role, Site
from forecasting.rules import UnitRule
from forecasting.staffing.cover.case import Pool, Posts, SiteCase, Slot, Surge, UnitCase, Wages, Wholes
from forecasting.staffing.hourly import heads_by_hour
from forecasting.staffing.place import Place, rostered
from forecasting.staffing.roster import within
from forecasting.staffing.shifts import PlannedShift, overlapping

DRAWN_PATHS = 200
"""Paths drawn from quantiles, where no unit has sample paths."""


@dataclass(frozen=True)
class RoleCase:
    """A role's units and pools of one site, over the shifts of a night."""

    role_id: str
    shifts: tuple[PlannedShift, ...]
    """Of each slot."""
    hours: pd.DatetimeIndex
    """Those that the case counts from 0, in UTC."""
    site: SiteCase


def role_cases(places: Sequence[Place], site: Site, roster: pd.DataFrame) -> dict[str, RoleCase]:
    """The case of each role, by its id.

    Args:
        places: of all roles, over the same shifts.
        site: theirs; gives the float pools.
        roster: SCHEDULED_SHIFT rows; a pool's are those under its id.
    """
    cases = {}
    for role_id in dict.fromkeys(place.role_id for place in places):
        of_role = [place for place in places if place.role_id == role_id]
        pools = [pool for pool in site.float_pools if pool.role == role_id]
        of_site = within(roster[roster["site_id"] == site.site_id], of_role[0].shifts)
        rosters = {
            pool.pool_id: heads
            for pool in pools
            if (heads := rostered(of_site, pool.pool_id, role_id, of_role[0].shifts)) is not None
        }
        cases[role_id] = role_case(of_role, pools, rosters)
    return cases


def role_case(
    places: Sequence[Place], pools: Sequence[FloatPool], rosters: Mapping[str, tuple[int, ...]]
) -> RoleCase:
    """The case of one role.

    Left out is a unit without a roster: nobody can be added to, or released from, what is not known; and a
    unit of which no shift has both a rule and a forecast. A shift without a rule keeps its roster and asks
    for nobody; one without a forecast asks for the minimum, and keeps its roster where that is more.

    Args:
        places: one role's, over the same shifts.
        pools: the site's of that role.
        rosters: of the pools, by id; nobody where it has none.
    """
    role_id, shifts = places[0].role_id, places[0].shifts
    hours = _hours_of(shifts)
    slots = tuple(_slot(shift, hours) for shift in shifts)
    counted = [place.counted(rule) for place in places for rule in place.rules if isinstance(rule, UnitRule)]
    paths = max((outlook.paths for outlook in counted), default=0) or DRAWN_PATHS
    covered = [place for place in places if place.scheduled is not None and any(place.asked)]
    units = tuple(_unit_case(place, slots, hours, paths) for place in covered)
    present = {unit.unit_id for unit in units}
    floating = tuple(
        _pool(pool, present, places[0].role, len(slots)) for pool in pools if present & set(pool.units)
    )
    floats = {pool.pool_id: rosters[pool.pool_id] for pool in floating if pool.pool_id in rosters}
    own = {place.unit.unit_id: place.scheduled for place in covered if place.scheduled is not None}
    return RoleCase(role_id, shifts, hours, SiteCase(slots, units, floating, own | floats))


def kept_to_rules(case: RoleCase, places: Sequence[Place]) -> RoleCase:
    """The case with enough own heads that rules which hold at all times can be met, whatever that costs.

    On a shift with such a rule they are at least what it requires at the unit's level, less those who can be
    called, as far as the unit may have so many. Shifts that overlap stay as they are: none of them has to
    meet a rule by itself.

    Args:
        case: a role's.
        places: the role's.
    """
    if overlapping(case.shifts):
        return case
    place_of = {place.unit.unit_id: place for place in places}
    units = tuple(
        replace(unit, posts=_with_floors(unit.posts, place_of[unit.unit_id])) for unit in case.site.units
    )
    return replace(case, site=replace(case.site, units=units))


def _with_floors(posts: Posts, place: Place) -> Posts:
    least = [
        max(before, min(asked.required - place.role.callable_heads, most))
        if isinstance(rule, UnitRule) and rule.rule.applies is Applies.AT_ALL_TIMES and asked is not None
        else before
        for rule, asked, before, most in zip(place.rules, place.asked, posts.least, posts.most, strict=True)
    ]
    return replace(posts, least=tuple(least))


def _hours_of(shifts: Sequence[PlannedShift]) -> pd.DatetimeIndex:
    first = pd.Timestamp(min(shift.start for shift in shifts)).floor("h")
    last = max(shift.end for shift in shifts)
    return pd.date_range(first, last, freq="h", inclusive="left", unit="us")


def _slot(shift: PlannedShift, hours: pd.DatetimeIndex) -> Slot:
    """The shift in whole hours: from the one in which it starts to before the one in which it ends.

    So shifts that follow one another at half past do not overlap.
    """
    begins = datetime.fromtimestamp(hours[0].timestamp(), UTC)
    first, end = ((moment - begins).total_seconds() // 3600 for moment in (shift.start, shift.end))
    return Slot(shift.name, int(first), int(end))


def _unit_case(place: Place, slots: tuple[Slot, ...], hours: pd.DatetimeIndex, paths: int) -> UnitCase:
    role, unit_type = place.role, place.unit.unit_type
    missing = place.settings.missing_price(place.role_id, unit_type)
    surges = tuple(Surge(one.name, role.wage * one.wage_factor, one.most) for one in role.called)
    return UnitCase(
        unit_id=place.unit.unit_id,
        requirement=_requirement(place, slots, hours, paths),
        posts=_posts(place),
        wages=_wages(role),
        short=missing,
        minimum=_minimum(place),
        surges=surges,
        show_up=role.show_up_rate,
    )


def _wages(role: Role) -> Wages:
    return Wages(
        rostered=role.wage, added=role.wage * role.overtime_factor, released=role.wage * role.release_share
    )


def _requirement(place: Place, slots: tuple[Slot, ...], hours: pd.DatetimeIndex, paths: int) -> Wholes:
    """Heads by path and hour; where shifts overlap, the first of them says (paths, hours)."""
    requirement = np.zeros((paths, len(hours)), dtype=np.int64)
    said = np.zeros(len(hours), dtype=bool)
    for slot, shift, rule, asked in zip(slots, place.shifts, place.rules, place.asked, strict=True):
        ours = np.flatnonzero(~said[slot.first : slot.end]) + slot.first
        said[ours] = True
        if not isinstance(rule, UnitRule):
            continue
        counted = place.counted(rule).over(shift, place.level) if asked else None
        if counted is None:
            requirement[:, ours] = rule.heads(0)
            continue
        work = place.work(counted.hours)
        requirement[:, ours] = heads_by_hour(rule, counted, shift, hours[ours], work, paths)
    return requirement


def _posts(place: Place) -> Posts:
    least, most = [], []
    one_at_a_time = not overlapping(place.shifts)
    for number, (rule, asked) in enumerate(zip(place.rules, place.asked, strict=True)):
        scheduled = place.scheduled[number] if place.scheduled else 0
        if not isinstance(rule, UnitRule):
            floor, ceiling = scheduled, scheduled
        elif asked is None:
            floor = ceiling = max(scheduled, rule.heads(0))
        else:
            limit = place.unit.most_heads.get(place.role_id, place.unit.beds + rule.uncounted_heads)
            floor, ceiling = min(rule.minimum_heads, limit) if one_at_a_time else 0, max(limit, scheduled)
        least.append(floor)
        most.append(ceiling)
    return Posts(tuple(least), tuple(most))


def _minimum(place: Place) -> int:
    """Own heads at all times; of a unit with shifts that have no rule, those that have say it themselves."""
    return min(rule.minimum_heads if isinstance(rule, UnitRule) else 0 for rule in place.rules)


def _pool(pool: FloatPool, present: set[str], role: Role, slots: int) -> Pool:
    unit_ids = tuple(unit_id for unit_id in pool.units if unit_id in present)
    return Pool(pool.pool_id, unit_ids, Posts((pool.least,) * slots, (pool.most,) * slots), _wages(role))
