from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecasting.simulate.clock import HOUR, wall_clock

pytestmark = pytest.mark.unit

ZONES = [
    "America/New_York",
    "Europe/London",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "UTC",
    "America/Santiago",
]


def test_local_days_have_23_24_or_25_hours() -> None:
    first, last = pd.Timestamp("2024-01-01", tz="UTC"), pd.Timestamp("2024-12-31", tz="UTC")
    clock = wall_clock(ZoneInfo("America/New_York"), first, last)
    hours = pd.Series(clock.day).value_counts().sort_index().set_axis(clock.dates)
    assert hours["2024-03-10"] == 23
    assert hours["2024-11-03"] == 25
    assert set(hours.drop([pd.Timestamp("2024-03-10"), pd.Timestamp("2024-11-03")])) == {24}


def test_it_spans_whole_local_days() -> None:
    zone = ZoneInfo("America/Los_Angeles")
    clock = wall_clock(zone, pd.Timestamp("2024-05-05 03:00", tz="UTC"), pd.Timestamp("2024-05-06", tz="UTC"))
    assert clock.hours[0].tz_convert(zone) == pd.Timestamp("2024-05-04 00:00", tz=zone)
    assert clock.hours[-1].tz_convert(zone) == pd.Timestamp("2024-05-05 23:00", tz=zone)


@settings(deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    day=st.integers(1, 364),
    second=st.integers(4 * HOUR, 24 * HOUR - 1),  # after the hours that clock changes skip or repeat
)
def test_the_wall_clock_shows_the_asked_time(zone: str, day: int, second: int) -> None:
    first, last = pd.Timestamp("2023-12-31 12:00", tz="UTC"), pd.Timestamp("2025-01-03", tz="UTC")
    clock = wall_clock(ZoneInfo(zone), first, last)
    instant = clock.instants(clock.at_local(np.array([day]), np.array([second])))[0]
    shown = instant.tz_convert(zone).tz_localize(None)
    assert shown == clock.dates[day] + pd.Timedelta(seconds=second)
