"""A site's units and float pools: planned, or judged at heads that are given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from forecasting.staffing.cover.alone import cheapest_heads
from forecasting.staffing.cover.case import Pool, Reals, SiteCase, UnitCase, Wholes
from forecasting.staffing.cover.curves import cost_curve, levels_of
from forecasting.staffing.cover.faults import faults, refuse_slots
from forecasting.staffing.cover.floating import savings_of, sent
from forecasting.staffing.cover.need import expected_need, path_need
from forecasting.staffing.cover.plan import PoolCover, SiteCover
from forecasting.staffing.cover.pooled import GAP, Member, cheapest_together
from forecasting.staffing.cover.posts import PostColumns, post_columns
from forecasting.staffing.cover.prospect import Floated, prospect
from forecasting.staffing.cover.stretches import Stretches, stretches_of


def cover(site: SiteCase, gap: float = GAP) -> SiteCover:
    """Heads for every unit, pool and slot that minimise the expected cost over the paths.

    Heads are planned now; once the need of a stretch is seen, the pool floats and others are called, if they
    cost less than what they save. A unit without a pool gets a proven optimum; those of a pool are within
    ``gap`` of theirs, or as near as the search comes: see :attr:`SiteCover.gap`.

    Args:
        site: one site and role.
        gap: share of the cost at which the search for a pool's units ends.

    Returns:
        The plan of all that could be planned. A unit with a fault is named in ``refused`` with the reason; a
        pool with one leaves its units to themselves.

    Raises:
        CoverError: the slots make no sense.
    """
    sound = _Sound.of(site)
    heads: dict[str, Wholes] = {}
    going: dict[str, Wholes] = {}
    least_cost = 0.0
    for pool, members in sound.teams:
        found = cheapest_together(
            [sound.member(unit, pool) for unit in members], sound.columns(pool), sound.stretches, gap
        )
        heads |= {unit.unit_id: own for unit, own in zip(members, found.members, strict=True)}
        heads[pool.pool_id] = found.pool
        going |= {unit.unit_id: to_it for unit, to_it in zip(members, found.sent, strict=True)}
        least_cost += found.least_cost
    for unit in sound.units:
        if unit.unit_id not in heads:
            heads[unit.unit_id], cost = sound.alone(unit)
            least_cost += cost
    return sound.told(heads, going, least_cost)


def judged(site: SiteCase, heads: Mapping[str, tuple[int, ...]]) -> SiteCover:
    """What follows from given heads, such as a roster's; pools float and others are called as needed.

    Args:
        site: one site and role.
        heads: by unit and pool, slot by slot; nobody where it has none.

    Returns:
        As :func:`cover`, but that no better plan was sought.

    Raises:
        CoverError: the slots make no sense.
    """
    sound = _Sound.of(site)
    nobody = (0,) * len(site.slots)
    posts = [*(unit.unit_id for unit in sound.units), *(pool.pool_id for pool, _ in sound.teams)]
    given = {post_id: np.array(heads.get(post_id, nobody), dtype=np.int64) for post_id in posts}
    going: dict[str, Wholes] = {}
    for pool, members in sound.teams:
        offered = sound.present(given[pool.pool_id])
        present = np.array([sound.present(given[unit.unit_id]) for unit in members])
        reachable = int(present.max() + offered.max())
        savings = savings_of([sound.path_cost(unit, reachable) for unit in members], int(offered.max()))
        to_each = sent(savings, present, offered)
        going |= {unit.unit_id: to_it for unit, to_it in zip(members, to_each, strict=True)}
    told = sound.told(given, going, least_cost=0.0)
    return replace(told, least_cost=told.cost)


@dataclass(frozen=True)
class _Sound:
    """The part of a case that has no fault."""

    site: SiteCase
    stretches: Stretches
    units: tuple[UnitCase, ...]
    teams: tuple[tuple[Pool, tuple[UnitCase, ...]], ...]
    """Pools and their units."""
    refused: dict[str, str]

    @classmethod
    def of(cls, site: SiteCase) -> _Sound:
        refuse_slots(site.slots)
        stretches = stretches_of(site.slots)
        refused = faults(site, stretches)
        units = tuple(unit for unit in site.units if unit.unit_id not in refused)
        teams = [
            (pool, tuple(unit for unit in units if unit.unit_id in pool.unit_ids))
            for pool in site.pools
            if pool.pool_id not in refused
        ]
        return cls(site, stretches, units, tuple(team for team in teams if team[1]), refused)

    def present(self, heads: Wholes) -> Wholes:
        """Heads on duty in each stretch, from heads by slot."""
        return np.rint(self.stretches.covers @ heads).astype(np.int64)

    def columns(self, who: UnitCase | Pool) -> PostColumns:
        post_id = who.unit_id if isinstance(who, UnitCase) else who.pool_id
        return post_columns(who.posts, who.wages, self.site.scheduled(post_id), self.site.slots)

    def most(self, who: UnitCase | Pool) -> int:
        """The most heads that a unit or pool can have on duty."""
        columns = self.columns(who)
        return int(self.present(columns.scheduled + columns.most_added).max())

    def alone(self, unit: UnitCase) -> tuple[Wholes, float]:
        """A unit's cheapest heads and their expected cost."""
        need = path_need(unit.requirement, self.stretches)
        levels = levels_of(unit, need.tallest, self.most(unit))
        cost = cost_curve(unit, expected_need(need, self.stretches), self.stretches, levels)[:, 0]
        return cheapest_heads(self.columns(unit), self.stretches, cost, unit.minimum)

    def member(self, unit: UnitCase, pool: Pool) -> Member:
        """A unit as one of its pool's."""
        cost = self.path_cost(unit, self.most(unit) + self.most(pool))
        columns = self.columns(unit)
        heads, _ = cheapest_heads(columns, self.stretches, cost.mean(axis=1), unit.minimum)
        return Member(columns, cost, unit.minimum, heads)

    def path_cost(self, unit: UnitCase, reachable: int) -> Reals:
        """What follows on each path, by heads present (stretches, paths, levels + 1)."""
        need = path_need(unit.requirement, self.stretches)
        return cost_curve(unit, need, self.stretches, levels_of(unit, need.tallest, reachable))

    def told(self, heads: Mapping[str, Wholes], going: Mapping[str, Wholes], least_cost: float) -> SiteCover:
        """The cover of these heads, by unit and pool, of whom the pools' go to their units."""
        floated = {
            unit.unit_id: Floated(pool, heads[pool.pool_id], going[unit.unit_id])
            for pool, members in self.teams
            for unit in members
        }
        units = [
            prospect(unit, self.site, self.stretches, heads[unit.unit_id], floated.get(unit.unit_id))
            for unit in self.units
        ]
        pools = [
            PoolCover(
                pool.pool_id,
                tuple(heads[pool.pool_id].tolist()),
                tuple(self.columns(pool).cost(heads[pool.pool_id]).tolist()),
            )
            for pool, _ in self.teams
        ]
        return SiteCover(tuple(units), tuple(pools), self.refused, least_cost)
