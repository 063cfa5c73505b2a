from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from forecasting.config import LocalRule, Settings, UnitType
from forecasting.rules import rule_book
from forecasting.schema import SCHEDULED_SHIFT, Target
from forecasting.staffing.cover import Posts, cover
from forecasting.staffing.outlook import Outlook
from forecasting.staffing.place import Place, places_of
from forecasting.staffing.role_case import RoleCase, kept_to_rules, role_cases
from forecasting.staffing.shifts import planned_shifts

pytestmark = pytest.mark.unit

NIGHT = date(2026, 6, 1)
ISSUED_AT = datetime(2026, 6, 1, 7, tzinfo=UTC)
HOURS = pd.date_range(ISSUED_AT, periods=220, freq="h", unit="us")
LEVELS = np.array([0.1, 0.5, 0.75, 0.9])


def with_sites(settings: Settings, **of_north: Any) -> Settings:
    content = settings.model_dump()
    first, *others = content["sites"]
    return Settings.model_validate(content | {"sites": [first | of_north, *others]})


def with_role(settings: Settings, **changes: Any) -> Settings:
    content = settings.model_dump()
    content["roles"]["registered_nurse"] |= changes
    return Settings.model_validate(content)


def paths_of(**patients: np.ndarray) -> dict[tuple[str, Target], Outlook]:
    """Patients of each unit, by path and hour."""
    nothing = Outlook(HOURS[:0], np.zeros((0, 4)), LEVELS)
    known = {
        (unit_id, Target.BED_CENSUS): Outlook(HOURS, counts.T, None) for unit_id, counts in patients.items()
    }
    return {(unit_id, target): nothing for unit_id in ("ed", "icu") for target in Target} | known


def steady(patients: float, paths: int = 4) -> np.ndarray:
    return np.full((paths, len(HOURS)), patients)


def rostered(settings: Settings, **heads: int) -> pd.DataFrame:
    """So many heads by unit or pool on each shift of north's week."""
    shifts = planned_shifts(settings, settings.site("north"), ISSUED_AT)
    rows = [
        {"site_id": "north", "unit_id": unit_id, "role": "registered_nurse", "heads": each}
        | {"shift_start": shift.start, "shift_end": shift.end}
        for unit_id, each in heads.items()
        for shift in shifts
    ]
    return SCHEDULED_SHIFT.conform(pd.DataFrame(rows))


def places_in(
    settings: Settings, outlooks: dict[tuple[str, Target], Outlook], roster: pd.DataFrame
) -> list[Place]:
    site = settings.site("north")
    shifts = planned_shifts(settings, site, ISSUED_AT)
    return places_of(settings, site, shifts, roster, rule_book(settings), outlooks)


def case_of(
    settings: Settings, outlooks: dict[tuple[str, Target], Outlook], roster: pd.DataFrame
) -> RoleCase:
    places = places_in(settings, outlooks, roster)
    return role_cases(places, settings.site("north"), roster)["registered_nurse"]


def test_a_ratio_asks_hour_by_hour_and_path_by_path(settings: Settings) -> None:
    patients = steady(20.0)
    patients[2, 30:33] = 31
    case = case_of(settings, paths_of(ed=patients, icu=steady(1.0)), rostered(settings, ed=6, icu=2))
    ed, icu = case.site.units
    busy = np.flatnonzero(case.hours.isin(HOURS[30:33]))
    assert (ed.requirement[2, busy] == 8).all()
    assert np.delete(ed.requirement, busy, axis=1).max() == 5
    assert (icu.requirement == 2).all()  # the minimum
    assert case.site.roster == {"ed": (6,) * 14, "icu": (2,) * 14}
    assert [slot.hours for slot in case.site.slots] == [12] * 14
    assert case.hours[0] == case.shifts[0].start


def test_a_mean_asks_for_the_same_in_each_hour_of_the_shift(settings: Settings) -> None:
    averaged = with_role(settings, applies="average")
    patients = steady(20.0)
    first = planned_shifts(settings, settings.site("north"), ISSUED_AT)[0]
    start = int(HOURS.searchsorted(pd.Timestamp(first.start)))
    patients[1, start : start + 6] = 30
    (ed, _) = case_of(
        averaged, paths_of(ed=patients, icu=steady(4)), rostered(settings, ed=6, icu=2)
    ).site.units
    assert (ed.requirement[1, :12] == 7).all()  # 25 / 4
    assert (ed.requirement[0, :12] == 5).all()


def test_clock_changes_make_slots_longer_and_leave_no_gap(settings: Settings) -> None:
    autumn = datetime(2026, 10, 30, 7, tzinfo=UTC)
    site = settings.site("north")
    shifts = planned_shifts(settings, site, autumn)
    hours = pd.date_range(autumn, periods=230, freq="h", unit="us")
    outlooks = {
        (unit, target): Outlook(hours, np.full((len(hours), 3), 8.0), None)
        for unit in ("ed", "icu")
        for target in Target
    }
    rows = [
        {"site_id": "north", "unit_id": "ed", "role": "registered_nurse", "heads": 3}
        | {"shift_start": shift.start, "shift_end": shift.end}
        for shift in shifts
    ]
    roster = SCHEDULED_SHIFT.conform(pd.DataFrame(rows))
    places = places_of(settings, site, shifts, roster, rule_book(settings), outlooks)
    slots = role_cases(places, site, roster)["registered_nurse"].site.slots
    assert sum(slot.hours for slot in slots) == 7 * 24 + 1
    assert [one.end for one in slots[:-1]] == [other.first for other in slots[1:]]


def test_quantiles_stand_in_for_paths_with_all_hours_high_together(settings: Settings) -> None:
    spread = np.array([16.0, 20.0, 24.0, 28.0])
    told = {("ed", Target.BED_CENSUS): Outlook(HOURS, np.tile(spread, (len(HOURS), 1)), LEVELS)}
    case = case_of(settings, paths_of() | told, rostered(settings, ed=5))
    (ed,) = case.site.units
    assert (ed.requirement == ed.requirement[:, :1]).all()
    above = [(ed.requirement[:, 0] > heads).mean() for heads in (5, 6)]
    assert above == pytest.approx([0.5, 0.25], abs=0.02)


def test_prices_follow_from_the_wage_and_the_level(settings: Settings) -> None:
    paid = with_role(
        settings, wage=40, called=[{"name": "agency", "wage_factor": 3, "most": 2}], show_up_rate=0.95
    )
    (ed,) = case_of(paid, paths_of(ed=steady(20.0)), rostered(settings, ed=5)).site.units
    assert (ed.wages.rostered, ed.wages.added, ed.wages.released, ed.show_up) == (40, 60, 20, 0.95)
    assert [(surge.price, surge.most) for surge in ed.surges] == [(120, 2)]
    level = paid.level(UnitType.ED)
    assert 1 - ed.wages.added / ed.short == pytest.approx(level)


def test_law_without_calls_a_steady_need_is_covered_to_the_level(settings: Settings) -> None:
    """On 25 paths of 100 six heads are needed, else five: at 0.75 five are enough, at 0.8 six are not."""
    patients = np.repeat([24.0, 20.0], [25, 75])[:, None] * np.ones(len(HOURS))
    few = rostered(settings, ed=1)
    at_75 = case_of(settings, paths_of(ed=patients[1:]), few)
    content = settings.model_dump() | {"costs": {"default": {"short": 4, "over": 1}}}
    at_80 = case_of(Settings.model_validate(content), paths_of(ed=patients), few)
    assert cover(at_75.site).unit("ed").heads == (5,) * 14
    assert cover(at_80.site).unit("ed").heads == (6,) * 14


def test_a_rule_that_holds_at_all_times_can_be_met_with_those_who_can_be_called(settings: Settings) -> None:
    """On four paths of ten 30 patients come, for an hour: too short to pay for a head; the rule counts."""
    patients = steady(16.0, paths=10)
    patients[:4, 30] = 30
    on_call = with_role(settings, called=[{"name": "on_call", "wage_factor": 2, "most": 1}])
    roster, outlooks = rostered(settings, ed=4), paths_of(ed=patients)
    case = case_of(on_call, outlooks, roster)
    busy = next(n for n, slot in enumerate(case.site.slots) if slot.first <= 30 - 4 < slot.end)
    assert cover(case.site).unit("ed").heads[busy] == 4
    kept = kept_to_rules(case, places_in(on_call, outlooks, roster))
    assert cover(kept.site).unit("ed").heads[busy] == 8 - 1
    averaged = with_role(on_call, applies="average")
    case = case_of(averaged, outlooks, roster)
    assert kept_to_rules(case, places_in(averaged, outlooks, roster)) == case


def test_a_unit_is_never_planned_beyond_its_most_heads(settings: Settings) -> None:
    units = settings.model_dump()["sites"][0]["units"]
    limited = with_sites(settings, units=[units[0] | {"most_heads": {"registered_nurse": 6}}, units[1]])
    roster, outlooks = rostered(settings, ed=4), paths_of(ed=steady(40.0))
    case = kept_to_rules(case_of(limited, outlooks, roster), places_in(limited, outlooks, roster))
    assert cover(case.site).unit("ed").heads == (6,) * 14


def test_where_no_rule_holds_the_roster_stays(settings: Settings) -> None:
    nurse = settings.roles["registered_nurse"].model_copy(update={"patients_per_head": {UnitType.ED: 4.0}})
    waiver = LocalRule(
        rule_id="waiver",
        role="registered_nurse",
        unit_type=UnitType.ICU,
        patients_per_head=3,
        effective_until=date(2026, 6, 3),
        reason="flu season",
    )
    changed = settings.model_copy(update={"roles": {"registered_nurse": nurse}, "rules": (waiver,)})
    case = case_of(changed, paths_of(icu=steady(9)), rostered(settings, icu=7))
    (icu,) = case.site.units
    assert icu.posts == Posts((2,) * 6 + (7,) * 8, (10,) * 6 + (7,) * 8)
    assert icu.requirement[:, -96:].max() == 0
    assert cover(case.site).unit("icu").heads == (3,) * 6 + (7,) * 8


def test_an_hour_without_forecast_asks_for_the_minimum_and_releases_nobody(settings: Settings) -> None:
    short = {("icu", Target.BED_CENSUS): Outlook(HOURS[:40], np.full((40, 3), 8.0), None)}
    case = case_of(settings, paths_of() | short, rostered(settings, icu=6))
    plan = cover(case.site).unit("icu")
    assert plan.heads[0] == 4
    assert plan.heads[-1] == 6
    assert case.site.units[0].requirement[:, -1].tolist() == [2, 2, 2]


def test_a_unit_without_roster_or_forecast_is_left_out_and_its_pool_serves_the_others(
    settings: Settings,
) -> None:
    pool = {
        "pool_id": "float",
        "name": "Float",
        "role": "registered_nurse",
        "units": ["ed", "icu"],
        "most": 2,
    }
    pooled = with_sites(settings, float_pools=[pool])
    outlooks = paths_of(ed=steady(20.0), icu=steady(8))
    case = case_of(pooled, outlooks, rostered(settings, ed=5, float=1))
    assert [unit.unit_id for unit in case.site.units] == ["ed"]
    assert case.site.pools[0].unit_ids == ("ed",)
    assert case.site.roster["float"] == (1,) * 14
    assert not case_of(pooled, paths_of(), rostered(settings, ed=5)).site.units


def test_shifts_that_overlap_have_each_row_in_its_own(settings: Settings) -> None:
    content = settings.model_dump()
    content["shifts"] = [
        {"name": "day", "start": "07:00", "hours": 12},
        {"name": "middle", "start": "11:00", "hours": 12},
        {"name": "night", "start": "19:00", "hours": 12},
    ]
    three = Settings.model_validate(content)
    shifts = planned_shifts(three, three.site("north"), ISSUED_AT)
    heads = [(4, 1, 3)[number % 3] for number in range(len(shifts))]
    rows = [
        {"site_id": "north", "unit_id": "ed", "role": "registered_nurse", "heads": each}
        | {"shift_start": shift.start + timedelta(hours=late), "shift_end": shift.end}
        for shift, each, late in zip(shifts, heads, [0, 1, 0] * 7, strict=True)
    ]
    case = case_of(three, paths_of(ed=steady(20.0)), SCHEDULED_SHIFT.conform(pd.DataFrame(rows)))
    assert case.site.roster["ed"] == tuple(heads)
    plan = cover(case.site).unit("ed")
    assert min(stretch.heads for stretch in plan.stretches) == 5


def test_shifts_that_change_at_half_past_do_not_overlap(settings: Settings) -> None:
    content = settings.model_dump()
    content["shifts"] = [
        {"name": "day", "start": "07:30", "hours": 12},
        {"name": "night", "start": "19:30", "hours": 12},
    ]
    half_past = Settings.model_validate(content)
    case = case_of(half_past, paths_of(ed=steady(20.0)), rostered(half_past, ed=5))
    slots = case.site.slots
    assert [one.end for one in slots[:-1]] == [other.first for other in slots[1:]]
    assert {slot.hours for slot in slots} == {12}
    assert {stretch.heads for stretch in cover(case.site).unit("ed").stretches} == {5}
