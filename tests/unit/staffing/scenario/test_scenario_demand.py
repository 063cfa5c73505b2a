"""Scaling patients and stays: what is kept, and which way the census goes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from forecasting.schema import DEPARTURE
from forecasting.staffing import SamplePaths
from forecasting.staffing.scenario.demand import mean_stays, presence, times

pytestmark = pytest.mark.unit

HOURS = 6
HOUR = pd.date_range("2026-06-10T07:00", periods=HOURS, freq="h", tz="UTC", unit="us")
COUNTS = arrays(np.int32, (40, 2, HOURS), elements=st.integers(0, 60))
CHANGE = st.floats(-0.9, 3)


def paths(counts: np.ndarray) -> SamplePaths:
    return SamplePaths(("ed", "icu"), HOUR, counts)


def everywhere(factor: float) -> np.ndarray:
    return np.full((2, HOURS), factor)


@given(COUNTS)
@effort(max_examples=40, deadline=None)
def test_nothing_changed_is_the_same_and_none_is_none(counts: np.ndarray) -> None:
    assert (times(paths(counts), everywhere(1.0)).counts == counts).all()
    assert (times(paths(counts), everywhere(0.0)).counts == 0).all()


@given(COUNTS, st.floats(0, 4), st.floats(0, 4))
@effort(max_examples=40, deadline=None)
def test_no_hour_of_any_path_falls_where_more_come(counts: np.ndarray, one: float, other: float) -> None:
    low, high = sorted((one, other))
    fewer, more = (times(paths(counts), everywhere(factor)).counts for factor in (low, high))
    assert (fewer <= more).all()
    assert (np.abs(more - counts * high) < 1).all()


@given(st.integers(1, 30), st.floats(0, 4))
@effort(max_examples=40, deadline=None)
def test_what_is_left_over_a_whole_patient_is_kept_over_the_paths(patients: int, factor: float) -> None:
    """Rounding each path alike would leave 2 patients at 2 for any surge under a quarter."""
    counts = np.full((200, 2, HOURS), patients, dtype=np.int32)
    mean = times(paths(counts), everywhere(factor)).counts.mean(axis=0)
    assert mean == pytest.approx(np.full((2, HOURS), patients * factor), abs=1 / 200)


@given(CHANGE, CHANGE, st.floats(0.5, 500))
@effort(max_examples=40, deadline=None)
def test_the_census_goes_from_what_was_expected_to_what_littles_law_says(
    arrivals: float, stay: float, mean_stay: float
) -> None:
    since = np.linspace(0, 30 * mean_stay * (1 + stay), 200)
    course = presence(arrivals, stay, mean_stay, since)
    level = (1 + arrivals) * (1 + stay)
    assert course[0] == pytest.approx(1)
    assert course[-1] == pytest.approx(level, abs=1e-9)
    assert (np.diff(course) * np.sign(level - 1) >= -1e-12).all()
    assert presence(arrivals, stay, None, since) == pytest.approx(np.full(200, level))


def test_a_ward_is_not_yet_where_longer_stays_lead_when_the_week_is_over() -> None:
    """Stays of four days, half as long again: after six days the census is at 1.5 - 0.5 / e."""
    assert presence(0, 0.5, 96, np.array([144.0])) == pytest.approx([1.5 - 0.5 / np.e])


def test_a_stay_is_patient_hours_over_departures() -> None:
    rows = [("icu", 300, 4), ("icu", 100, 4), ("ed", 8, 2), ("ward", 50, 0)]
    departure = pd.DataFrame(
        {
            "site_id": "north",
            "unit_id": [unit_id for unit_id, _, _ in rows],
            "weekday": 0,
            "local_hour": range(len(rows)),
            "elapsed_from": 0,
            "patient_hours": [hours for _, hours, _ in rows],
            "departures": [left for _, _, left in rows],
        }
    )
    assert mean_stays(DEPARTURE.conform(departure)) == {"ed": 4.0, "icu": 50.0}
    assert mean_stays(DEPARTURE.empty()) == {}
