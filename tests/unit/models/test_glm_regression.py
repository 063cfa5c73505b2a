from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.models.glm.regression import fit_poisson

pytestmark = pytest.mark.unit


def fitted(columns: np.ndarray, values: np.ndarray, precision: float = 1e-6) -> np.ndarray:
    count = columns.shape[1]
    return fit_poisson(columns, values, np.ones(len(values)), precision * np.eye(count), np.zeros(count))


def test_a_known_law_is_found_again() -> None:
    random = np.random.default_rng(0)
    columns = np.column_stack([np.ones(20_000), random.normal(0, 1, (20_000, 3))])
    effects = np.array([1.5, 0.3, -0.2, 0.0])
    values = random.poisson(np.exp(columns @ effects)).astype(float)
    assert fitted(columns, values) == pytest.approx(effects, abs=0.015)


def test_at_the_optimum_the_expected_sums_are_the_observed_ones() -> None:
    random = np.random.default_rng(1)
    columns = (random.integers(0, 5, 500)[:, None] == np.arange(5)).astype(float)
    values = random.poisson(4.0, 500).astype(float)
    expected = np.exp(columns @ fitted(columns, values))
    assert columns.T @ expected == pytest.approx(columns.T @ values, rel=1e-4)


def test_a_strong_prior_holds_an_effect_at_nothing() -> None:
    random = np.random.default_rng(2)
    columns = np.column_stack([np.ones(300), np.arange(300) % 2])
    values = random.poisson(np.exp(columns @ [1.0, 0.5])).astype(float)
    precision = np.diag([1e-6, 1e9])
    effects = fit_poisson(columns, values, np.ones(300), precision, np.zeros(2))
    assert effects[1] == pytest.approx(0.0, abs=1e-3)
    assert np.exp(effects[0]) == pytest.approx(values.mean(), rel=1e-3)


def test_rows_that_weigh_nothing_say_nothing() -> None:
    columns, values = np.ones((100, 1)), np.r_[np.full(50, 2.0), np.full(50, 90.0)]
    weights = np.r_[np.ones(50), np.zeros(50)]
    effects = fit_poisson(columns, values, weights, np.eye(1) * 1e-6, np.zeros(1))
    assert np.exp(effects[0]) == pytest.approx(2.0, rel=1e-4)


@given(seed=st.integers(0, 500), rate=st.sampled_from([0.0, 0.1, 5.0, 3000.0]), spike=st.booleans())
def test_it_ends_at_finite_effects_wherever_it_starts(seed: int, rate: float, spike: bool) -> None:
    random = np.random.default_rng(seed)
    values = random.poisson(rate, 200).astype(float)
    if spike:
        values[7] = 1e6
    columns = np.column_stack([np.ones(200), random.normal(0, 1, (200, 2))])
    effects = fit_poisson(columns, values, np.ones(200), np.eye(3), random.normal(0, 2, 3))
    assert np.isfinite(effects).all()
