from __future__ import annotations

from functools import cache
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from staffing_cover_reckoning import after_of, all_heads, cost_alone, cost_together, edges, on_duty, wages

from forecasting.staffing.cover import Pool, Posts, SiteCase, Slot, Surge, UnitCase, Wages, cover, judged

pytestmark = pytest.mark.unit

SLOTS = (Slot("early", 0, 4), Slot("long", 1, 6), Slot("late", 4, 7))
PRICES = st.sampled_from([0.0, 10.0, 25.0, 40.0, 70.0])


@st.composite
def unit_cases(draw: st.DrawFn, unit_id: str, paths: int, most: int) -> UnitCase:
    seed = draw(st.integers(0, 10_000))
    requirement = np.random.default_rng(seed).integers(0, most + 2, size=(paths, 7))
    added = draw(PRICES)
    released = draw(PRICES.filter(lambda price: price <= added))
    surges = tuple(
        Surge(name, draw(PRICES), draw(st.integers(0, 2)))
        for name in ("on_call", "agency")[: draw(st.integers(0, 2))]
    )
    return UnitCase(
        unit_id,
        requirement,
        Posts((0, 0, 0), (most,) * 3),
        Wages(30.0, added, released),
        short=draw(st.sampled_from([15.0, 60.0, 200.0])),
        minimum=draw(st.integers(0, most)),
        surges=surges,
        show_up=draw(st.sampled_from([1.0, 0.8])),
    )


def keeps_minimum(unit: UnitCase, heads: tuple[int, ...]) -> bool:
    return all(on_duty(SLOTS, heads, stretch) >= unit.minimum for stretch in edges(SLOTS))


@settings(max_examples=30, deadline=None)
@given(unit_cases("a", paths=3, most=2), st.tuples(*[st.integers(0, 3)] * 3))
def test_a_units_heads_are_those_that_trying_all_finds_cheapest(
    unit: UnitCase, roster: tuple[int, ...]
) -> None:
    site = SiteCase(SLOTS, (unit,), roster={"a": roster})
    planned = cover(site)
    heads = planned.unit("a").heads
    allowed = [one for one in all_heads((0, 0, 0), (2, 2, 2)) if keeps_minimum(unit, one)]
    assert heads in allowed
    assert planned.gap == pytest.approx(0, abs=1e-9)
    after = after_of(unit)
    assert planned.cost == pytest.approx(cost_alone(site, unit, heads, after))
    assert planned.cost == pytest.approx(min(cost_alone(site, unit, one, after) for one in allowed))


@settings(max_examples=12, deadline=None)
@given(st.data())
def test_units_and_their_pool_have_the_heads_that_trying_all_finds_cheapest(data: st.DataObject) -> None:
    slots = (Slot("early", 0, 3), Slot("late", 2, 5))
    units = []
    for unit_id in ("a", "b"):
        drawn = data.draw(unit_cases(unit_id, paths=3, most=2))
        units.append(
            UnitCase(
                unit_id,
                drawn.requirement[:, :5],
                Posts((0, 0), (2, 2)),
                drawn.wages,
                drawn.short,
                surges=drawn.surges,
                show_up=drawn.show_up,
            )
        )
    pool = Pool("float", ("a", "b"), Posts((0, 0), (1, 1)), Wages(30.0, data.draw(PRICES), 0.0))
    site = SiteCase(slots, tuple(units), (pool,), {"a": (1, 0), "float": (0, 1)})
    planned = cover(site, gap=1e-9)
    chosen = {unit.unit_id: unit.heads for unit in planned.units} | {"float": planned.pools[0].heads}
    afters = [after_of(unit) for unit in units]
    of_unit = list(all_heads((0, 0), (2, 2)))
    cheapest = min(
        cost_together(site, {"a": a, "b": b, "float": floating}, afters)
        for a, b, floating in product(of_unit, of_unit, all_heads((0, 0), (1, 1)))
    )
    assert planned.cost == pytest.approx(cost_together(site, dict(chosen), afters))
    assert planned.cost == pytest.approx(cheapest)


def a_week(seed: int, units: int, paths: int = 60) -> tuple[tuple[Slot, ...], list[np.ndarray]]:
    slots = tuple(
        Slot(name, 24 * day + start, 24 * day + start + hours)
        for day in range(7)
        for name, start, hours in (("day", 7, 12), ("early", 7, 8), ("late", 15, 8), ("night", 19, 12))
    )
    random = np.random.default_rng(seed)
    shape = 1 + 0.4 * np.sin(np.arange(192) / 24 * 2 * np.pi)
    drift = random.gamma(20, 1 / 20, size=(units, paths, 1))
    return slots, list(random.poisson(5 * shape * drift))


def unit_of_a_week(unit_id: str, requirement: np.ndarray, slots: tuple[Slot, ...]) -> UnitCase:
    count = len(slots)
    return UnitCase(
        unit_id,
        requirement,
        Posts((0,) * count, (8,) * count),
        Wages(50, 60, 20),
        200.0,
        minimum=2,
        surges=(Surge("on_call", 90, 2), Surge("agency", 120, 2)),
        show_up=0.95,
    )


def cheapest_by_stages(site: SiteCase, unit: UnitCase) -> float:
    """Dynamic programming from the last stretch back; a state is the heads of the slots under way."""
    after = after_of(unit)
    paths = range(len(unit.requirement))

    @cache
    def follows(stretch: tuple[int, int], heads: int) -> float:
        return float(np.mean([after(path, stretch, heads) for path in paths]))

    scheduled = site.scheduled("a")
    choices = range(9)
    ahead: dict[tuple[tuple[int, int], ...], float] = {(): 0.0}
    for stretch in reversed(edges(site.slots)):
        begin = [n for n, slot in enumerate(site.slots) if slot.first == stretch[0]]
        during = [
            n for n, slot in enumerate(site.slots) if slot.first <= stretch[0] and stretch[1] <= slot.end
        ]
        before = [n for n in during if n not in begin]
        now: dict[tuple[tuple[int, int], ...], float] = {}
        for heads in product(choices, repeat=len(during)):
            chosen = dict(zip(during, heads, strict=True))
            if sum(heads) < unit.minimum:
                continue
            stays = tuple((n, chosen[n]) for n in during if site.slots[n].end > stretch[1])
            price = 0.0
            for n in begin:
                change = chosen[n] - int(scheduled[n])
                rate = unit.wages.added if change > 0 else unit.wages.released
                price += rate * change * site.slots[n].hours
            state = tuple((n, chosen[n]) for n in before)
            cost = price + follows(stretch, sum(heads)) + ahead.get(stays, np.inf)
            now[state] = min(now.get(state, np.inf), cost)
        ahead = now
    return ahead[()] + wages(site, "a", scheduled.tolist())


def test_a_weeks_heads_cost_what_dynamic_programming_finds() -> None:
    slots, (requirement,) = a_week(seed=3, units=1, paths=8)
    unit = unit_of_a_week("a", requirement, slots)
    site = SiteCase(slots, (unit,), roster={"a": (3, 2, 1, 3) * 7})
    assert cover(site).cost == pytest.approx(cheapest_by_stages(site, unit))


def test_a_pool_makes_a_week_cheaper_and_says_how_near_the_best_it_is() -> None:
    slots, needs = a_week(seed=4, units=5)
    units = tuple(unit_of_a_week(f"u{number}", need, slots) for number, need in enumerate(needs))
    count = len(slots)
    pool = Pool(
        "float", tuple(unit.unit_id for unit in units), Posts((0,) * count, (4,) * count), Wages(55, 65, 20)
    )
    roster = {unit.unit_id: (4, 1, 1, 3) * 7 for unit in units}
    alone = cover(SiteCase(slots, units, roster=roster))
    together = cover(SiteCase(slots, units, (pool,), roster))
    assert together.cost < alone.cost
    assert together.least_cost <= together.cost
    assert together.gap <= 1e-3
    assert all(isinstance(heads, int) for unit in together.units for heads in unit.heads)


def test_a_plan_judged_costs_what_was_planned_and_a_worse_one_more() -> None:
    slots, needs = a_week(seed=5, units=2)
    units = tuple(unit_of_a_week(f"u{number}", need, slots) for number, need in enumerate(needs))
    count = len(slots)
    pool = Pool("float", ("u0", "u1"), Posts((0,) * count, (3,) * count), Wages(55, 65, 20))
    roster = {"u0": (4, 1, 1, 3) * 7, "u1": (4, 1, 1, 3) * 7, "float": (1, 0, 0, 1) * 7}
    site = SiteCase(slots, units, (pool,), roster)
    planned = cover(site)
    heads = {unit.unit_id: unit.heads for unit in planned.units} | {"float": planned.pools[0].heads}
    assert judged(site, heads).cost == pytest.approx(planned.cost)
    assert judged(site, roster).cost > planned.cost


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([60.0, 100.0, 300.0]))
def test_one_shift_of_one_hour_is_the_newsvendors(seed: int, short: float) -> None:
    need = np.random.default_rng(seed).poisson(6, size=(41, 1))
    unit = UnitCase("a", need, Posts((0,), (30,)), Wages(50, 50, 50), short)
    heads = cover(SiteCase((Slot("hour", 0, 1),), (unit,))).unit("a").heads[0]
    level = 1 - 50 / short
    assert np.mean(need <= heads) >= level - 1e-9
    assert heads == 0 or np.mean(need <= heads - 1) <= level + 1e-9
