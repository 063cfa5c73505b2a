from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.level_change import belief_in_change, with_changes

pytestmark = pytest.mark.unit

QUIET, BUSY = 50.0, 170.0
"""Patients a day: two an hour, and seven."""


def counts(level: np.ndarray, rate: float, seed: int = 0) -> np.ndarray:
    return np.asarray(np.random.default_rng(seed).poisson(rate * level), dtype=float)


def moved(came: np.ndarray, rate: float) -> np.ndarray:
    """What becomes of a level that is always told as 1 (days,)."""
    (level,) = with_changes(np.zeros((1, len(came))), came, np.full(len(came), rate))
    return np.asarray(np.exp(level))


def departed(days: int, size: float = 0.6, then: int = 0) -> np.ndarray:
    """A level that left 1 for some days, and was back for some."""
    return np.concatenate([np.ones(400), np.full(days, size), np.ones(then)])


def test_a_steady_level_is_left_where_it_is() -> None:
    assert np.abs(moved(counts(np.ones(700), BUSY), BUSY) - 1).mean() < 0.005


@pytest.mark.parametrize("rate", [QUIET, BUSY])
@pytest.mark.parametrize("size", [0.6, 1.4])
def test_a_change_of_level_is_told_after_a_week_or_so_also_where_few_come(rate: float, size: float) -> None:
    after = np.array([moved(counts(departed(10, size), rate, seed), rate)[-4:] for seed in range(12)])
    assert abs(after.mean() - size) < 0.05 * size


@pytest.mark.parametrize("days", [1, 2, 3])
@pytest.mark.parametrize("then", [0, 2, 9])
def test_a_few_odd_days_are_not_taken_for_a_change(days: int, then: int) -> None:
    after = [moved(counts(departed(days, then=then), BUSY, seed), BUSY)[-1] for seed in range(12)]
    assert np.mean(after) == pytest.approx(1.0, abs=0.03)


def test_a_week_or_more_that_is_over_is_not_taken_for_a_change() -> None:
    after = [moved(counts(departed(9, then=5), BUSY, seed), BUSY)[-1] for seed in range(12)]
    assert np.mean(after) == pytest.approx(1.0, abs=0.03)


def test_a_series_that_comes_in_waves_needs_more_to_be_thought_changed() -> None:
    random = np.random.default_rng(3)
    wave = np.zeros(800)
    for day in range(1, 800):
        wave[day] = 0.92 * wave[day - 1] + random.normal(0, 0.05)
    waving = np.exp(wave[-400:])
    rise = np.r_[np.ones(7), np.full(7, 1.2)]
    odd = [moved(counts(np.r_[past, rise], BUSY), BUSY)[-1] for past in (np.ones(400), waving)]
    assert odd[0] > 1.1
    assert odd[1] < 1 + 0.5 * (odd[0] - 1)


@given(day=st.integers(1, 200), seed=st.integers(0, 100))
def test_what_is_said_of_a_day_reads_nothing_that_comes_later(day: int, seed: int) -> None:
    came = counts(departed(0)[:201], BUSY, seed)
    other = came.copy()
    other[day:] = 1e5
    assert np.array_equal(moved(came, BUSY)[:day], moved(other, BUSY)[:day])


@given(seed=st.integers(0, 200), rate=st.sampled_from([0.0, 1e-9, 0.5, 1e4]), days=st.integers(1, 90))
def test_any_past_has_a_finite_level(seed: int, rate: float, days: int) -> None:
    came = counts(np.ones(days), rate, seed)
    level = moved(came, max(rate, 1e-9))
    assert np.isfinite(level).all()
    assert (level > 0).all()
    belief = belief_in_change(came, np.full(days, max(rate, 1e-9)))
    assert ((belief >= 0) & (belief <= 1)).all()


@pytest.mark.parametrize("seed", range(5))
def test_a_change_is_believed_in_after_a_week_and_none_where_there_was_none(seed: int) -> None:
    due = np.full(408, BUSY)
    assert belief_in_change(counts(departed(8), BUSY, seed), due)[-1] > 0.99
    assert belief_in_change(counts(np.ones(408), BUSY, seed), due)[-1] < 0.5
