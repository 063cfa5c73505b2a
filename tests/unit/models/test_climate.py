from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.models.climate import (
    PERSISTENCE_LEADS,
    fit_climate,
    hours_of_week,
    last_departure,
    recent_level,
)

pytestmark = pytest.mark.unit

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)


def weeks(count: int) -> np.ndarray:
    return np.arange(count * 168) % 168


def autoregression(hours: int, decay: float, seed: int = 0) -> np.ndarray:
    shocks = np.random.default_rng(seed).normal(0, 1, hours)
    values = np.zeros(hours)
    for hour in range(1, hours):
        values[hour] = decay * values[hour - 1] + shocks[hour]
    return values


def test_a_holiday_counts_as_a_sunday() -> None:
    hours = hours_of_week(np.array([0, 0, 6]), np.array([5, 5, 5]), np.array([0, 1, 0]))
    assert hours.tolist() == [5, 149, 149]


def test_the_profile_is_near_the_true_weekly_rate() -> None:
    week = weeks(30)
    rate = 6 + 4 * np.sin(2 * np.pi * week / 24)
    climate = fit_climate(np.random.default_rng(1).poisson(rate).astype(float), week, LEVELS)
    assert np.abs(climate.profile - rate[:168]).mean() < 0.4
    assert climate.dispersion == pytest.approx(1.0, abs=0.06)


def test_poisson_counts_spread_as_wide_in_hours_not_seen_as_the_climate_of_two_weeks_says() -> None:
    """The few values of a short history must not make it look surer than it is."""
    random = np.random.default_rng(2)
    ratios = []
    for _ in range(40):
        week = weeks(4)
        values = random.poisson(6.0, len(week)).astype(float)
        climate = fit_climate(values[:336], week[:336], LEVELS)
        unseen = np.mean((values[336:] - climate.profile[week[336:]]) ** 2)
        ratios.append(np.mean(climate.spread**2) / unseen)
    assert np.mean(ratios) == pytest.approx(1.0, abs=0.1)


def test_persistence_is_the_decay_of_an_autoregression_and_its_remainder_widens() -> None:
    week = weeks(40)
    climate = fit_climate(50 + autoregression(len(week), 0.95), week, LEVELS)
    truth = 0.95**PERSISTENCE_LEADS
    assert np.abs(climate.persistence - truth)[:8].max() < 0.12
    width = climate.remainder[:, -1] - climate.remainder[:, 0]
    assert width[0] < width[4] < width[8]


def test_what_has_no_memory_does_not_persist() -> None:
    week = weeks(30)
    values = np.random.default_rng(3).poisson(6.0, len(week)).astype(float)
    assert fit_climate(values, week, LEVELS).persistence.max() < 0.1


def test_the_level_follows_the_last_four_weeks_but_not_all_the_way() -> None:
    week = weeks(30)
    values = np.full(len(week), 10.0)
    values[-4 * 168 :] = 13.0
    profile = np.full(168, 10.0)
    assert 1.15 < recent_level(profile, values, week) < 1.3


def test_the_newest_departure_is_the_last_observed_one_with_its_age() -> None:
    week = weeks(20)
    values = 50 + autoregression(len(week), 0.9)
    values[-5:] = np.nan
    values[-6] = 60.0
    climate = fit_climate(values, week, LEVELS)
    departure, age = last_departure(climate, values, week)
    assert age == 6
    assert departure > 2


@given(
    seed=st.integers(0, 1000),
    hours=st.integers(1, 500),
    missing=st.floats(0, 0.95),
    rate=st.sampled_from([0.0, 0.2, 5.0, 400.0]),
)
def test_any_history_with_a_value_has_a_finite_climate(
    seed: int, hours: int, missing: float, rate: float
) -> None:
    random = np.random.default_rng(seed)
    values = random.poisson(rate, hours).astype(float)
    values[random.random(hours) < missing] = np.nan
    values[random.integers(hours)] = 3.0
    climate = fit_climate(values, np.arange(hours) % 168, LEVELS)
    for part in (climate.profile, climate.spread, climate.persistence, climate.remainder):
        assert np.isfinite(part).all()
    assert (climate.spread > 0).all()
    assert (np.diff(climate.remainder, axis=1) >= 0).all()


def test_a_history_without_a_value_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one observed value"):
        fit_climate(np.full(24, np.nan), np.arange(24), LEVELS)
