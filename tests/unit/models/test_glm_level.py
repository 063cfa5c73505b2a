from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.models.glm.level import days_of, levels_said

pytestmark = pytest.mark.unit

RATE = 150.0


def came(level: np.ndarray, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).poisson(RATE * level).astype(float)


def said(counts: np.ndarray, lead_days: int = 7) -> np.ndarray:
    return np.asarray(levels_said(counts, np.full(len(counts), RATE))[lead_days - 1])


def test_days_are_counted_back_from_the_last_hour_and_hours_without_a_value_are_not_expected() -> None:
    values = np.arange(50, dtype=float)
    values[30] = np.nan
    sums, due = days_of(values, np.full(50, 2.0))
    assert sums.tolist() == [sum(range(2, 26)), sum(range(26, 50)) - 30]
    assert due.tolist() == [48.0, 46.0]


def test_a_steady_level_is_told_almost_as_if_all_the_past_were_one_mean() -> None:
    level = said(came(np.full(700, 1.2)))
    assert np.abs(level[200:] - 1.2).mean() < 0.02


@pytest.mark.parametrize("after", [0.55, 1.6])
def test_a_change_of_regime_is_told_within_a_fortnight(after: float) -> None:
    level = said(came(np.r_[np.full(500, 1.0), np.full(28, after)]))
    assert level[499] == pytest.approx(1.0, abs=0.05)
    assert abs(level[513] - after) < 0.2 * abs(1 - after)
    assert abs(level[527] - after) < 0.05


def test_growth_is_followed_closely() -> None:
    truth = 1.15 ** (np.arange(1100) / 365)
    level = said(came(truth))
    assert np.abs(level[365:] / truth[365:] - 1).mean() < 0.02


def test_a_wave_of_days_is_followed_by_the_lead_of_a_day_more_than_by_that_of_a_week() -> None:
    random = np.random.default_rng(4)
    wave = np.zeros(900)
    for day in range(1, 900):
        wave[day] = 0.8 * wave[day - 1] + random.normal(0, 0.1)
    counts = came(np.exp(wave))
    move_of_day, move_of_week = (np.abs(np.diff(np.log(said(counts, lead)[400:]))).mean() for lead in (1, 7))
    assert move_of_day > 1.5 * move_of_week


def test_an_outage_leaves_the_level_where_it_was() -> None:
    counts = came(np.full(120, 2.0))
    due = np.full(120, RATE)
    counts[90:], due[90:] = 0.0, 0.0
    level = levels_said(counts, due)
    assert (level[:, 90:] == level[:, [89]]).all()


@given(day=st.integers(1, 200), seed=st.integers(0, 100), lead=st.integers(1, 7))
def test_what_is_said_of_a_day_reads_nothing_that_comes_later(day: int, seed: int, lead: int) -> None:
    counts = came(np.full(201, 1.0), seed)
    other = counts.copy()
    other[day:] = 1e5
    assert np.array_equal(said(counts, lead)[:day], said(other, lead)[:day])


@given(seed=st.integers(0, 200), rate=st.sampled_from([0.0, 1e-9, 0.5, 1e4]), days=st.integers(1, 60))
def test_any_past_has_a_finite_level(seed: int, rate: float, days: int) -> None:
    random = np.random.default_rng(seed)
    counts = random.poisson(rate, days).astype(float)
    level = levels_said(counts, rate * random.integers(0, 2, days))
    assert np.isfinite(level).all()
    assert (level > 0).all()
