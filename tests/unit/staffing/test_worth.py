from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from forecasting.staffing.cover import Posts, SiteCase, Slot, UnitCase, Wages
from forecasting.staffing.worth import (
    CLIMATOLOGY,
    OURS,
    PERFECT,
    ROSTER,
    WEEKDAY,
    Needs,
    Worth,
    WorthError,
    settled,
    share_closed,
    worth_of_ways,
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


def needs(came: int, past: list[int], paths: list[int]) -> Needs:
    def level(heads: list[int]) -> np.ndarray:
        return np.repeat(np.array(heads)[:, None], 24, axis=1)

    return Needs(level([came])[0], level(past), level(paths))


def test_each_way_is_settled_by_the_need_that_came() -> None:
    worth = worth_of_ways(SITE, {"icu": needs(came=6, past=[2, 3, 4], paths=[5, 6, 6, 5])})
    assert worth[PERFECT] == Worth(short_hours=0, over_hours=0, cost=6 * 24 * 50, paid=6 * 24 * 50)
    assert worth[ROSTER] == Worth(48, 0, 4 * 24 * 50 + 48 * 150, 4 * 24 * 50)
    assert worth[WEEKDAY].short_hours == 3 * 24
    # A head short costs three times a head over: two in three past weeks must be covered.
    assert worth[CLIMATOLOGY].short_hours in (2 * 24, 3 * 24)
    assert worth[OURS] == worth[PERFECT]
    assert share_closed(worth) == 1


def test_too_many_heads_are_over() -> None:
    came = replace(SITE, units=(replace(UNIT, requirement=np.full((1, 24), 2)),))
    assert settled(came, {"icu": (5, 2)}) == Worth(0, 36, 7 * 12 * 50, 7 * 12 * 50)


def test_nobody_can_do_better_than_perfect_knowledge() -> None:
    random = np.random.default_rng(2)
    total = {way: Worth(0, 0, 0, 0) for way in (ROSTER, WEEKDAY, CLIMATOLOGY, OURS, PERFECT)}
    for _ in range(30):
        rate = random.gamma(9, 0.5)
        need = Needs(
            random.poisson(rate, 24),
            random.poisson(random.gamma(9, 0.5, size=(8, 1)), size=(8, 24)),
            random.poisson(rate, size=(100, 24)),
        )
        worth = worth_of_ways(SITE, {"icu": need})
        assert min(one.cost for one in worth.values()) == pytest.approx(worth[PERFECT].cost)
        total = {way: total[way] + worth[way] for way in total}
    # Who knows the rate plans better than who knows the past, and both better than the fixed roster.
    assert total[OURS].cost < total[CLIMATOLOGY].cost < total[ROSTER].cost
    assert 0.3 < share_closed(total) < 1


def test_where_no_way_is_open_no_share_is_told() -> None:
    worth = worth_of_ways(SITE, {"icu": needs(came=3, past=[3, 3], paths=[3])})
    assert math.isnan(share_closed(worth))


def test_a_case_with_a_fault_is_not_compared() -> None:
    with pytest.raises(WorthError, match="unit 'icu' has no needs"):
        worth_of_ways(SITE, {})
    stranger = replace(SITE, roster={"nicu": (1, 1)})
    with pytest.raises(WorthError, match="nicu: the roster has heads"):
        worth_of_ways(stranger, {"icu": needs(3, [3], [3])})
