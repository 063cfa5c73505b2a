from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from forecasting.staffing.cover import Pool, Posts, SiteCase, Slot, Surge, UnitCase, Wages
from forecasting.staffing.worth import (
    CLIMATOLOGY,
    OURS,
    PERFECT,
    ROSTER,
    WAYS,
    WEEKDAY,
    Needs,
    Worth,
    WorthError,
    Worths,
    plans_of_ways,
    settled,
    share_closed,
    together,
    worth_at_prices,
)

pytestmark = pytest.mark.unit

SLOTS = (Slot("day", 0, 12), Slot("night", 12, 24))
UNIT = UnitCase(
    "icu",
    np.zeros((1, 24), dtype=np.int64),
    Posts((0, 0), (9, 9)),
    Wages(rostered=50, added=50, released=50),
    short=150,
)
SITE = SiteCase(SLOTS, (UNIT,), roster={"icu": (4, 4)})
NOTHING = Worth(0, 0, 0, 0)


def needs(came: int, past: list[int], paths: list[int]) -> Needs:
    def level(heads: list[int]) -> np.ndarray:
        return np.repeat(np.array(heads)[:, None], 24, axis=1)

    return Needs(level([came])[0], level(past), level(paths))


def drawn(random: np.random.Generator) -> Needs:
    rate = random.gamma(9, 0.5)
    return Needs(
        random.poisson(rate, 24),
        random.poisson(random.gamma(9, 0.5, size=(8, 1)), size=(8, 24)),
        random.poisson(rate, size=(100, 24)),
    )


def worth_of_ways(site: SiteCase, need: dict[str, Needs]) -> dict[str, Worths]:
    return {way: settled(site, need, heads) for way, heads in plans_of_ways(site, need).items()}


def test_each_way_is_settled_by_the_need_that_came() -> None:
    ways = worth_of_ways(SITE, {"icu": needs(came=6, past=[2, 3, 4], paths=[5, 6, 6, 5])})
    worth = {way: together(worths) for way, worths in ways.items()}
    assert worth[PERFECT] == Worth(short_hours=0, over_hours=0, cost=6 * 24 * 50, paid=6 * 24 * 50)
    assert worth[ROSTER] == Worth(48, 0, 4 * 24 * 50 + 48 * 150, 4 * 24 * 50)
    assert worth[WEEKDAY].short_hours == 3 * 24
    # A head short costs three times a head over: two in three past weeks must be covered.
    assert worth[CLIMATOLOGY].short_hours in (2 * 24, 3 * 24)
    assert worth[OURS] == worth[PERFECT]
    assert share_closed({way: one.cost for way, one in worth.items()}) == 1


def test_too_many_heads_are_over() -> None:
    need = {"icu": needs(came=2, past=[2], paths=[2])}
    assert settled(SITE, need, {"icu": (5, 2)}) == {"icu": Worth(0, 36, 7 * 12 * 50, 7 * 12 * 50)}


def test_nobody_can_do_better_than_perfect_knowledge() -> None:
    random = np.random.default_rng(2)
    total = dict.fromkeys(WAYS, NOTHING)
    for _ in range(30):
        ways = worth_of_ways(SITE, {"icu": drawn(random)})
        worth = {way: together(worths) for way, worths in ways.items()}
        assert min(one.cost for one in worth.values()) == pytest.approx(worth[PERFECT].cost)
        total = {way: total[way] + worth[way] for way in total}
    # Who knows the rate plans better than who knows the past, and both better than the fixed roster.
    assert total[OURS].cost < total[CLIMATOLOGY].cost < total[ROSTER].cost
    assert 0.3 < share_closed({way: one.cost for way, one in total.items()}) < 1


def test_nor_with_a_float_pool_calls_and_heads_who_may_not_come() -> None:
    random = np.random.default_rng(3)
    called = (Surge("on_call", 90, 1),)
    units = tuple(replace(UNIT, unit_id=name, surges=called, show_up=0.95) for name in ("a", "b"))
    pool = Pool("float", ("a", "b"), Posts((0, 0), (2, 2)), Wages(50, 50, 50))
    site = SiteCase(SLOTS, units, (pool,), roster={"a": (4, 4), "b": (5, 5)})
    for _ in range(5):
        ways = worth_of_ways(site, {"a": drawn(random), "b": drawn(random)})
        assert all(worths.keys() == {"a", "b", "float"} for worths in ways.values())
        cost = {way: together(worths).cost for way, worths in ways.items()}
        # A pool's plan is within a thousandth of the best.
        assert min(cost.values()) >= cost[PERFECT] * 0.999


def test_the_dearer_a_missing_head_the_more_is_paid_and_the_less_is_short() -> None:
    need = {"icu": drawn(np.random.default_rng(4))}
    found = worth_at_prices(SITE, need, OURS, (0.4, 0.7, 1.0, 2.0))
    worth = [together(worths) for worths in found.values()]
    assert [one.paid for one in worth] == sorted(one.paid for one in worth)
    assert [one.short_hours for one in worth] == sorted((one.short_hours for one in worth), reverse=True)
    assert worth[0].short_hours > worth[-1].short_hours
    assert together(worth_of_ways(SITE, need)[OURS]) == worth[2]


def test_where_no_way_is_open_no_share_is_told() -> None:
    ways = worth_of_ways(SITE, {"icu": needs(came=3, past=[3, 3], paths=[3])})
    assert math.isnan(share_closed({way: together(worths).cost for way, worths in ways.items()}))


def test_a_case_with_a_fault_is_not_compared() -> None:
    with pytest.raises(WorthError, match="unit 'icu' has no needs"):
        worth_of_ways(SITE, {})
    stranger = replace(SITE, roster={"nicu": (1, 1)})
    with pytest.raises(WorthError, match="nicu: the roster has heads"):
        worth_of_ways(stranger, {"icu": needs(3, [3], [3])})
