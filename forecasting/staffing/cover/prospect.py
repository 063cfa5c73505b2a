"""What to expect of given heads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecasting.staffing.cover.case import Pool, Reals, SiteCase, UnitCase, Wholes
from forecasting.staffing.cover.curves import (
    at_heads,
    chances,
    consequences,
    cost_curve,
    levels_of,
    overtaken,
)
from forecasting.staffing.cover.need import ExpectedNeed, PathNeed, expected_need, left_by, path_need
from forecasting.staffing.cover.plan import OWN, POOL, StretchCover, UnitCover
from forecasting.staffing.cover.posts import post_columns
from forecasting.staffing.cover.relief import cheapest_relief, unmet_heads
from forecasting.staffing.cover.stretches import Stretches


@dataclass(frozen=True)
class Floated:
    """What a unit has of its float pool."""

    pool: Pool
    heads: Wholes
    """The pool's by slot (slots,)."""
    sent: Wholes
    """To this unit (stretches, paths)."""


def prospect(
    unit: UnitCase, site: SiteCase, stretches: Stretches, heads: Wholes, floated: Floated | None = None
) -> UnitCover:
    """What follows when a unit has these heads.

    Args:
        unit: a unit without faults.
        site: gives slots and roster.
        stretches: of the slots.
        heads: its own by slot (slots,).
        floated: what it has of its pool.
    """
    own = np.rint(stretches.covers @ heads).astype(np.int64)
    paths = path_need(unit.requirement, stretches)
    if floated is None:
        need, sent = expected_need(paths, stretches), np.zeros(len(stretches))
    else:
        need, sent = _left_by_pool(unit, paths, stretches, floated.sent), floated.sent.mean(axis=1)
    levels = levels_of(unit, need.tallest, int(own.max()))
    after = consequences(unit, need, stretches, levels)
    came = unit.show_up * (own + sent) * stretches.hours
    needed = paths.beyond.sum(axis=2).mean(axis=1)
    expected = _Expected(
        cost=at_heads(cost_curve(unit, need, stretches, levels), own),
        short=at_heads(after.short, own),
        over=came - needed + at_heads(after.lacking, own),
        overtaken=at_heads(overtaken(unit, need, stretches, levels, more=0), own),
        floated=sent * stretches.hours,
        called={name: at_heads(curve, own) for name, curve in after.called.items()},
    )
    planned = {OWN: heads} if floated is None else {OWN: heads, POOL: floated.heads}
    pool = None if floated is None else floated.pool
    reliefs = [
        cheapest_relief(unit, pool, site.slots, range(first, end), planned, missing)
        for first, end, missing in zip(
            stretches.first.tolist(),
            stretches.end.tolist(),
            unmet_heads(unit, need, stretches, own, levels).tolist(),
            strict=True,
        )
    ]
    columns = post_columns(unit.posts, unit.wages, site.scheduled(unit.unit_id), site.slots)
    return UnitCover(
        unit_id=unit.unit_id,
        heads=tuple(heads.tolist()),
        slot_wages=tuple(columns.cost(heads).tolist()),
        stretches=tuple(
            StretchCover(
                first=int(stretches.first[at]),
                end=int(stretches.end[at]),
                heads=int(own[at]),
                cost=float(expected.cost[at]),
                probability_short=float(expected.overtaken[at]),
                short_hours=float(expected.short[at]),
                over_hours=float(expected.over[at]),
                floated_hours=float(expected.floated[at]),
                called_hours={name: float(hours[at]) for name, hours in expected.called.items()},
                relief=relief,
            )
            for at, relief in enumerate(reliefs)
        ),
    )


@dataclass(frozen=True)
class _Expected:
    """Of each stretch, over all paths (stretches,)."""

    cost: Reals
    short: Reals
    over: Reals
    overtaken: Reals
    floated: Reals
    called: dict[str, Reals]


def _left_by_pool(unit: UnitCase, paths: PathNeed, stretches: Stretches, sent: Wholes) -> ExpectedNeed:
    come = chances(int(sent.max()), unit.show_up)[sent]
    return left_by(paths, stretches, np.moveaxis(come, -1, 0))
