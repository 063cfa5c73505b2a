"""What heads cost, reckoned path by path and head by head: slow, and plain to see."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import pairwise, product
from math import comb

from forecasting.staffing.cover import SiteCase, Slot, UnitCase


def edges(slots: Sequence[Slot]) -> list[tuple[int, int]]:
    changes = sorted({slot.first for slot in slots} | {slot.end for slot in slots})
    return list(pairwise(changes))


After = Callable[[int, tuple[int, int], int], float]


def on_duty(slots: Sequence[Slot], heads: Sequence[int], stretch: tuple[int, int]) -> int:
    return sum(
        n for slot, n in zip(slots, heads, strict=True) if slot.first <= stretch[0] and stretch[1] <= slot.end
    )


def wages(site: SiteCase, post_id: str, heads: Sequence[int]) -> float:
    of_units = {unit.unit_id: unit.wages for unit in site.units}
    hourly = (of_units | {pool.pool_id: pool.wages for pool in site.pools})[post_id]
    total = 0.0
    for slot, planned, rostered in zip(site.slots, heads, site.scheduled(post_id), strict=True):
        added, released = max(planned - rostered, 0), max(rostered - planned, 0)
        paid = hourly.rostered * rostered + hourly.added * added - hourly.released * released
        total += float(paid) * slot.hours
    return total


def after_of(unit: UnitCase) -> After:
    """Expected cost of heads called and missing, by path, stretch and heads planned."""

    @cache
    def after(path: int, stretch: tuple[int, int], planned: int) -> float:
        need = unit.requirement[path, stretch[0] : stretch[1]].tolist()
        hours = stretch[1] - stretch[0]
        total = 0.0
        for come in range(planned + 1):
            chance = comb(planned, come) * unit.show_up**come * (1 - unit.show_up) ** (planned - come)
            total += chance * min(
                sum(n * surge.price * hours for n, surge in zip(called, unit.surges, strict=True))
                + unit.short * sum(max(needed - come - sum(called), 0) for needed in need)
                for called in product(*(range(surge.most + 1) for surge in unit.surges))
            )
        return total

    return after


def cost_alone(site: SiteCase, unit: UnitCase, heads: Sequence[int], after: After) -> float:
    paths = len(unit.requirement)
    follows = sum(
        after(path, stretch, on_duty(site.slots, heads, stretch))
        for path in range(paths)
        for stretch in edges(site.slots)
    )
    return wages(site, unit.unit_id, heads) + follows / paths


def cost_together(site: SiteCase, plan: dict[str, Sequence[int]], afters: Sequence[After]) -> float:
    """Of units that share the site's one pool."""
    pool = site.pools[0]
    paths = len(site.units[0].requirement)
    total = 0.0
    for path, stretch in product(range(paths), edges(site.slots)):
        floating = on_duty(site.slots, plan[pool.pool_id], stretch)
        own = [on_duty(site.slots, plan[unit.unit_id], stretch) for unit in site.units]
        total += min(
            sum(
                after(path, stretch, here + more) for after, here, more in zip(afters, own, sent, strict=True)
            )
            for sent in product(range(floating + 1), repeat=len(site.units))
            if sum(sent) <= floating
        )
    return sum(wages(site, post_id, heads) for post_id, heads in plan.items()) + total / paths


def all_heads(least: Sequence[int], most: Sequence[int]) -> Iterator[tuple[int, ...]]:
    return product(*(range(low, high + 1) for low, high in zip(least, most, strict=True)))
