from __future__ import annotations

import io
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from rich.console import Console

from forecasting.config import Settings
from forecasting.report import plan_table, print_plan
from forecasting.schema import STAFFING_RECOMMENDATION
from forecasting.wording import TO

pytestmark = pytest.mark.unit

DAY = date(2026, 6, 2)
STARTS = {"day": datetime(2026, 6, 2, 11, tzinfo=UTC), "night": datetime(2026, 6, 2, 23, tzinfo=UTC)}


def recommendation(unit_id: str = "ed", shift: str = "day", **changes: Any) -> dict[str, Any]:
    row = {
        "issued_at": datetime(2026, 6, 1, 7, tzinfo=UTC),
        "night": date(2026, 6, 1),
        "site_id": "north",
        "unit_id": unit_id,
        "role": "registered_nurse",
        "shift": shift,
        "shift_date": DAY,
        "shift_start": STARTS[shift],
        "shift_end": STARTS[shift] + timedelta(hours=12),
        "patients_p10": 24.2,
        "patients_p50": 28.4,
        "patients_p90": 33.1,
        "required": 8,
        "scheduled": 8,
        "recommended": 8,
        "gap": 0,
        "action": "keep",
        "probability_short": 0.18,
        "expected_cost": 4608.0,
        "expected_cost_scheduled": 4608.0,
        "short_hours": 0.0,
        "wait_minutes": 6.4,
        "wait_minutes_scheduled": 6.4,
        "left_unseen": 0.01,
        "left_unseen_scheduled": 0.01,
        "relief": "",
        "rule_id": "registered_nurse_ed",
        "quantile_level": 0.75,
        "reason": "At most 31 patients expected at 16:00 (3 in 4 sure); 1 registered nurse per 4 → 8; "
        "8 scheduled: as required.",
        "note": "",
        "model": "tft",
        "model_version": "3",
        "mlflow_run_id": None,
        "dag_run_id": None,
        "data_digest": None,
    }
    return row | changes


def short(unit_id: str = "ed", shift: str = "day", **changes: Any) -> dict[str, Any]:
    reason = recommendation()["reason"].replace("8 scheduled: as required", "6 scheduled: 2 short")
    told: dict[str, Any] = {"scheduled": 6, "gap": 2, "recommended": 7, "action": "add 1; on-call as needed"}
    return recommendation(unit_id, shift, **told | {"reason": reason} | changes)


def printed(settings: Settings, *rows: dict[str, Any], day: date | None = DAY, width: int = 100) -> str:
    page = io.StringIO()
    frame = STAFFING_RECOMMENDATION.conform(pd.DataFrame(rows, columns=STAFFING_RECOMMENDATION.columns.names))
    print_plan(frame, settings, day, Console(file=page, width=width))
    return page.getvalue()


def line(text: str, beginning: str) -> str:
    return next(line.strip() for line in text.splitlines() if line.strip().startswith(beginning))


def test_a_shift_reads_as_a_row(settings: Settings) -> None:
    text = printed(settings, recommendation())
    assert "North, Tuesday 2 June 2026   issued Mon 1 Jun 03:00, times in America/New_York" in text
    assert f"Day 07:00{TO}19:00" in text
    assert line(text, "Emergency").split("  ")[0] == "Emergency"
    assert line(text, "Emergency").split()[1:] == [
        "Registered",
        "nurse",
        "28",
        f"(24{TO}33)",
        "8",
        "8",
        "keep",
        "18",
        "%",
    ]
    assert "nothing short" in text


def test_a_shortage_is_counted_marked_and_explained(settings: Settings) -> None:
    text = printed(settings, short(), recommendation("icu"))
    assert "2 heads short, in 1 of 2 posts" in text
    assert "add 1 → 7" in line(text, "Emergency")
    told = " ".join(text.split("Why\n")[1].split())
    assert told.startswith(
        "Emergency, Registered nurse, day: Add 1; on-call as needed. At most 31 patients expected at 16:00 "
        "(3 in 4 sure); 1 registered nurse per 4 → 8; 6 scheduled: 2 short."
    )


def test_the_cheapest_relief_is_told_where_a_need_cant_be_met(settings: Settings) -> None:
    text = printed(settings, short(relief="1 missing; cheapest relief: 1 more own head on day for 864"))
    told = " ".join(text.split())
    assert "2 short. 1 missing; cheapest relief: 1 more own head on day for 864." in told


def test_what_the_plan_costs_and_how_long_patients_wait_stand_beside_the_roster(settings: Settings) -> None:
    changes: dict[str, Any] = {"expected_cost": 4000.0, "expected_cost_scheduled": 4500.4}
    changes |= {"wait_minutes_scheduled": 31.0, "left_unseen_scheduled": 0.07}
    text = " ".join(printed(settings, short(**changes), recommendation("icu", left_unseen=None)).split())
    assert "expected cost 8,608 as advised, 9,108 as scheduled, missing heads included" in text
    assert (
        "Waiting Emergency, Registered nurse, day: 6 minutes until seen, 1 % leave unseen; "
        "as scheduled 31 minutes until seen, 7 % leave unseen." in text
    )
    assert "Intensive care, Registered nurse, day: 6 minutes" not in text
    alone = printed(settings, short(**changes | {"wait_minutes_scheduled": None}))
    assert "as scheduled nobody is seen." in " ".join(alone.split())


def test_a_float_pool_has_its_line_and_is_no_post_without_rule(settings: Settings) -> None:
    pool = {"pool_id": "float", "name": "Float pool", "role": "registered_nurse", "units": ["icu"], "most": 3}
    content = settings.model_dump()
    first, *others = content["sites"]
    pooled = Settings.model_validate(content | {"sites": [first | {"float_pools": [pool]}, *others]})
    nothing: dict[str, Any] = dict.fromkeys(
        ("patients_p10", "patients_p50", "patients_p90", "required", "scheduled", "gap", "probability_short")
    )
    row = recommendation("float", **nothing | {"recommended": 2, "action": "roster 2"})
    text = printed(pooled, recommendation(), row)
    assert line(text, "Float pool").split() == [
        "Float",
        "pool",
        "Registered",
        "nurse",
        "unknown",
        "roster",
        "2",
    ]
    assert "nothing short" in text
    assert "No forecast" not in text


def test_a_shortage_is_red_where_there_are_colours(settings: Settings) -> None:
    page = io.StringIO()
    frame = STAFFING_RECOMMENDATION.conform(pd.DataFrame([short()]))
    print_plan(
        frame, settings, DAY, Console(file=page, force_terminal=True, color_system="standard", width=100)
    )
    assert "\x1b[1;31madd 1 → 7\x1b[0m" in page.getvalue()
    assert "\x1b" not in printed(settings, short())


def test_where_the_baseline_spoke_it_is_told_once_for_all_units(settings: Settings) -> None:
    spoken = "The usual pattern of past weeks speaks here: no model is trained yet."
    rough = "Waiting times could not be told: nobody is expected in Emergency."
    notes = {"ed": f"{spoken} {rough}", "icu": spoken}
    rows = [
        recommendation(unit, shift, note=note) for unit, note in notes.items() for shift in ("day", "night")
    ]
    text = printed(settings, *rows)
    assert text.count("no model is trained yet") == 1
    assert line(text, "All units") == f"All units: {spoken}"
    assert line(text, "Emergency: Waiting") == f"Emergency: {rough}"


def test_what_is_not_known_is_said_and_not_shown_as_zero(settings: Settings) -> None:
    unknown: dict[str, Any] = {
        "patients_p10": None,
        "patients_p50": None,
        "patients_p90": None,
        "probability_short": None,
        "model": None,
    }
    text = printed(
        settings,
        recommendation("ed", scheduled=None, gap=None, probability_short=None, action="roster 8"),
        recommendation("icu", required=2, scheduled=5, recommended=5, gap=-3, **unknown),
    )
    assert line(text, "Emergency").split()[-4:] == ["8", "unknown", "roster", "8"]
    assert "no roster known for 1 of 2" in text
    assert line(text, "Intensive care").split()[-4:] == ["unknown", "2", "5", "keep"]
    assert "Intensive care: No forecast: the plan holds the minimum." in text
    assert "release" not in text


def test_heads_by_arrivals_are_forecast_though_no_census_is_known(settings: Settings) -> None:
    patients: dict[str, Any] = dict.fromkeys(["patients_p10", "patients_p50", "patients_p90"])
    text = printed(settings, recommendation(required=5, scheduled=6, gap=-1, model="glm", **patients))
    assert line(text, "Emergency").split()[3:7] == ["unknown", "5", "6", "keep"]
    assert "No forecast" not in text


def test_where_no_rule_holds_it_is_said_and_why(settings: Settings) -> None:
    without: dict[str, Any] = {"required": None, "recommended": None, "gap": None, "rule_id": None}
    why = "No rule for Registered nurse in units of type icu on 2026-06-02: waiver ended on 2026-06-01."
    rows = [
        recommendation("icu", shift, **without, probability_short=None, reason=why)
        for shift in ("day", "night")
    ]
    text = printed(settings, recommendation(), *rows)
    assert "nothing short; no rule for 2 of 3" in text
    assert "no rule" in line(text, "Intensive care")
    assert text.count("waiver ended on 2026-06-01") == 1


@pytest.mark.parametrize(
    ("risk", "told"), [(0.05, "≤5 %"), (0.95, "≥95 %"), (0.5, "50 %"), (1.0, "≥95 %"), (0.0, "≤5 %")]
)
def test_a_risk_is_told_as_far_as_it_is_known(settings: Settings, risk: float, told: str) -> None:
    text = printed(settings, recommendation(probability_short=risk))
    assert line(text, "Emergency").endswith(f"  {told}")


def test_each_site_has_its_page_and_a_missing_day_is_named(settings: Settings) -> None:
    text = printed(settings, recommendation(), day=date(2026, 7, 1))
    assert "no plan for 2026-07-01; it covers 2026-06-02 to 2026-06-02" in text
    assert text.rstrip().endswith("West\n  no plan")


def test_without_a_day_the_first_one_is_shown(settings: Settings) -> None:
    later: dict[str, Any] = {
        "shift_date": DAY + timedelta(days=1),
        "shift_start": STARTS["day"] + timedelta(days=1),
        "shift_end": STARTS["day"] + timedelta(days=1, hours=12),
    }
    text = printed(settings, recommendation(), short(**later), day=None)
    assert "Tuesday 2 June" in text
    assert "nothing short" in text


def test_the_table_holds_the_rows_of_its_day_in_order(settings: Settings) -> None:
    rows = [recommendation(unit, shift) for shift in ("night", "day") for unit in ("icu", "ed")]
    table = plan_table(
        STAFFING_RECOMMENDATION.conform(pd.DataFrame(rows)), settings, settings.site("north"), DAY
    )
    first_column = [str(cell) for cell in table.columns[0].cells]
    assert first_column == [
        f"Day 07:00{TO}19:00",
        "  Emergency",
        "  Intensive care",
        f"Night 19:00{TO}07:00",
        "  Emergency",
        "  Intensive care",
    ]


@pytest.mark.parametrize("width", [80, 100])
def test_no_line_is_wider_than_the_page_and_no_row_is_broken(settings: Settings, width: int) -> None:
    text = printed(settings, short(), recommendation("icu", "night"), width=width)
    assert max(map(len, text.splitlines())) <= width
    assert "Registered nurse" in line(text, "Emergency")
