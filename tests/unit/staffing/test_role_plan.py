from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from forecasting.staffing.cover import Pool, Posts, SiteCase, Slot, Surge, UnitCase, Wages, cover, judged
from forecasting.staffing.role_case import RoleCase
from forecasting.staffing.role_plan import FLOAT_POOL, role_plan
from forecasting.staffing.shifts import PlannedShift

pytestmark = pytest.mark.unit

START = datetime(2026, 6, 1, 11, tzinfo=UTC)
SHIFTS = (("day", 0, 12), ("middle", 4, 12), ("night", 12, 12))


def case_of(*, pooled: bool = True) -> RoleCase:
    """Two units over two days of shifts that overlap, with and without a float pool."""
    random = np.random.default_rng(3)
    slots = tuple(
        Slot(name, 24 * day + first, 24 * day + first + hours)
        for day in range(2)
        for name, first, hours in SHIFTS
    )
    shifts = tuple(
        PlannedShift(
            slot.name,
            date(2026, 6, 1),
            START + timedelta(hours=slot.first),
            START + timedelta(hours=slot.end),
        )
        for slot in slots
    )
    units = tuple(
        UnitCase(
            unit_id,
            random.poisson(mean * (1 + 0.3 * np.sin(np.arange(52) / 24 * 2 * np.pi)), size=(40, 52)),
            Posts((0,) * 6, (12,) * 6),
            Wages(48, 72, 24),
            short=280,
            surges=(Surge("on_call", 96, 1),),
            show_up=0.97,
        )
        for unit_id, mean in (("a", 4.0), ("b", 6.0))
    )
    pools = (Pool("float", ("a", "b"), Posts((0,) * 6, (2,) * 6), Wages(48, 72, 24)),) if pooled else ()
    roster = {"a": (3, 1, 3, 3, 0, 3), "b": (5, 1, 6, 5, 2, 4)} | (
        {"float": (1, 0, 1, 1, 0, 1)} if pooled else {}
    )
    hours = pd.date_range(START, periods=52, freq="h", unit="us")
    return RoleCase("nurse", shifts, hours, SiteCase(slots, units, pools, roster))


@pytest.mark.parametrize("pooled", [True, False])
def test_costs_and_missing_hours_of_all_shifts_are_those_of_the_cover(pooled: bool) -> None:
    case = case_of(pooled=pooled)
    told, planned, rostered = role_plan(case), cover(case.site), judged(case.site, case.site.roster)
    shifts = [shift for unit in told.units.values() for shift in unit]
    pools = [shift for pool in told.pools.values() for shift in pool]
    costs = [(one.cost, one.cost_scheduled) for one in shifts] + [
        (one.cost, one.cost_scheduled) for one in pools
    ]
    assert np.sum(costs, axis=0) == pytest.approx([planned.cost, rostered.cost])
    assert sum(one.short_hours for one in shifts) == pytest.approx(
        sum(unit.short_hours for unit in planned.units)
    )
    floated = sum(one.helped_hours[FLOAT_POOL] for one in shifts)
    assert sum(one.floated_hours for one in pools) == pytest.approx(floated)
    assert (floated > 0) == pooled


def test_heads_added_to_the_roster_are_those_of_the_cover() -> None:
    case = case_of()
    told, planned = role_plan(case), cover(case.site)
    for unit in planned.units:
        added = np.array([shift.added for shift in told.units[unit.unit_id]])
        assert (case.site.scheduled(unit.unit_id) + added).tolist() == list(unit.heads)
    assert tuple(shift.heads for shift in told.pools["float"]) == planned.pools[0].heads


def test_whoever_is_hardly_ever_needed_is_not_told_of() -> None:
    for unit in role_plan(case_of()).units.values():
        for shift in unit:
            assert set(shift.helpers) <= {FLOAT_POOL, "on_call"}
            assert all(shift.helped_hours[name] >= 0.05 * shift.hours for name in shift.helpers)


def test_a_unit_with_a_fault_is_named_and_the_others_told() -> None:
    case = case_of()
    first, second = case.site.units
    broken = replace(first, wages=Wages(48, 72, released=90))
    told = role_plan(replace(case, site=replace(case.site, units=(broken, second))))
    assert "an hour costs 48 rostered and 72 added, and saves 90 released" in told.refused["a"]
    assert set(told.units) == {"b"}
    assert len(told.pools["float"]) == 6
