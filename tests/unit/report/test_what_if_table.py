"""The difference that a scenario makes, as the log and the terminal show it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from io import StringIO
from typing import Any

import pandas as pd
import pytest
from rich.console import Console

from forecasting.config import FloatPool, Settings
from forecasting.report import difference_markdown, difference_totals, differences, print_difference
from forecasting.schema import SCENARIO, STAFFING_RECOMMENDATION

pytestmark = pytest.mark.unit

NIGHT = date(2026, 6, 10)
ISSUED_AT = datetime(2026, 6, 10, 7, tzinfo=UTC)
POSTS = [("ed", "day"), ("ed", "night"), ("icu", "day")]


def rows(required: list[int | None], scheduled: list[int | None], days: int = 2) -> pd.DataFrame:
    """The same heads on each day, by post."""
    told: list[dict[str, Any]] = [
        dict.fromkeys(STAFFING_RECOMMENDATION.columns.names)
        | {
            "issued_at": ISSUED_AT,
            "night": NIGHT,
            "site_id": "north",
            "unit_id": unit_id,
            "role": "registered_nurse",
            "shift": shift,
            "shift_date": NIGHT + timedelta(days=day),
            "shift_start": ISSUED_AT + timedelta(days=day, hours=4 if shift == "day" else 16),
            "shift_end": ISSUED_AT + timedelta(days=day, hours=16 if shift == "day" else 28),
            "required": need,
            "recommended": need,
            "scheduled": there,
            "gap": None if need is None or there is None else need - there,
            "reason": f"{unit_id} {shift} needs {need}",
        }
        for day in range(days)
        for (unit_id, shift), need, there in zip(POSTS, required, scheduled, strict=True)
    ]
    return STAFFING_RECOMMENDATION.conform(pd.DataFrame(told))


def asked(**changes: Any) -> pd.DataFrame:
    row = {
        "scenario_id": "abc123",
        "site_id": "north",
        "night": NIGHT,
        "issued_at": ISSUED_AT,
        "title": "",
        "arrivals": 0.0,
        "census": 0.0,
        "stay": 0.0,
        "absence": 0.0,
        "closed_beds": "",
        "ratio_set": None,
        "remarks": "",
        "output_digest": "d41d",
        "config_digest": "c0ff",
        "mlflow_run_id": "run",
        "dag_run_id": "manual",
        "made_at": ISSUED_AT,
    }
    return SCENARIO.conform(pd.DataFrame([row | changes]))


def printed(published: pd.DataFrame, scenario: pd.DataFrame, row: pd.DataFrame, settings: Settings) -> str:
    console = Console(file=StringIO(), width=110, color_system=None)
    print_difference(published, scenario, row, settings, console)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def line_of(text: str, *parts: str) -> str:
    (found,) = (line for line in text.splitlines() if all(part in line for part in parts))
    return " ".join(found.split())


def test_a_manager_reads_heads_before_and_after_with_totals(settings: Settings) -> None:
    published, scenario = rows([8, 6, 4], [7, 6, 5]), rows([10, 7, 2], [6, 6, 5])
    text = printed(published, scenario, asked(arrivals=0.2, absence=0.1, title="Heat wave"), settings)
    assert "Heat wave: arrivals +20 %, 10 % of heads absent" in text
    assert "night 2026-06-10; scenario abc123" in text
    assert line_of(text, "Emergency  ", "day") == (
        "Emergency Registered nurse day 16 → 20 16 → 20 14 → 12 2 → 8"
    )
    assert line_of(text, "night", "12 →") == "night 12 → 14 12 → 14 12 0 → 2"
    # Heads over in one unit make up for none that are missing in another.
    assert line_of(text, "All") == "All 36 → 38 36 → 38 36 → 34 2 → 10"
    assert "Wed 10 Jun day, Emergency, Registered nurse: ed day needs 10" in text
    assert "icu day needs" not in text


def test_the_shift_that_misses_most_more_is_told_first_and_no_more_than_five(settings: Settings) -> None:
    published = rows([8, 6, 4], [8, 6, 4], days=7)
    scenario = rows([9, 6, 7], [8, 6, 4], days=7)
    text = printed(published, scenario, asked(closed_beds="icu=4"), settings)
    told = [line for line in text.splitlines() if " needs " in line]
    assert len(told) == 5
    assert all("icu day needs 7" in line for line in told)


def test_remarks_and_what_is_not_known_are_said(settings: Settings) -> None:
    published, scenario = rows([8, None, 4], [None, 6, 5]), rows([8, 3, 4], [None, 6, 5])
    text = printed(published, scenario, asked(remarks="The first.\nThe second."), settings)
    assert "nothing changed" in text
    assert line_of(text, "Emergency  ", "day").endswith("16 16 unknown unknown")
    assert line_of(text, "unknown →").startswith("night unknown → 6 unknown → 6 12")
    assert "  The first." in text.splitlines()[-3] + text.splitlines()[-4]
    assert "  The second." in text


def test_totals_and_the_page_of_the_run_agree(settings: Settings) -> None:
    published, scenario = rows([8, 6, 4], [7, 6, 5]), rows([10, 7, 2], [6, 6, 5])
    totals = difference_totals(published, scenario)
    (row,) = totals.to_dict("records")
    assert (row["required_before"], row["required_after"]) == (36, 38)
    assert (row["short_before"], row["short_after"]) == (2, 10)
    page = difference_markdown(totals, asked(ratio_set="uk", remarks="The first."))
    assert "**north**: ratio set uk" in page
    assert "| north | 36 → 38 | 36 → 38 | 36 → 34 | 2 → 10 |" in page
    assert "* north: The first." in page


def test_a_row_that_only_one_of_the_two_has_is_kept() -> None:
    published, scenario = rows([8, 6, 4], [7, 6, 5]), rows([8, 6, 4], [7, 6, 5])
    both = differences(published.iloc[1:], scenario)
    assert len(both) == len(scenario)
    assert both["required_before"].isna().sum() == 1


def test_costs_and_waits_are_told_where_they_are_known(settings: Settings) -> None:
    priced = {"expected_cost": 100.0, "expected_cost_scheduled": 150.0, "short_hours": 2.0}
    at_ed = {
        "wait_minutes": 10.0,
        "wait_minutes_scheduled": 30.0,
        "left_unseen": 0.01,
        "left_unseen_scheduled": 0.05,
    }
    published = rows([8, 6, 4], [7, 6, 5]).assign(**priced, **at_ed)
    scenario = rows([10, 7, 2], [6, 6, 5]).assign(**priced, **{**at_ed, "wait_minutes_scheduled": 55.0})
    text = printed(published, scenario.assign(expected_cost=200.0), asked(arrivals=0.2), settings)
    assert "as advised: 600 → 1,200" in text
    assert "with the roster alone: 900" in text
    assert "head-hours missing as advised: 12 h" in text
    assert "Registered nurse, with the roster alone: 30 → 55 minutes until seen, 5 % leave unseen" in text
    assert "What it costs" not in printed(
        rows([8, 6, 4], [7, 6, 5]), rows([8, 6, 4], [7, 6, 5]), asked(), settings
    )


def test_a_float_pool_stands_below_the_units(settings: Settings) -> None:
    pool = FloatPool(pool_id="float", name="Float pool", role="registered_nurse", units=("ed", "icu"), most=4)
    north = settings.site("north").model_copy(update={"float_pools": (pool,)})
    with_pool = settings.model_copy(update={"sites": (north, settings.site("west"))})
    plan = rows([8, 6, 4], [7, 6, 5])
    floating = plan[plan["unit_id"] == "icu"].assign(unit_id="float", required=None, gap=None, scheduled=2)
    both = STAFFING_RECOMMENDATION.conform(pd.concat([plan, floating]))
    text = printed(both, both, asked(), with_pool)
    assert line_of(text, "Float pool") == "Float pool Registered nurse day 8 4"
