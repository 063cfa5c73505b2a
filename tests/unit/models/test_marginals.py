from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm, poisson

from forecasting.models.marginals import quantile_function

pytestmark = pytest.mark.unit

LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
AT = (np.arange(1000) + 0.5) / 1000


def test_a_normal_forecast_is_met_far_beyond_its_outermost_levels() -> None:
    forecast, law = np.asarray(norm.ppf(LEVELS, 1000, 50)), np.asarray(norm.ppf(AT, 1000, 50))
    assert np.abs(quantile_function(forecast, LEVELS, AT) - law).max() < 0.501


@pytest.mark.parametrize("rate", [0.5, 2.0, 8.0, 30.0])
def test_counts_keep_their_mean_and_spread(rate: float) -> None:
    rates = rate * np.exp(np.random.default_rng(2).normal(0, 0.3, 500))[:, None]
    values = quantile_function(np.asarray(poisson.ppf(LEVELS, rates)), LEVELS, AT)
    assert values.mean() == pytest.approx(rates.mean(), rel=0.03)
    assert values.var(axis=1).mean() == pytest.approx(rates.mean(), rel=0.1)


@given(
    steps=st.lists(st.floats(0, 50), min_size=7, max_size=7),
    least=st.floats(0, 100),
)
def test_law_it_keeps_the_forecasts_quantiles_and_never_falls_nor_is_negative(
    steps: list[float], least: float
) -> None:
    forecast = least + np.cumsum([0, *steps[1:]])
    np.testing.assert_array_equal(
        quantile_function(forecast, LEVELS, np.array(LEVELS)), np.rint(forecast @ np.eye(7))
    )
    values = quantile_function(forecast, LEVELS, AT)
    assert (np.diff(values) >= 0).all()
    assert (values >= 0).all()


@pytest.mark.parametrize("levels", [(0.1, 0.25, 0.75), (0.5, 0.75, 0.9), (0.1, 0.25, 0.5)])
def test_levels_without_both_sides_of_the_median_are_refused(levels: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match=r"must have 0\.5, and others on both sides"):
        quantile_function(np.zeros(3), levels, AT)
