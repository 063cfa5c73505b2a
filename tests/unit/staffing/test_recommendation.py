from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from forecasting import staffing
from forecasting.config import EventMinutes, LocalRule, Role, Settings, Site, UnitType
from forecasting.rules import rule_book
from forecasting.schema import FORECAST, SCHEDULED_SHIFT, STAFFING_RECOMMENDATION, Target
from forecasting.staffing import SamplePaths, role_plan
from forecasting.staffing.recommendation import RECOMMENDATION, StaffingError
from forecasting.staffing.rows import ROUGH_SHIFTS, UNKNOWN_TURNOVER
from forecasting.staffing.shifts import planned_shifts
from forecasting.staffing.turnover import Turnover

pytestmark = pytest.mark.unit

NIGHT = date(2026, 6, 1)
USUAL = "The usual pattern of past weeks speaks here: no model is trained yet."
TOO_SHORT = "Totals of shifts and days are rougher here: fewer than 8 weeks are known."


@pytest.fixture(scope="module")
def north(settings: Settings) -> Site:
    return settings.site("north")


@pytest.fixture(scope="module")
def issued_at(settings: Settings) -> datetime:
    return settings.issued_at(NIGHT)


def recommend(
    forecast: pd.DataFrame,
    site: Site,
    settings: Settings,
    issued_at: datetime,
    roster: pd.DataFrame,
    **more: Any,
) -> pd.DataFrame:
    return staffing.recommend(forecast, site, settings, issued_at, roster, rule_book(settings), **more)


def forecast(
    issued_at: datetime,
    patients: dict[str, float],
    *,
    peak: dict[datetime, float] | None = None,
    hours: int = 220,
    note: str = "",
) -> pd.DataFrame:
    """So many patients at the median and in every hour, at peaks more; 10 % less and more at 0.1 and 0.9."""
    rows = [
        {
            "issued_at": issued_at,
            "site_id": "north",
            "unit_id": unit_id,
            "target": "bed_census",
            "period": "PT1H",
            "valid_at": valid_at,
            "quantile": level,
            "value": (median + (peak or {}).get(valid_at, 0)) * spread,
            "model": "climatology" if note else "tft",
            "model_version": "3",
            "note": note,
        }
        for unit_id, median in patients.items()
        for valid_at in (issued_at + timedelta(hours=hour) for hour in range(hours))
        for level, spread in ((0.1, 0.9), (0.5, 1.0), (0.75, 1.05), (0.9, 1.1))
    ]
    return FORECAST.conform(pd.DataFrame(rows)) if rows else FORECAST.empty()


def roster(*rows: tuple[str, str, int]) -> pd.DataFrame:
    """Heads by unit and UTC start, each for twelve hours."""
    if not rows:
        return SCHEDULED_SHIFT.empty()
    starts = [datetime.fromisoformat(start).replace(tzinfo=UTC) for _, start, _ in rows]
    frame = pd.DataFrame(
        {
            "site_id": "north",
            "unit_id": [unit_id for unit_id, _, _ in rows],
            "role": "registered_nurse",
            "shift_start": starts,
            "shift_end": [start + timedelta(hours=12) for start in starts],
            "heads": [heads for _, _, heads in rows],
        }
    )
    return SCHEDULED_SHIFT.conform(frame)


def steady(issued_at: datetime) -> dict[Target, SamplePaths]:
    """Paths of 20 patients in the ED and 4 in intensive care, at all hours."""
    hours = pd.date_range(issued_at, periods=220, freq="h", unit="us")
    counts = np.repeat(np.array([[[20], [4]]], dtype=np.int32), 220, axis=2).repeat(5, axis=0)
    return {Target.BED_CENSUS: SamplePaths(("ed", "icu"), hours, counts)}


def one(recommendations: pd.DataFrame, unit_id: str, day: date, shift: str) -> pd.Series:
    found = recommendations[
        (recommendations["unit_id"] == unit_id)
        & (recommendations["shift_date"] == day)
        & (recommendations["shift"] == shift)
    ]
    assert len(found) == 1
    return found.iloc[0]


def test_a_nurse_manager_reads_why(settings: Settings, north: Site, issued_at: datetime) -> None:
    peak = {datetime(2026, 6, 2, 20, tzinfo=UTC): 4.0}
    plan = recommend(
        forecast(issued_at, {"ed": 25.0, "icu": 3.0}, peak=peak),
        north,
        settings,
        issued_at,
        roster(("ed", "2026-06-02T11:00", 7), ("icu", "2026-06-02T11:00", 5)),
    )
    day = one(plan, "ed", date(2026, 6, 2), "day")
    assert day["reason"] == (
        "At most 31 patients expected at 16:00 (3 in 4 sure); "
        "1 registered nurse per 4 → 8; 7 scheduled: 1 short."
    )
    assert (day["required"], day["scheduled"], day["recommended"], day["gap"]) == (8, 7, 8, 1)
    # Seven heads are paid for twelve hours, one more half as much again, and eight are never too few.
    assert (day["expected_cost"], day["short_hours"], day["relief"]) == (7 * 12 + 12 * 1.5, 0, "")
    # At the roster's seven, one is missing in the peak's hour unless at most 28 patients come.
    assert 84 + 6 * 0.5 < day["expected_cost_scheduled"] < 84 + 6 * 0.9
    assert day[["patients_p10", "patients_p50", "patients_p90"]].tolist() == pytest.approx([26.1, 29.0, 31.9])
    assert (day["model"], day["model_version"]) == ("tft", "3")
    assert day["shift_start"] == datetime(2026, 6, 2, 11, tzinfo=UTC)
    assert (day["rule_id"], day["quantile_level"], day["action"]) == ("registered_nurse_ed", 0.75, "add 1")
    # Seven heads are enough for 28 patients, fewer than the median.
    assert 0.5 < day["probability_short"] < 0.9

    assert one(plan, "icu", date(2026, 6, 2), "day")["reason"] == (
        "At most 8 patients expected at 16:00 (3 in 4 sure); "
        "1 registered nurse per 2 → 4; 5 scheduled: 1 more than required."
    )


def with_roles(settings: Settings, **changes: Any) -> Settings:
    content = settings.model_dump()
    content["roles"]["registered_nurse"] |= changes
    return Settings.model_validate(content)


def with_north(settings: Settings, **changes: Any) -> Settings:
    content = settings.model_dump()
    north, *others = content["sites"]
    return Settings.model_validate(content | {"sites": [north | changes, *others]})


def every_shift(settings: Settings, issued_at: datetime, **heads: int) -> pd.DataFrame:
    """So many heads by unit or pool on each shift of the plan."""
    shifts = planned_shifts(settings, settings.site("north"), issued_at)
    starts = [f"{shift.start:%Y-%m-%dT%H:%M}" for shift in shifts]
    return roster(*((unit_id, start, each) for unit_id, each in heads.items() for start in starts))


def test_heads_too_many_are_released_and_the_rest_kept_where_it_is_not_worth_the_risk(
    settings: Settings, north: Site, issued_at: datetime
) -> None:
    """Of 40 hours of 41 five heads are enough; whoever can be spared saves half a wage."""
    known = every_shift(settings, issued_at, ed=9, icu=3)
    plan = recommend(forecast(issued_at, {"ed": 20.0, "icu": 4.0}), north, settings, issued_at, known)
    ed, icu = (one(plan, unit, date(2026, 6, 2), "day") for unit in ("ed", "icu"))
    assert (ed["required"], ed["recommended"], ed["action"]) == (6, 6, "release 3")
    assert (icu["required"], icu["recommended"], icu["action"]) == (3, 3, "keep")
    assert (plan["expected_cost"] <= plan["expected_cost_scheduled"]).all()


def test_whom_to_call_as_needed_is_said_and_why_fewer_than_required_are_planned(
    settings: Settings, issued_at: datetime
) -> None:
    called = with_roles(settings, called=[{"name": "on_call", "wage_factor": 1.6, "most": 2}])
    known = every_shift(called, issued_at, ed=5)
    plan = recommend(forecast(issued_at, {"ed": 20.0}), called.site("north"), called, issued_at, known)
    day = one(plan, "ed", date(2026, 6, 2), "day")
    assert (day["required"], day["recommended"], day["action"]) == (6, 5, "keep; on-call as needed")
    assert day["reason"].endswith(
        "1 registered nurse per 4 → 6; 5 scheduled: 1 short; 5 recommended: 1 more would cost more than "
        "the head-hours left without: on-call 6.0; with 2 to call, 6 can be met."
    )


def test_a_float_pool_has_rows_of_its_own(settings: Settings, issued_at: datetime) -> None:
    pool = {
        "pool_id": "float",
        "name": "Float",
        "role": "registered_nurse",
        "units": ["ed", "icu"],
        "most": 2,
    }
    pooled = with_north(settings, float_pools=[pool])
    census = forecast(issued_at, {"ed": 20.0, "icu": 7.5})
    known = every_shift(pooled, issued_at, ed=5, icu=4)
    unknown = recommend(census, pooled.site("north"), pooled, issued_at, known)
    of_pool = unknown[unknown["unit_id"] == "float"]
    assert len(of_pool) == 14
    assert of_pool[["required", "scheduled", "gap", "rule_id", "model"]].isna().all(axis=None)
    assert of_pool["recommended"].notna().all()
    with_pool = pd.concat([known, every_shift(pooled, issued_at, float=2)])
    told = recommend(census, pooled.site("north"), pooled, issued_at, with_pool)
    day = one(told, "float", date(2026, 6, 2), "day")
    assert day["scheduled"] == 2
    assert day["reason"].startswith("Goes to Emergency or Intensive care, where it helps most: ")
    # The pool may be needed elsewhere: a rule that holds at all times is met without it.
    of_units = told[told["unit_id"] != "float"]
    assert (of_units["recommended"] >= of_units["required"]).all()


def test_without_a_roster_what_is_required_is_recommended_and_nothing_is_priced(
    settings: Settings, north: Site, issued_at: datetime
) -> None:
    plan = recommend(forecast(issued_at, {"ed": 20.0, "icu": 4.0}), north, settings, issued_at, roster())
    assert plan["recommended"].equals(plan["required"])
    assert plan[["expected_cost", "expected_cost_scheduled", "short_hours"]].isna().all(axis=None)
    assert set(plan["relief"]) == {""}


def test_a_unit_that_can_not_be_planned_is_marked_and_the_others_are_planned(
    settings: Settings, issued_at: datetime
) -> None:
    units = settings.model_dump()["sites"][0]["units"]
    limit = {"minimum_heads": {"registered_nurse": 4}, "most_heads": {"registered_nurse": 3}}
    impossible = with_north(settings, units=[units[0], units[1] | limit])
    known = every_shift(impossible, issued_at, ed=6, icu=2)
    census = forecast(issued_at, {"ed": 20.0, "icu": 4.0})
    plan = recommend(census, impossible.site("north"), impossible, issued_at, known)
    icu = plan[plan["unit_id"] == "icu"]
    assert icu["note"].str.contains("Not planned: a minimum of 4 heads is impossible").all()
    assert set(icu["action"]) == {"add 2"}
    assert icu["recommended"].equals(icu["required"])
    assert icu["expected_cost"].isna().all()
    assert plan.loc[plan["unit_id"] == "ed", "expected_cost"].notna().all()


def test_where_the_solver_has_no_answer_what_is_required_is_recommended(
    settings: Settings, north: Site, issued_at: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_case: object) -> None:
        raise ArithmeticError("the solver ended without an optimum")

    monkeypatch.setattr(role_plan, "cover", fails)
    known = every_shift(settings, issued_at, ed=4)
    plan = recommend(forecast(issued_at, {"ed": 20.0}), north, settings, issued_at, known)
    ed = plan[plan["unit_id"] == "ed"]
    assert set(ed["note"]) == {
        f"{ROUGH_SHIFTS} Not planned: what would cost least could not be worked out tonight."
    }
    assert set(ed["action"]) == {"add 2"}


def test_shifts_that_overlap_are_told_by_who_is_on_duty(settings: Settings, issued_at: datetime) -> None:
    content = settings.model_dump()
    content["shifts"] = [
        {"name": "day", "start": "07:00", "hours": 12},
        {"name": "middle", "start": "11:00", "hours": 12},
        {"name": "night", "start": "19:00", "hours": 12},
    ]
    three = Settings.model_validate(content)
    known = roster(
        ("ed", "2026-06-02T11:00", 4), ("ed", "2026-06-02T15:00", 1), ("ed", "2026-06-02T23:00", 5)
    )
    plan = recommend(forecast(issued_at, {"ed": 20.0}), three.site("north"), three, issued_at, known)
    of_day = {name: one(plan, "ed", date(2026, 6, 2), name) for name in ("day", "middle", "night")}
    # The one who comes at eleven is there for eight hours of the day's twelve, and for four of the night's.
    assert [of_day[name]["scheduled"] for name in of_day] == [5, 5, 5]
    assert min(of_day[name]["recommended"] for name in of_day) >= 5
    assert sum(of_day[name]["action"].startswith("add") for name in of_day) >= 1


def test_every_unit_role_and_shift_of_seven_days_is_there_once(
    settings: Settings, north: Site, issued_at: datetime
) -> None:
    plan = recommend(forecast(issued_at, {"ed": 20.0}), north, settings, issued_at, roster())
    days = [date(2026, 6, 1) + timedelta(days=number) for number in range(7)]
    keys = plan[["unit_id", "role", "shift_date", "shift"]].itertuples(index=False, name=None)
    assert sorted(keys) == sorted(
        itertools.product(["ed", "icu"], ["registered_nurse"], days, ["day", "night"])
    )


def test_a_role_has_rows_where_it_works_alone(settings: Settings, issued_at: datetime) -> None:
    nurse = settings.roles["registered_nurse"].model_copy(update={"unit_types": (UnitType.ED,)})
    narrowed = settings.model_copy(update={"roles": {"triage_nurse": nurse}})
    plan = recommend(FORECAST.empty(), narrowed.site("north"), narrowed, issued_at, roster())
    assert set(plan["unit_id"]) == {"ed"}


def test_a_unit_type_without_rule_is_marked_and_the_others_are_planned(
    settings: Settings, issued_at: datetime
) -> None:
    nurse = settings.roles["registered_nurse"].model_copy(update={"patients_per_head": {UnitType.ED: 4.0}})
    narrowed = settings.model_copy(update={"roles": {"registered_nurse": nurse}})
    census = forecast(issued_at, {"ed": 20.0, "icu": 8.0})
    known = roster(("icu", "2026-06-02T11:00", 3))
    plan = recommend(census, narrowed.site("north"), narrowed, issued_at, known)
    of_icu = plan[plan["unit_id"] == "icu"]
    assert of_icu[["required", "recommended", "gap", "probability_short", "rule_id"]].isna().all(axis=None)
    assert set(of_icu["action"]) == {"decide by hand"}
    assert (
        of_icu["reason"]
        == "No rule for Registered nurse for units of type icu at North: give the site a ratio_set that has "
        "one, or set it under [[rules]] or [roles.registered_nurse]."
    ).all()
    assert of_icu["patients_p50"].notna().all()
    assert one(plan, "icu", date(2026, 6, 2), "day")["scheduled"] == 3
    assert (plan.loc[plan["unit_id"] == "ed", "required"] == 6).all()


def test_a_rule_that_has_ended_is_used_until_its_last_date_and_named_after_it(
    settings: Settings, issued_at: datetime
) -> None:
    waiver = LocalRule(
        rule_id="waiver",
        role="registered_nurse",
        unit_type=UnitType.ICU,
        patients_per_head=3,
        effective_until=date(2026, 6, 3),
        reason="flu season",
    )
    nurse = settings.roles["registered_nurse"].model_copy(update={"patients_per_head": {UnitType.ED: 4.0}})
    changed = settings.model_copy(update={"roles": {"registered_nurse": nurse}, "rules": (waiver,)})
    census = forecast(issued_at, {"ed": 20.0, "icu": 8.0})
    plan = recommend(census, changed.site("north"), changed, issued_at, roster())
    until = one(plan, "icu", date(2026, 6, 3), "night")
    assert (until["required"], until["rule_id"]) == (3, "waiver")
    assert "1 registered nurse per 3 by own rule (flu season) → 3" in until["reason"]
    after = one(plan, "icu", date(2026, 6, 4), "day")
    assert np.isnan(after["required"])
    assert after["reason"] == (
        "No rule for Registered nurse in units of type icu on 2026-06-04: waiver ended on 2026-06-03."
    )
    assert (plan.loc[plan["unit_id"] == "ed", "required"] == 6).all()


def test_a_unit_without_forecast_gets_its_minimum_and_says_so(
    settings: Settings, north: Site, issued_at: datetime
) -> None:
    plan = recommend(FORECAST.empty(), north, settings, issued_at, roster(("icu", "2026-06-02T11:00", 1)))
    row = one(plan, "icu", date(2026, 6, 2), "day")
    assert row["required"] == 2
    assert row["reason"] == "No forecast for this unit, so the minimum of 2; 1 scheduled: 1 short."
    assert (row["action"], row["rule_id"]) == ("add 1", "registered_nurse_icu")
    assert np.isnan(row["probability_short"])
    assert row[["patients_p10", "patients_p50", "patients_p90", "model", "model_version"]].isna().all()


def test_the_minimum_holds_when_the_ratio_asks_for_less(
    settings: Settings, north: Site, issued_at: datetime
) -> None:
    row = recommend(forecast(issued_at, {"icu": 0.5}), north, settings, issued_at, roster()).iloc[-1]
    assert row["required"] == 2
    assert "At most 1 patient expected" in row["reason"]
    assert "→ 1, but at least 2; no roster known." in row["reason"]


def test_where_the_baseline_spoke_the_note_says_why(
    settings: Settings, north: Site, issued_at: datetime
) -> None:
    spoken = forecast(issued_at, {"ed": 20.0, "icu": 4.0}, note=USUAL)
    told = recommend(spoken, north, settings, issued_at, roster(), paths=steady(issued_at))
    assert set(told["note"]) == {USUAL}


def test_what_is_rough_about_a_units_shifts_is_told_beside_who_forecast(
    settings: Settings, north: Site, issued_at: datetime
) -> None:
    hourly = forecast(issued_at, {"ed": 20.0, "icu": 4.0}, note=USUAL)
    young = forecast(issued_at, {"ed": 20.0}, note=f"{USUAL} {TOO_SHORT}").assign(period="PT12H")
    known = pd.concat([hourly, young])
    told = recommend(known, north, settings, issued_at, roster(), paths=steady(issued_at))
    assert told.groupby("unit_id")["note"].agg(set).to_dict() == {
        "ed": {f"{USUAL} {TOO_SHORT}"},
        "icu": {USUAL},
    }


def test_without_sample_paths_a_unit_says_that_its_shifts_are_rougher(
    settings: Settings, north: Site, issued_at: datetime
) -> None:
    census = forecast(issued_at, {"ed": 20.0, "icu": 4.0})
    told = recommend(census, north, settings, issued_at, roster())
    assert set(told["note"]) == {ROUGH_SHIFTS}
    from_paths = recommend(census, north, settings, issued_at, roster(), paths=steady(issued_at))
    assert set(from_paths["note"]) == {""}


def test_waits_that_can_not_be_told_are_said_on_the_eds_rows_and_nowhere_else(
    settings: Settings, north: Site, issued_at: datetime
) -> None:
    census = forecast(issued_at, {"ed": 20.0, "icu": 4.0})
    arrivals = forecast(issued_at, {"ed": 8.0}, hours=100).assign(target="ed_arrivals")
    heads = every_shift(settings, issued_at, ed=6, icu=2)
    told = recommend(
        pd.concat([census, arrivals]), north, settings, issued_at, heads, paths=steady(issued_at)
    )
    assert told.groupby("unit_id")["note"].agg(set).to_dict() == {
        "ed": {"Waiting times could not be told: 72 of 168 hours have no forecast of who comes or is there."},
        "icu": {""},
    }
    assert told["wait_minutes"].isna().all()


def test_a_ward_whose_turnover_is_not_known_says_that_its_work_is_not_counted(
    settings: Settings, north: Site, issued_at: datetime
) -> None:
    (nurse,) = settings.roles.values()
    busy = nurse.model_copy(update={"minutes_per_event": EventMinutes(patient_in=20)})
    minding = settings.model_copy(update={"roles": {"registered_nurse": busy}})
    census = forecast(issued_at, {"ed": 20.0, "icu": 4.0})
    paths = steady(issued_at)
    told = recommend(census, north, minding, issued_at, roster(), paths=paths)
    assert told.groupby("unit_id")["note"].agg(set).to_dict() == {"ed": {""}, "icu": {UNKNOWN_TURNOVER}}
    known = Turnover({"icu": np.zeros(168)}, {})
    told = recommend(census, north, minding, issued_at, roster(), paths=paths, turnover=known)
    assert set(told["note"]) == {""}


def test_a_roster_that_is_unknown_is_missing_and_an_empty_shift_is_zero(
    settings: Settings, north: Site, issued_at: datetime
) -> None:
    known = roster(("ed", "2026-06-02T11:00", 7), ("icu", "2026-05-20T11:00", 3))
    plan = recommend(forecast(issued_at, {"ed": 20.0}), north, settings, issued_at, known)
    night = one(plan, "ed", date(2026, 6, 2), "night")
    assert (night["scheduled"], night["gap"]) == (0, 6)
    assert plan.loc[plan["unit_id"] == "icu", ["scheduled", "gap"]].isna().all(axis=None)


def test_rosters_of_other_sites_and_arrivals_are_passed_over(
    settings: Settings, north: Site, issued_at: datetime
) -> None:
    census = forecast(issued_at, {"ed": 20.0})
    arrivals = census.assign(target="ed_arrivals", value=900.0)
    elsewhere = roster(("ed", "2026-06-02T11:00", 7)).assign(site_id="west")
    plan = recommend(pd.concat([census, arrivals]), north, settings, issued_at, elsewhere)
    assert plan["required"].max() == 6
    assert plan["scheduled"].isna().all()
    assert set(plan["action"]) == {"roster 6", "roster 2"}


def test_a_forecast_that_ends_within_a_shift_says_how_much_it_covers(
    settings: Settings, north: Site, issued_at: datetime
) -> None:
    plan = recommend(forecast(issued_at, {"ed": 20.0}, hours=30), north, settings, issued_at, roster())
    # Issued at 03:00 in New York; thirty hours end at 09:00 on the second day.
    assert "in the 2 of 12 hours forecast" in one(plan, "ed", date(2026, 6, 2), "day")["reason"]
    assert "hours forecast" not in one(plan, "ed", date(2026, 6, 1), "night")["reason"]
    assert "No forecast" in one(plan, "ed", date(2026, 6, 2), "night")["reason"]


def test_columns_are_those_of_the_schema_less_what_the_run_adds(
    settings: Settings, north: Site, issued_at: datetime
) -> None:
    plan = recommend(forecast(issued_at, {"ed": 20.0}), north, settings, issued_at, roster())
    complete = plan.assign(night=NIGHT, mlflow_run_id="m", dag_run_id="d", data_digest="x")
    assert set(STAFFING_RECOMMENDATION.conform(complete).columns) - set(plan.columns) == {
        "night",
        "mlflow_run_id",
        "dag_run_id",
        "data_digest",
    }
    assert plan.columns.tolist() == RECOMMENDATION.columns.names


@pytest.mark.parametrize("change", [{"site_id": "west"}, {"issued_at": datetime(2026, 6, 1, 8, tzinfo=UTC)}])
def test_a_forecast_of_another_site_or_time_is_refused(
    settings: Settings, north: Site, issued_at: datetime, change: dict[str, object]
) -> None:
    strange = forecast(issued_at, {"ed": 20.0}).assign(**change)  # type: ignore[arg-type]
    with pytest.raises(StaffingError, match="the forecast has 880 rows of"):
        recommend(strange, north, settings, issued_at, roster())


def test_a_physician_follows_arrivals_and_says_who_forecast_them(
    settings: Settings, north: Site, issued_at: datetime
) -> None:
    physician = Role(title="ED physician", unit_types=("ed",), arrivals_per_head_hour={"ed": 2.5})
    changed = settings.model_copy(update={"roles": {"ed_physician": physician}})
    census = forecast(issued_at, {"ed": 20.0})
    arrivals = forecast(issued_at, {"ed": 8.0}, note=USUAL).assign(target="ed_arrivals")
    plan = recommend(pd.concat([census, arrivals]), north, changed, issued_at, roster())
    assert set(plan["required"]) == {4}
    assert set(plan["note"]) == {f"{USUAL} {ROUGH_SHIFTS}"}
    assert set(plan["patients_p50"]) == {20.0}


def test_a_shift_whose_block_is_forecast_is_staffed_by_that_mean(
    settings: Settings, north: Site, issued_at: datetime
) -> None:
    averaged = settings.roles["registered_nurse"].model_copy(update={"applies": "average"})
    changed = settings.model_copy(update={"roles": {"registered_nurse": averaged}})
    hours = forecast(issued_at, {"ed": 20.0})
    starts = hours["valid_at"].dt.tz_convert("America/New_York").dt.hour.isin([7, 19])
    blocks = hours[starts].assign(period="PT12H", value=hours.loc[starts, "value"] + 20)
    plan = recommend(pd.concat([hours, blocks]), north, changed, issued_at, roster())
    assert set(plan.loc[plan["unit_id"] == "ed", "required"]) == {11}  # 41 / 4


def test_paths_stand_before_quantiles_and_give_the_highest_hour_itself(
    settings: Settings, north: Site, issued_at: datetime
) -> None:
    """On each path one hour of the day, never the same one, has 40 patients: no hour's own level shows it."""
    hours = pd.date_range(issued_at, periods=220, freq="h", unit="us")
    counts = np.full((24, 1, len(hours)), 20)
    for path in range(24):
        counts[path, 0, path::24] = 40
    census = forecast(issued_at, {"ed": 20.0, "icu": 8.0})
    paths = {Target.BED_CENSUS: SamplePaths(("ed",), hours, counts)}
    known = roster(("ed", "2026-06-02T11:00", 5), ("ed", "2026-06-02T23:00", 10))
    plan = recommend(census, north, settings, issued_at, known, paths=paths)
    day, night = (one(plan, "ed", date(2026, 6, 2), shift) for shift in ("day", "night"))
    assert (day["patients_p50"], day["patients_p90"], day["required"]) == (20, 40, 10)
    assert (day["probability_short"], night["probability_short"]) == (0.5, 0.0)
    assert "in any hour" in day["reason"]
    assert one(plan, "icu", date(2026, 6, 2), "day")["required"] == 5


@effort(max_examples=8, deadline=None)
@given(low=st.floats(0.5, 4), high=st.floats(0.5, 4))
def test_law_dearer_shortness_never_gets_fewer_heads(
    settings: Settings, north: Site, issued_at: datetime, low: float, high: float
) -> None:
    def required(short: float) -> pd.Series:
        cost = {"short": short, "over": 1.0, "allow_below_median": True}
        priced = Settings.model_validate(settings.model_dump() | {"costs": {"default": cost}})
        census = forecast(issued_at, {"ed": 20.0}, hours=60)
        return recommend(census, north, priced, issued_at, roster())["required"]

    cheaper, dearer = sorted((low, high))
    assert (required(dearer) >= required(cheaper)).all()


@effort(max_examples=8, deadline=None)
@given(patients=st.floats(0, 60), more=st.floats(0, 30))
def test_law_more_patients_never_get_fewer_heads(
    settings: Settings, north: Site, issued_at: datetime, patients: float, more: float
) -> None:
    few, many = (
        recommend(forecast(issued_at, {"ed": census}, hours=60), north, settings, issued_at, roster())
        for census in (patients, patients + more)
    )
    assert (many["required"] >= few["required"]).all()
    assert str(many["required"].dtype) == "int64"
    assert (few["required"] >= settings.roles["registered_nurse"].minimum_heads).all()


@effort(max_examples=15, deadline=None)
@given(night=st.dates(date(2026, 1, 1), date(2027, 12, 31)))
def test_law_any_night_of_the_year_plans_seven_whole_days(settings: Settings, night: date) -> None:
    issued_at = settings.issued_at(night)
    for site in settings.sites:
        plan = recommend(FORECAST.empty(), site, settings, issued_at, roster())
        assert len(plan) == len(site.units) * 7 * len(settings.shifts)
        assert (plan["shift_start"] >= issued_at).all()
