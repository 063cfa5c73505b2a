from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.features.history import first_lag_weeks, same_hour_mean

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(("lead_hours", "weeks"), [(1, 1), (167, 1), (168, 2), (177, 2), (335, 2), (336, 3)])
def test_the_first_lag_reaches_back_past_the_issue_time_even_over_a_week_of_167_hours(
    lead_hours: int, weeks: int
) -> None:
    assert first_lag_weeks(lead_hours) == weeks
    assert weeks * 168 - 1 >= lead_hours


def test_it_is_the_mean_of_the_same_hour_in_the_weeks_asked_for() -> None:
    values = np.repeat([10.0, 20.0, 30.0, 40.0], 168)
    mean = same_hour_mean(values, np.arange(len(values)), [2, 3], 177)
    assert mean[-1] == 15.0
    assert mean[2 * 168] == 10.0


def test_missing_hours_are_left_out_of_the_mean_and_never_count_as_zero() -> None:
    values = np.repeat([10.0, 20.0, np.nan, np.nan], 168)
    values[5] = np.nan
    mean = same_hour_mean(values, np.arange(len(values)), [2, 3], 177)
    assert mean[3 * 168 + 5] == 20.0
    assert mean[3 * 168 + 6] == 15.0
    assert np.isnan(mean[: 2 * 168]).all()


def test_a_repeated_wall_clock_hour_counts_with_both_its_values() -> None:
    clock = np.concatenate([np.arange(100), [99], np.arange(100, 600)])
    values = np.zeros(len(clock))
    values[99], values[100] = 4.0, 8.0
    mean = same_hour_mean(values, clock, [2], 177)
    assert mean[np.flatnonzero(clock == 99 + 336)].tolist() == [6.0]


@given(
    seed=st.integers(0, 10_000),
    changed=st.integers(0, 1499),
    value=st.one_of(st.none(), st.floats(0, 1e6)),
    change_at=st.integers(200, 1300),
    jump=st.sampled_from([-1, 0, 1]),
    lead_hours=st.integers(1, 340),
)
def test_a_value_changes_nothing_less_than_the_lead_after_it(
    seed: int, changed: int, value: float | None, change_at: int, jump: int, lead_hours: int
) -> None:
    """Over a clock change in either direction or none."""
    values = np.random.default_rng(seed).poisson(5, 1500).astype(float)
    clock = np.arange(1500) + jump * (np.arange(1500) >= change_at)
    other = values.copy()
    other[changed] = np.nan if value is None else value
    first = first_lag_weeks(lead_hours)
    lags = range(first, first + 8)
    before, after = (same_hour_mean(series, clock, lags, lead_hours) for series in (values, other))
    safe = changed + lead_hours
    np.testing.assert_array_equal(before[:safe], after[:safe])
