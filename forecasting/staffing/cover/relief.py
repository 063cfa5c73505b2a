"""The cheapest relief where a need can't be met."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from forecasting.staffing.cover.case import Pool, Slot, UnitCase, Wholes
from forecasting.staffing.cover.curves import at_heads, overtaken
from forecasting.staffing.cover.need import ExpectedNeed
from forecasting.staffing.cover.plan import OWN, POOL, TOLERATED, Relief
from forecasting.staffing.cover.stretches import Stretches


def unmet_heads(unit: UnitCase, need: ExpectedNeed, stretches: Stretches, own: Wholes, levels: int) -> Wholes:
    """Heads missing in each stretch though everyone is called, at the tolerated share of paths (stretches,).

    Args:
        unit: gives the surges and the show-up rate.
        need: what the pool leaves.
        stretches: of the slots.
        own: heads planned (stretches,).
        levels: the most heads that matter.
    """
    callable_heads = sum(surge.most for surge in unit.surges)
    missing = np.zeros(len(stretches), dtype=np.int64)
    for more in range(need.tallest + 1):
        chance = at_heads(overtaken(unit, need, stretches, levels, callable_heads + more), own)
        if not (chance > TOLERATED).any():
            break
        missing[chance > TOLERATED] = more + 1
    return missing


def cheapest_relief(
    unit: UnitCase,
    pool: Pool | None,
    slots: tuple[Slot, ...],
    stretch: range,
    heads: dict[str, Wholes],
    missing: int,
) -> Relief | None:
    """Who could fill what is missing in a stretch, most cheaply; None where nothing is or nobody could.

    Args:
        unit: gives wages, limits and surges.
        pool: the unit's, if it has one.
        slots: the site's.
        stretch: its hours.
        heads: planned, by :data:`OWN` and :data:`POOL` and slot.
        missing: heads.
    """
    if not missing:
        return None
    offers = list(_planned(OWN, unit, slots, stretch, heads, missing))
    if pool is not None:
        offers += _planned(POOL, pool, slots, stretch, heads, missing)
    offers += [
        Relief(missing, surge.name, "", missing * surge.price * len(stretch), missing)
        for surge in unit.surges
    ]
    return min(offers, key=lambda offer: (offer.cost, offer.beyond), default=None)


def _planned(
    kind: str,
    who: UnitCase | Pool,
    slots: tuple[Slot, ...],
    stretch: range,
    heads: dict[str, Wholes],
    missing: int,
) -> Iterator[Relief]:
    for slot, planned, most in zip(slots, heads[kind], who.posts.most, strict=True):
        if slot.first <= stretch.start and stretch.stop <= slot.end:
            cost = missing * who.wages.added * slot.hours
            yield Relief(missing, kind, slot.name, cost, max(int(planned) + missing - most, 0))
