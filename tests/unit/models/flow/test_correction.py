from __future__ import annotations

import numpy as np
import pytest

from forecasting.models.flow.correction import learned_correction

pytestmark = pytest.mark.unit

ORIGINS, LEADS = 120, 48


def law(seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    mean = np.repeat(random.normal(20, 2, (ORIGINS, 1)), LEADS, axis=1)
    variance = np.full((ORIGINS, LEADS), 9.0)
    outcome = mean + random.normal(0, 3, (ORIGINS, LEADS))
    outcome[-1] = np.nan
    return mean, variance, outcome, np.column_stack([mean[:, 0]])


def test_what_is_right_is_left_alone() -> None:
    correction = learned_correction(*law())
    assert np.abs(correction.shift).max() < 0.25
    np.testing.assert_allclose(correction.dispersion, 1.0, atol=0.2)


def test_most_of_a_constant_error_is_taken_back() -> None:
    mean, variance, outcome, features = law()
    shift = learned_correction(mean, variance, outcome - 3.0, features).shift
    assert (shift < -0.5).all()
    assert (shift > -1.1).all()


def test_a_wider_spread_is_seen() -> None:
    mean, variance, outcome, features = law()
    wide = mean + 2 * (outcome - mean)
    assert (learned_correction(mean, variance, wide, features).dispersion > 3).all()


def test_a_unit_that_returns_to_its_mean_is_drawn_there() -> None:
    mean, variance, _, features = law()
    mean[-1], features[-1] = 26.0, 26.0
    outcome = np.random.default_rng(2).normal(20, 3, mean.shape)
    outcome[-1] = np.nan
    shift = learned_correction(mean, variance, outcome, features).shift
    assert (mean[-1] + 3 * shift < 23.5).all()


def test_too_few_origins_correct_nothing() -> None:
    mean, variance, outcome, features = law()
    outcome[:-10] = np.nan
    correction = learned_correction(mean, variance, outcome + 5, features)
    np.testing.assert_array_equal(correction.shift, 0.0)
    np.testing.assert_array_equal(correction.dispersion, 1.0)


def test_a_lead_without_variance_is_not_moved() -> None:
    mean, variance, outcome, features = law()
    variance[:, 0], outcome[:-1, 0] = 0.0, mean[:-1, 0]
    correction = learned_correction(mean, variance, outcome - 3.0, features)
    assert np.isfinite(correction.shift).all()
    assert correction.shift[0] * np.sqrt(variance[-1, 0]) == 0
