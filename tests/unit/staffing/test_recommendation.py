from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from forecasting.config import Settings, Site
from forecasting.schema import FORECAST, SCHEDULED_SHIFT, STAFFING_RECOMMENDATION
from forecasting.staffing import recommend
from forecasting.staffing.recommendation import RECOMMENDATION, StaffingError

pytestmark = pytest.mark.unit

NIGHT = date(2026, 6, 1)


@pytest.fixture(scope="module")
def north(settings: Settings) -> Site:
    return settings.site("north")


@pytest.fixture(scope="module")
def issued_at(settings: Settings) -> datetime:
    return settings.issued_at(NIGHT)


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
    assert day[["patients_p10", "patients_p50", "patients_p90"]].tolist() == pytest.approx([26.1, 29.0, 31.9])
    assert (day["model"], day["model_version"]) == ("tft", "3")
    assert day["shift_start"] == datetime(2026, 6, 2, 11, tzinfo=UTC)

    assert one(plan, "icu", date(2026, 6, 2), "day")["reason"] == (
        "At most 8 patients expected at 16:00 (3 in 4 sure); "
        "1 registered nurse per 2 → 4; 5 scheduled: 1 more than required."
    )


def test_every_unit_role_and_shift_of_seven_days_is_there_once(
    settings: Settings, north: Site, issued_at: datetime
) -> None:
    plan = recommend(forecast(issued_at, {"ed": 20.0}), north, settings, issued_at, roster())
    days = [date(2026, 6, 1) + timedelta(days=number) for number in range(7)]
    keys = plan[["unit_id", "role", "shift_date", "shift"]].itertuples(index=False, name=None)
    assert sorted(keys) == sorted(
        itertools.product(["ed", "icu"], ["registered_nurse"], days, ["day", "night"])
    )


def test_a_role_without_a_ratio_for_the_unit_has_no_row(settings: Settings, issued_at: datetime) -> None:
    nurse = settings.roles["registered_nurse"]
    ed_only = nurse.model_copy(update={"patients_per_head": {"ed": 4.0}})
    narrowed = settings.model_copy(update={"roles": {"triage_nurse": ed_only}})
    plan = recommend(FORECAST.empty(), narrowed.site("north"), narrowed, issued_at, roster())
    assert set(plan["unit_id"]) == {"ed"}


def test_a_unit_without_forecast_gets_its_minimum_and_says_so(
    settings: Settings, north: Site, issued_at: datetime
) -> None:
    plan = recommend(FORECAST.empty(), north, settings, issued_at, roster(("icu", "2026-06-02T11:00", 1)))
    row = one(plan, "icu", date(2026, 6, 2), "day")
    assert row["required"] == 2
    assert row["reason"] == "No forecast for this unit, so the minimum of 2; 1 scheduled: 1 short."
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
    spoken = forecast(issued_at, {"ed": 20.0}, note="no model is trained yet")
    plan = recommend(spoken, north, settings, issued_at, roster())
    of_ed = plan[plan["unit_id"] == "ed"]
    assert (of_ed["note"] == "Forecast by climatology: no model is trained yet.").all()


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


@effort(max_examples=20, deadline=None)
@given(patients=st.floats(0, 60), more=st.floats(0, 30))
def test_law_more_patients_never_get_fewer_heads(
    settings: Settings, north: Site, issued_at: datetime, patients: float, more: float
) -> None:
    few, many = (
        recommend(forecast(issued_at, {"ed": census}, hours=60), north, settings, issued_at, roster())
        for census in (patients, patients + more)
    )
    assert (many["required"] >= few["required"]).all()
    assert (few["required"] >= settings.roles["registered_nurse"].minimum_heads).all()


@effort(max_examples=25, deadline=None)
@given(night=st.dates(date(2026, 1, 1), date(2027, 12, 31)))
def test_law_any_night_of_the_year_plans_seven_whole_days(settings: Settings, night: date) -> None:
    issued_at = settings.issued_at(night)
    for site in settings.sites:
        plan = recommend(FORECAST.empty(), site, settings, issued_at, roster())
        assert len(plan) == len(site.units) * 7 * len(settings.shifts)
        assert (plan["shift_start"] >= issued_at).all()
