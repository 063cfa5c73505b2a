from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import poisson
from unit.evaluate.forecast_rows import LEVELS, came, spoken

from forecasting.evaluate import noise_floor, poisson_loss, rates_of, score_by, scored_hours, with_floor

pytestmark = pytest.mark.unit


@given(rate=st.floats(0, 60))
def test_law_the_closed_form_is_the_sum_over_all_counts(rate: float) -> None:
    counts = np.arange(400)
    error = counts[:, None] - np.asarray(poisson.ppf(LEVELS, rate))
    loss = np.maximum(np.array(LEVELS) * error, (np.array(LEVELS) - 1) * error).mean(axis=1)
    expected = float((np.asarray(poisson.pmf(counts, rate)) * loss).sum())
    assert poisson_loss(np.array([rate]), LEVELS)[0] == pytest.approx(expected, abs=1e-9)


@given(rate=st.floats(0.1, 60), shift=st.floats(-0.5, 0.5))
def test_law_no_other_rates_quantiles_do_better(rate: float, shift: float) -> None:
    counts = np.arange(400)
    error = counts[:, None] - np.asarray(poisson.ppf(LEVELS, rate * (1 + shift)))
    loss = np.maximum(np.array(LEVELS) * error, (np.array(LEVELS) - 1) * error).mean(axis=1)
    other = float((np.asarray(poisson.pmf(counts, rate)) * loss).sum())
    assert poisson_loss(np.array([rate]), LEVELS)[0] <= other + 1e-9


def test_the_floor_falls_with_the_square_root_of_the_patients() -> None:
    assert noise_floor(np.full(10, 400.0), LEVELS) == pytest.approx(
        noise_floor(np.full(10, 100.0), LEVELS) / 2, rel=0.01
    )
    assert math.isnan(noise_floor(np.zeros(5), LEVELS))


def test_hours_without_a_rate_have_no_floor() -> None:
    forecast = spoken("climatology", np.tile(np.asarray(poisson.ppf(LEVELS, 8.0)), (48, 1)))
    outcome = came(np.full(48, 8.0))
    rates = outcome.drop(columns="value").assign(period="PT1H", rate=8.0).iloc[:24]
    hours = with_floor(scored_hours(forecast, outcome), rates, LEVELS)
    assert hours["floor_pinball"].notna().sum() == 24
    assert score_by(hours)["floor"].iloc[0] == pytest.approx(noise_floor(np.array([8.0]), LEVELS))


def test_a_good_models_mean_stands_in_for_the_rates() -> None:
    rates = np.random.default_rng(1).gamma(8, 1, 2000)
    forecast = spoken("climatology", np.asarray(poisson.ppf(LEVELS, rates[:, None])))
    estimated = rates_of(forecast)
    assert np.abs(estimated["rate"].to_numpy() - rates).mean() < 0.4
    hours = with_floor(scored_hours(forecast, came(rates)), estimated, LEVELS)
    assert score_by(hours)["floor"].iloc[0] == pytest.approx(noise_floor(rates, LEVELS), rel=0.02)
