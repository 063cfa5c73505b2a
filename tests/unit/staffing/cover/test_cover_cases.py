from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from forecasting.staffing.cover import (
    CoverError,
    Pool,
    Posts,
    SiteCase,
    Slot,
    Surge,
    UnitCase,
    Wages,
    cover,
    judged,
)

pytestmark = pytest.mark.unit

SLOTS = (Slot("day", 0, 12), Slot("night", 12, 24))


def a_unit(unit_id: str = "icu", need: int = 3) -> UnitCase:
    return UnitCase(
        unit_id,
        np.full((10, 24), need),
        Posts((0, 0), (6, 6)),
        Wages(rostered=50, added=60, released=20),
        short=200,
    )


def test_a_need_that_is_sure_is_met_exactly() -> None:
    unit = cover(SiteCase(SLOTS, (a_unit(),), roster={"icu": (2, 5)})).unit("icu")
    assert unit.heads == (3, 3)
    assert unit.wages == 50 * 12 * 7 + 60 * 12 - 20 * 24
    assert (unit.follows, unit.short_hours, unit.over_hours) == (0, 0, 0)


def test_heads_stay_where_a_release_saves_nothing() -> None:
    unit = replace(a_unit(), wages=Wages(50, 60, 0))
    told = judged(SiteCase(SLOTS, (unit,)), {"icu": (4, 3)}).unit("icu")
    assert told.over_hours == 12
    assert cover(SiteCase(SLOTS, (unit,), roster={"icu": (4, 3)})).cost == 50 * 12 * 7


def test_a_rare_need_is_left_to_those_who_are_called() -> None:
    need = np.full((10, 24), 3)
    need[0, :12] = 5
    unit = replace(a_unit(), requirement=need, surges=(Surge("agency", 100, 1), Surge("on_call", 70, 1)))
    day, night = cover(SiteCase(SLOTS, (unit,))).unit("icu").stretches
    assert (day.heads, night.heads) == (3, 3)
    assert day.called_hours == pytest.approx({"on_call": 1.2, "agency": 1.2})
    assert day.probability_short == pytest.approx(0.1)
    assert day.short_hours == 0


def test_pool_heads_go_where_they_are_needed() -> None:
    need = np.full((2, 24), 3)
    needs = {"a": need.copy(), "b": need.copy()}
    needs["a"][0] += 1
    needs["b"][1] += 1
    units = tuple(replace(a_unit(unit_id), requirement=paths) for unit_id, paths in needs.items())
    pool = Pool("float", ("a", "b"), Posts((0, 0), (2, 2)), Wages(50, 65, 20))
    planned = cover(SiteCase(SLOTS, units, (pool,)))
    assert planned.pools[0].heads == (1, 1)
    assert [unit.heads for unit in planned.units] == [(3, 3), (3, 3)]
    assert [unit.stretches[0].floated_hours for unit in planned.units] == [6, 6]
    assert sum(unit.short_hours + unit.over_hours for unit in planned.units) == 0


def test_what_cant_be_met_comes_with_the_cheapest_relief() -> None:
    unit = replace(
        a_unit(need=5),
        posts=Posts((0, 0), (2, 5)),
        surges=(Surge("on_call", 80, 1), Surge("agency", 55, 1)),
    )
    day, night = cover(SiteCase(SLOTS, (unit,))).unit("icu").stretches
    assert night.relief is None
    assert day.relief is not None
    assert (day.relief.heads, day.relief.resource, day.relief.beyond) == (1, "agency", 1)
    assert day.relief.cost == 55 * 12
    assert str(day.relief) == (
        "1 missing in more than 1 of 20 such shifts though all are called; "
        "cheapest relief: 1 more agency head for 660, 1 beyond the limit"
    )


def test_relief_may_be_a_head_that_was_not_worth_its_wage() -> None:
    need = np.zeros((10, 24), dtype=np.int64)
    need[0, 3] = 1
    day, _ = cover(SiteCase(SLOTS, (replace(a_unit(), requirement=need),))).unit("icu").stretches
    assert day.heads == 0
    assert day.relief is not None
    assert (day.relief.resource, day.relief.shift, day.relief.cost, day.relief.beyond) == (
        "own",
        "day",
        720,
        0,
    )


def test_who_may_not_come_is_planned_for() -> None:
    unit = replace(a_unit(), show_up=0.8)
    planned = cover(SiteCase(SLOTS, (unit,))).unit("icu")
    assert planned.heads[0] > 3
    stretch = planned.stretches[0]
    came, missing = 0.8 * stretch.heads * 12, stretch.short_hours
    assert came + missing == pytest.approx(3 * 12 + stretch.over_hours)


def test_hours_between_shifts_are_left_to_those_who_are_called() -> None:
    slots = (Slot("morning", 0, 8), Slot("evening", 16, 24))
    unit = replace(a_unit(need=1), surges=(Surge("on_call", 80, 2),), minimum=1)
    gap = cover(SiteCase(slots, (unit,))).unit("icu").stretches[1]
    assert (gap.heads, gap.called_hours, gap.short_hours) == (0, {"on_call": 8}, 0)


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ({"minimum": 7}, "a minimum of 7 heads is impossible from hour 0 to 12"),
        ({"wages": Wages(50, -60, -70)}, "none may be negative"),
        ({"wages": Wages(50, float("inf"), 20)}, "an hour costs 50 rostered and inf added"),
        ({"wages": Wages(50, 60, 70)}, "nor a release save more than an addition"),
        ({"short": -1.0}, "a missing head costs -1 an hour"),
        ({"short": float("nan")}, "a missing head costs nan an hour"),
        ({"surges": (Surge("agency", -5, 1),)}, "1 heads of agency at -5"),
        ({"show_up": 1.5}, "a show-up rate of 1.5"),
        ({"posts": Posts((3, 0), (2, 6))}, "3 to 2 heads with 0 scheduled on 'day'"),
        ({"posts": Posts((0,), (2,))}, "there are 2"),
        ({"requirement": np.full((10, 20), 3)}, "has 20 hours; the shifts end at hour 24"),
        ({"requirement": np.full((10, 24), -3)}, "is negative"),
        ({"requirement": np.full((10, 24), np.nan)}, "not of whole heads"),
        ({"requirement": np.zeros((0, 24), dtype=np.int64)}, "not paths x hours"),
    ],
)
def test_a_unit_that_makes_no_sense_is_named_and_the_others_are_planned(
    bad: dict[str, object], says: str
) -> None:
    units = (replace(a_unit("bad"), **bad), a_unit("good"))  # type: ignore[arg-type]
    pool = Pool("float", ("bad", "good"), Posts((0, 0), (2, 2)), Wages(50, 70, 20))
    planned = cover(SiteCase(SLOTS, units, (pool,)))
    assert says in planned.refused["bad"]
    assert planned.unit("good").short_hours == 0
    with pytest.raises(KeyError, match="unit 'bad' has no cover"):
        planned.unit("bad")


def test_a_roster_of_an_unknown_unit_is_named() -> None:
    planned = cover(SiteCase(SLOTS, (a_unit(),), roster={"icu": (3, 3), "nicu": (2, 2)}))
    assert planned.refused == {
        "nicu": "the roster has heads for 'nicu', which is no unit or pool of the site"
    }
    assert planned.unit("icu").heads == (3, 3)


def test_pools_that_share_a_unit_or_name_a_stranger_leave_their_units_alone() -> None:
    pools = tuple(
        Pool(name, ids, Posts((0, 0), (2, 2)), Wages(50, 60, 20))
        for name, ids in (("one", ("a",)), ("two", ("a", "b")), ("three", ("x",)))
    )
    planned = cover(SiteCase(SLOTS, (a_unit("a"), a_unit("b")), pools))
    assert "more than one float pool" in planned.refused["one"]
    assert "'x' is no unit of the site" in planned.refused["three"]
    assert [unit.heads for unit in planned.units] == [(3, 3), (3, 3)]
    assert planned.pools == ()


def test_units_of_one_pool_need_the_same_paths() -> None:
    units = (a_unit("a"), replace(a_unit("b"), requirement=np.full((4, 24), 3)))
    pool = Pool("float", ("a", "b"), Posts((0, 0), (2, 2)), Wages(50, 60, 20))
    planned = cover(SiteCase(SLOTS, units, (pool,)))
    assert planned.refused == {"float": "its units have 4 and 10 paths; they need the same"}


@pytest.mark.parametrize(
    ("slots", "says"),
    [
        ((Slot("day", 0, 12), Slot("day", 8, 20)), "shift 'day' overlaps itself"),
        ((Slot("day", 5, 5),), "end after it starts"),
        ((), "no shifts to plan"),
    ],
)
def test_shifts_that_make_no_sense_are_refused(slots: tuple[Slot, ...], says: str) -> None:
    with pytest.raises(CoverError, match=says):
        cover(SiteCase(slots, (a_unit(),)))
