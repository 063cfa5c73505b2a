"""Each example worked by hand in docs/recommendation.md, worked out again from what the page says."""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from forecasting.config import Settings
from forecasting.rules import rule_book
from forecasting.schema import FORECAST, SCHEDULED_SHIFT
from forecasting.staffing import Turnover, recommend

pytestmark = pytest.mark.unit

PAGE = Path(__file__).parents[3] / "docs" / "recommendation.md"
CONFIG = Path(__file__).parents[2] / "hospital.toml"
LEVELS = ("0.05", "0.1", "0.25", "0.5", "0.75", "0.9", "0.95")
PLANNED = {
    "recommended": "recommended",
    "action": "action",
    "expected_cost": "cost",
    "expected_cost_scheduled": "cost_scheduled",
}
"""Columns of the plan, by the examples' keys."""
DAY = date(2026, 6, 2)
SEVEN = datetime(2026, 6, 2, 11, tzinfo=UTC)  # in New York

EXAMPLE = re.compile(r"^### ([^\n]+)\n.*?```toml\n(.*?)```", re.MULTILINE | re.DOTALL)
EXAMPLES = {
    title: tomllib.loads(block)
    for title, block in re.findall(
        r"^### ([^\n]+)\n.*?```toml\n(.*?)```", PAGE.read_text(), re.MULTILINE | re.DOTALL
    )
}


def configured(example: dict[str, Any]) -> Settings:
    """The test hospitals, their first unit as in the example."""
    content = tomllib.loads(CONFIG.read_text())
    site = content["sites"][0]
    site["units"] = [site["units"][0] | example.get("unit", {})]
    if "ratio_set" in example:
        site["ratio_set"] = example["ratio_set"]
    content |= {"sites": [site], "roles": example["roles"], "costs": example.get("costs", {})}
    return Settings.model_validate(content)


def forecast(settings: Settings, issued_at: datetime, shift: dict[str, Any]) -> pd.DataFrame:
    by_level = shift.get("quantiles", {})
    rows = [
        {
            "issued_at": issued_at,
            "site_id": "north",
            "unit_id": "ed",
            "target": target,
            "period": "PT1H",
            "valid_at": SEVEN + timedelta(hours=hour),
            "quantile": float(level),
            "value": value,
            "model": "tft",
            "model_version": "1",
            "note": "",
        }
        for target, values in (
            ("bed_census", {level: shift.get("patients", [by_level.get(level, 0)] * 12) for level in LEVELS}),
            ("ed_arrivals", {level: shift.get("arrivals", [0] * 12) for level in LEVELS}),
        )
        for level in LEVELS
        for hour, value in enumerate(values[level])
    ]
    return FORECAST.conform(pd.DataFrame(rows))


def roster(shift: dict[str, Any]) -> pd.DataFrame:
    if "scheduled" not in shift:
        return SCHEDULED_SHIFT.empty()
    row = {"site_id": "north", "unit_id": "ed", "role": "registered_nurse", "heads": shift["scheduled"]}
    row |= {"shift_start": SEVEN, "shift_end": SEVEN + timedelta(hours=12)}
    return SCHEDULED_SHIFT.conform(pd.DataFrame([row]))


@pytest.mark.parametrize("title", EXAMPLES)
def test_the_page_and_the_program_agree(title: str) -> None:
    example = EXAMPLES[title]
    shift = example["shift"]
    settings = configured(example)
    issued_at = settings.issued_at(date(2026, 6, 1))
    events = {"ed": np.full(168, shift.get("come_and_go", 0.0))}
    plan = recommend(
        forecast(settings, issued_at, shift),
        settings.sites[0],
        settings,
        issued_at,
        roster(shift),
        rule_book(settings),
        turnover=Turnover(events, events),
    )
    row = plan[(plan["shift_date"] == DAY) & (plan["shift"] == "day")].iloc[0]
    assert row["required"] == shift["required"]
    assert row["reason"] == shift["reason"]
    for column, key in PLANNED.items():
        if key in shift:
            assert row[column] == (pytest.approx(shift[key]) if "cost" in key else shift[key])
    if "risk" in shift:
        assert row["probability_short"] == pytest.approx(shift["risk"])


def test_every_kind_of_rule_has_its_example() -> None:
    text = PAGE.read_text()
    for key in (
        "patients_per_head",
        "hours_per_patient_day",
        "arrivals_per_head_hour",
        "at all times",
        "average",
    ):
        assert key in text
    assert len(EXAMPLES) == text.count("```toml") == 11
