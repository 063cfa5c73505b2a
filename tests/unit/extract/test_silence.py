from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.extract import silence
from forecasting.extract.silence import EXPECTED_EVENTS

pytestmark = pytest.mark.unit

DAYS = 56


def activity(rate: float, seed: int = 0, days: int = DAYS) -> pd.Series:
    hours = pd.date_range("2026-01-05", periods=days * 24, freq="h", tz="UTC")
    daily = 1 - 0.7 * np.cos(2 * np.pi * (hours.hour - 4) / 24)
    return pd.Series(np.random.default_rng(seed).poisson(rate * daily), index=hours)


def silent_hours(events: pd.Series) -> pd.Series:
    return silence.silent_hours(events.to_frame("ed_visit"))["ed_visit"]


@pytest.mark.parametrize("rate", [0.05, 0.5, 2.0, 10.0])
@pytest.mark.parametrize("seed", range(5))
def test_a_quiet_hospital_is_not_silent(rate: float, seed: int) -> None:
    assert not silent_hours(activity(rate, seed, days=365)).any()


@given(
    rate=st.floats(3, 20),
    begins=st.integers(0, DAYS * 24 - 20),
    length=st.integers(20, 40 * 24),
    seed=st.integers(0, 100),
)
def test_an_outage_is_found_and_only_that(rate: float, begins: int, length: int, seed: int) -> None:
    events = activity(rate, seed)
    events.iloc[begins : begins + length] = 0
    silent = silent_hours(events)
    assert silent.iloc[begins : begins + length].all()
    outside = silent.drop(silent.index[begins : begins + length])
    assert not (outside & (events.drop(silent.index[begins : begins + length]) > 0)).any()
    assert outside.sum() <= 6, "quiet hours beside an outage may join it, busy ones never"


def test_a_short_gap_is_silence_only_where_it_is_surprising() -> None:
    afternoon = slice("2026-02-10 15:00", "2026-02-10 17:00")
    busy, small = activity(10.0), activity(0.5)
    busy.loc[afternoon], small.loc[afternoon] = 0, 0
    assert silent_hours(busy).loc[afternoon].all()
    assert not silent_hours(small).any()


def test_a_long_outage_does_not_hide_itself() -> None:
    events = activity(2.0)
    events.iloc[: 7 * 7 * 24] = 0
    assert silent_hours(events).iloc[: 7 * 7 * 24].all(), "seven silent weeks of eight"


def test_no_event_at_all_can_not_be_told_apart() -> None:
    assert not silent_hours(activity(1.0) * 0).any()


def test_the_threshold_is_in_expected_events() -> None:
    steady = pd.Series(1.0, index=pd.date_range("2026-01-05", periods=DAYS * 24, freq="h", tz="UTC"))
    enough = int(EXPECTED_EVENTS) + 1
    for length, silent in ((enough - 1, False), (enough, True)):
        gap = steady.copy()
        gap.iloc[500 : 500 + length] = 0
        assert silent_hours(gap).iloc[500 : 500 + length].all() == silent


def test_tables_silent_together_are_found_where_neither_would_be_alone() -> None:
    both = pd.DataFrame({"ed_visit": activity(5.0, 1), "bed_stay": activity(4.0, 2)})
    gap = pd.date_range("2026-02-10 15:00", periods=2, freq="h", tz="UTC")
    both.loc[gap] = 0
    assert not silent_hours(both["bed_stay"]).any()
    assert silence.silent_hours(both).loc[gap].to_numpy().all()


def test_a_broken_feed_does_not_make_its_neighbour_look_broken() -> None:
    both = pd.DataFrame({"ed_visit": activity(12.0, 1), "bed_stay": activity(0.8, 2)})
    both.iloc[-72:, 0] = 0
    silent = silence.silent_hours(both)
    assert silent["ed_visit"].iloc[-72:].all()
    assert not silent["bed_stay"].any()
