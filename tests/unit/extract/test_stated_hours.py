"""What an hourly table's rows come to, on whatever clock: nothing is invented, and nothing lost unsaid."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecasting.extract.clock import SourceClock
from forecasting.extract.stated import Stated, daily_units, stated_hours, totals_among

pytestmark = pytest.mark.unit

ZONES = ["UTC", "America/New_York", "Europe/London", "Asia/Kolkata", "Etc/GMT+6"]
CHANGES = [datetime(2026, 3, 8), datetime(2026, 11, 1), datetime(2026, 10, 25), datetime(2026, 4, 5)]  # noqa: DTZ001
LAST = pd.Timestamp("2026-12-31 23:00", tz=UTC)


def rows_of(labels: pd.DatetimeIndex, counts: list[int], times: list[int]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "unit_id": pd.Series(["icu"] * len(labels), dtype="str"),
            "source_time": labels,
            "source_rows": [float(time) for time in times],
            "stated": [float(time) for time in times],
            "numbers": [float(time) for time in times],
            "lowest": [float(count) for count in counts],
            "highest": [float(count) for count in counts],
        }
    )


@settings(deadline=None, max_examples=40)
@given(
    zone=st.sampled_from(ZONES),
    day=st.sampled_from(CHANGES),
    counts=st.lists(st.integers(0, 50), min_size=1, max_size=48),
    shift=st.sampled_from([-1, 0, 1]),
    twice=st.lists(st.booleans(), min_size=48, max_size=48),
)
def test_each_label_is_one_known_hour_two_or_a_defect(
    zone: str, day: datetime, counts: list[int], shift: int, twice: list[bool]
) -> None:
    labels = pd.date_range(day, periods=len(counts), freq="h")
    times = [1 + again for again in twice[: len(counts)]]
    stated = stated_hours(rows_of(labels, counts, times), SourceClock(ZoneInfo(zone)), shift, LAST)
    known = stated.hours.dropna(subset=["value"])
    assert not stated.hours.duplicated(["unit_id", "valid_at"]).any()
    assert stated.hours["valid_at"].eq(stated.hours["valid_at"].dt.floor("h")).all()
    assert set(known["value"]) <= set(map(float, counts))
    lost = stated.defects[stated.defects["defect"].isin(["hour_was_twice", "hour_never_was"])]
    zeros = sum(count == 0 for count in counts)
    assert len(labels) - len(lost) - zeros <= len(known) <= len(labels) + len(lost) + sum(twice)
    assert set(stated.defects["defect"]) <= {"hour_was_twice", "hour_never_was", "duplicate_hour"}


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "Australia/Lord_Howe"])
def test_hours_of_a_half_hours_zone_are_those_in_which_they_begin(zone: str) -> None:
    labels = pd.date_range("2026-04-04", periods=72, freq="h")
    clock = SourceClock(ZoneInfo(zone))
    stated = stated_hours(rows_of(labels, list(range(72)), [1] * 72), clock, 0, LAST)
    begins = clock.nearest(labels.to_series()).iloc[0]
    assert stated.hours["valid_at"].iloc[0] == begins.floor("h")
    assert stated.hours["valid_at"].is_unique


def test_no_rows_come_to_nothing() -> None:
    stated = stated_hours(rows_of(pd.DatetimeIndex([]), [], []), SourceClock(ZoneInfo("UTC")), 0, LAST)
    assert stated.hours.empty
    assert stated.defects.empty


def test_a_fraction_of_a_patient_is_rounded_and_told() -> None:
    rows = rows_of(pd.date_range("2026-05-01", periods=2, freq="h"), [3, 4], [1, 1])
    rows["highest"] = rows["lowest"] = [3.6, 4.0]
    stated = stated_hours(rows, SourceClock(ZoneInfo("UTC")), 0, LAST)
    assert list(stated.hours["value"]) == [4, 4]
    assert list(stated.defects["defect"]) == ["not_whole"]


def test_a_total_is_told_from_a_unit() -> None:
    hours = pd.date_range("2026-05-01", periods=100, freq="h", tz=UTC)
    random = np.random.default_rng(1)
    a, b, other = random.integers(1, 9, (3, 100)).astype(float)
    table = pd.concat(
        pd.DataFrame({"unit_id": name, "valid_at": hours, "value": values})
        for name, values in {"a": a, "b": b, "all": a + b, "new": other}.items()
    )
    assert totals_among(table, ["a", "b"]) == ["all"]
    assert totals_among(table, ["a", "b", "all", "new"]) == []
    assert totals_among(table.head(100), ["a"]) == []


def test_a_unit_counted_once_a_day_is_told_from_one_with_long_gaps() -> None:
    hours = pd.date_range("2026-05-01", periods=1000, freq="h", tz=UTC)
    daily = pd.DataFrame({"unit_id": "daily", "valid_at": hours[::24], "value": 5.0})
    gappy = pd.DataFrame({"unit_id": "gappy", "valid_at": hours, "value": 5.0})
    gappy["value"] = gappy["value"].mask(hours.day % 3 == 0)
    both = pd.concat([daily, gappy])
    assert daily_units(both) == ["daily"]
    left = Stated(both, pd.DataFrame()).without(["daily"], "once_a_day")
    assert set(left.hours["unit_id"]) == {"gappy"}
    assert left.defects["source_rows"].sum() == len(daily)
