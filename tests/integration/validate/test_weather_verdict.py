"""What is said of the weather, and that it never blocks a night."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pandas as pd
import pytest

from forecasting.schema import WEATHER
from forecasting.validate import Verdict

pytestmark = pytest.mark.integration

Tables = dict[str, pd.DataFrame]
Judge = Callable[..., Verdict]
ISSUED_AT = pd.Timestamp(datetime(2026, 3, 1, 8, tzinfo=UTC))


def weather(days_before: int = 30, days_ahead: int = 8) -> pd.DataFrame:
    start, days = ISSUED_AT - pd.Timedelta(days=days_before), days_before + days_ahead
    hours = pd.date_range(start, periods=24 * days, freq="h")
    rows = {"site_id": "north", "issued_at": start, "valid_at": hours, "temperature_c": 4.0}
    return WEATHER.conform(pd.DataFrame(rows))


def failed(verdict: Verdict) -> dict[str, str]:
    rows = verdict.results[~verdict.results["success"]]
    return dict(zip(rows["expectation"], rows["detail"], strict=True))


def test_weather_that_is_whole_is_passed_on(tables: Tables, judge_night: Judge) -> None:
    verdict = judge_night({**tables, WEATHER.name: weather()})
    assert (verdict.state, verdict.why) == ("clean", "")
    pd.testing.assert_frame_equal(verdict.tables[WEATHER.name], weather())


def test_without_any_configured_nothing_is_said_of_it(tables: Tables, judge_night: Judge) -> None:
    verdict = judge_night(tables)
    assert WEATHER.name not in verdict.tables
    assert not verdict.results["table_name"].str.startswith(WEATHER.name).any()


def test_a_feed_that_told_nothing_warns(tables: Tables, judge_night: Judge) -> None:
    verdict = judge_night({**tables, WEATHER.name: WEATHER.empty()})
    assert verdict.state == "warned"
    assert set(failed(verdict)) == {"recent_hours_are_told", "days_ahead_are_told"}
    assert "100% of the last 28 days' hours" in verdict.why


def test_impossible_temperatures_and_gaps_are_counted(tables: Tables, judge_night: Judge) -> None:
    rows = weather(days_ahead=0)
    rows.loc[rows.index[:240], "temperature_c"] = -999.0
    verdict = judge_night({**tables, WEATHER.name: rows})
    said = failed(verdict)
    assert said["temperature_is_plausible"].startswith("240 temperatures")
    assert "29% of the last 28 days' hours" in said["recent_hours_are_told"]
    assert said["days_ahead_are_told"].startswith("The weather is told 0 hours ahead")
    assert len(verdict.tables[WEATHER.name]) == len(rows) - 240
