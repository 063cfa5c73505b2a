"""Cases that make no sense, said in words."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from forecasting.staffing.cover.case import Pool, Posts, SiteCase, Slot, UnitCase, Wages
from forecasting.staffing.cover.stretches import Stretches


class CoverError(ValueError):
    """Slots that no unit of a site can be planned with; the message names them."""


def refuse_slots(slots: Sequence[Slot]) -> None:
    """Refuse slots that are none, have no length, or overlap another of their own name.

    Raises:
        CoverError: one of these; whoever works a shift can't be in it twice.
    """
    if not slots:
        raise CoverError("there are no shifts to plan; name at least one")
    for slot in slots:
        if slot.first < 0 or slot.hours <= 0:
            raise CoverError(
                f"shift {slot.name!r} lasts from hour {slot.first} to {slot.end}; it must start at 0 or "
                "later and end after it starts"
            )
    in_order = sorted(slots, key=lambda slot: (slot.name, slot.first))
    for one, other in pairwise(in_order):
        if one.name == other.name and other.first < one.end:
            raise CoverError(
                f"shift {one.name!r} overlaps itself: one ends at hour {one.end}, the next starts at hour "
                f"{other.first}; shifts that overlap need names of their own"
            )


def faults(site: SiteCase, stretches: Stretches) -> dict[str, str]:
    """Why a unit or pool can't be planned, by its id; whoever is not named can be.

    Args:
        site: the case.
        stretches: of its slots.
    """
    told: dict[str, str] = {}
    for unit in site.units:
        if said := next(_of_unit(unit, site, stretches), None):
            told[unit.unit_id] = said
    units = {unit.unit_id for unit in site.units}
    for pool in site.pools:
        if said := next(_of_pool(pool, site, units), None):
            told[pool.pool_id] = said
    for post_id in site.roster.keys() - units - {pool.pool_id for pool in site.pools}:
        told[post_id] = f"the roster has heads for {post_id!r}, which is no unit or pool of the site"
    return told


def _of_unit(unit: UnitCase, site: SiteCase, stretches: Stretches) -> Iterator[str]:
    if sum(other.unit_id == unit.unit_id for other in site.units) > 1:
        yield f"unit {unit.unit_id!r} stands more than once"
    yield from _of_requirement(unit, int(stretches.end[-1]))
    yield from _of_posts(unit.unit_id, unit.posts, site)
    yield from _of_wages(unit.wages)
    if not 0 < unit.short < math.inf:
        yield f"a missing head costs {unit.short:g} an hour; it must cost more than 0, and not without end"
    if not 0 < unit.show_up <= 1:
        yield f"a show-up rate of {unit.show_up:g} is not a share above 0 and at most 1"
    for surge in unit.surges:
        if not (0 <= surge.price < math.inf and surge.most >= 0):
            yield f"{surge.most} heads of {surge.name} at {surge.price:g}: neither may be negative or endless"
    reachable = stretches.covers @ np.array(unit.posts.most)
    lacking = np.flatnonzero((reachable < unit.minimum) & (stretches.covers.sum(axis=1) > 0))
    for where in lacking[:1]:
        yield (
            f"a minimum of {unit.minimum} heads is impossible from hour {stretches.first[where]} to "
            f"{stretches.end[where]}: its shifts may have {reachable[where]:.0f} at most"
        )


def _of_requirement(unit: UnitCase, hours: int) -> Iterator[str]:
    need = unit.requirement
    if need.ndim != 2 or not len(need):
        yield f"a requirement of shape {need.shape} is not paths x hours"
    elif not np.issubdtype(need.dtype, np.integer):
        yield f"a requirement of {need.dtype} is not of whole heads"
    elif need.shape[1] < hours:
        yield f"the requirement has {need.shape[1]} hours; the shifts end at hour {hours}"
    elif need.min() < 0:
        yield f"a requirement of {need.min()} heads is negative"


def _of_posts(post_id: str, posts: Posts, site: SiteCase) -> Iterator[str]:
    slots = len(site.slots)
    lengths = (len(posts.least), len(posts.most), len(site.roster.get(post_id, posts.most)))
    if lengths != (slots,) * 3:
        yield f"least, most and scheduled heads of {lengths} shifts; there are {slots}"
        return
    for slot, least, most, scheduled in zip(
        site.slots, posts.least, posts.most, site.scheduled(post_id), strict=True
    ):
        if not 0 <= least <= most or scheduled < 0:
            yield (
                f"{least} to {most} heads with {scheduled} scheduled on {slot.name!r} at hour "
                f"{slot.first}: none may be negative, nor the least above the most"
            )


def _of_wages(wages: Wages) -> Iterator[str]:
    if not (0 <= wages.rostered < math.inf and 0 <= wages.released <= wages.added < math.inf):
        yield (
            f"an hour costs {wages.rostered:g} rostered and {wages.added:g} added, and saves "
            f"{wages.released:g} released: none may be negative or endless, nor a "
            "release save more than an addition"
        )


def _of_pool(pool: Pool, site: SiteCase, units: set[str]) -> Iterator[str]:
    if pool.pool_id in units or sum(other.pool_id == pool.pool_id for other in site.pools) > 1:
        yield f"{pool.pool_id!r} is the name of more than one pool or unit"
    if strangers := [unit_id for unit_id in pool.unit_ids if unit_id not in units]:
        yield f"its unit {strangers[0]!r} is no unit of the site"
    claims = Counter(unit_id for other in site.pools for unit_id in other.unit_ids)
    if shared := [unit_id for unit_id in pool.unit_ids if claims[unit_id] > 1]:
        yield f"unit {shared[0]!r} has more than one float pool; one is allowed"
    paths = {unit.requirement.shape[0] for unit in site.units if unit.unit_id in pool.unit_ids}
    if len(paths) > 1:
        yield f"its units have {' and '.join(map(str, sorted(paths)))} paths; they need the same"
    yield from _of_posts(pool.pool_id, pool.posts, site)
    yield from _of_wages(pool.wages)
