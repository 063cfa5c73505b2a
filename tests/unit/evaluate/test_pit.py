from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest, norm, poisson
from unit.evaluate.forecast_rows import LEVELS, came, spoken

from forecasting.evaluate import pit_histogram, scored_hours
from forecasting.evaluate.pit import pit_bounds, share_within

pytestmark = pytest.mark.unit

LEVEL_ARRAY = np.array(LEVELS)


@pytest.mark.parametrize("rate", [0.4, 2.0, 10.0, 40.0])
def test_a_true_forecast_of_counts_has_a_flat_histogram(rate: float) -> None:
    random = np.random.default_rng(5)
    rates = rate * np.exp(random.normal(0, 0.3, 20_000))
    forecast = spoken("tft", np.asarray(poisson.ppf(LEVELS, rates[:, None])))
    hours = scored_hours(forecast, came(random.poisson(rates)))
    histogram = pit_histogram(hours, [], LEVELS)
    inner = histogram[(histogram["pit_from"] >= 0.05) & (histogram["pit_to"] <= 0.95)]
    assert inner["density"].to_numpy() == pytest.approx(np.ones(len(inner)), abs=0.12)
    assert histogram["density"].to_numpy() == pytest.approx(np.ones(8), abs=0.3)


def test_a_biased_forecast_leans() -> None:
    random = np.random.default_rng(5)
    hours = scored_hours(
        spoken("tft", np.tile(np.asarray(poisson.ppf(LEVELS, 8.0)), (2000, 1))),
        came(random.poisson(10.0, 2000)),
    )
    histogram = pit_histogram(hours, ["unit_id"], [0.25, 0.5, 0.75])
    assert histogram["density"].is_monotonic_increasing
    assert histogram["density"].iloc[-1] > 1.5
    assert histogram["hours"].tolist() == [2000] * 4


def test_continuous_outcomes_have_a_point_each_and_uniform_values() -> None:
    values = np.random.default_rng(5).normal(100, 10, 4000)
    quantiles = np.tile(np.asarray(norm.ppf(LEVELS, 100, 10)), (4000, 1))
    low, high = pit_bounds(values, quantiles, LEVEL_ARRAY, 0.0)
    np.testing.assert_array_equal(low, high)
    assert kstest(low, "uniform").statistic < 0.04


def test_an_empty_hour_has_nothing_below_it() -> None:
    low, high = pit_bounds(np.array([0.0]), np.zeros((1, 7)), LEVEL_ARRAY)
    assert low[0] == 0
    assert high[0] > 0.95


@given(
    outcome=st.integers(0, 60),
    least=st.integers(0, 30),
    steps=st.lists(st.floats(0, 6), min_size=6, max_size=6),
    whole=st.booleans(),
)
def test_law_bounds_lie_between_the_levels_around_the_outcome(
    outcome: int, least: int, steps: list[float], whole: bool
) -> None:
    quantiles = least + np.concatenate([[0], np.cumsum(np.rint(steps) if whole else steps)])
    low, high = (bound[0] for bound in pit_bounds(np.array([float(outcome)]), quantiles[None], LEVEL_ARRAY))
    assert 0 <= low <= high <= 1
    reached = LEVEL_ARRAY[quantiles <= outcome]
    missed = LEVEL_ARRAY[quantiles > outcome]
    assert (reached <= high + 1e-9).all()
    assert (missed >= high - 1e-9).all()
    assert low <= 1e-9 or (LEVEL_ARRAY[quantiles > outcome - 1] >= low - 1e-9).all()
    total = sum(
        share_within(np.array([low]), np.array([high]), a, b)[0] for a, b in ((0, 0.3), (0.3, 0.6), (0.6, 1))
    )
    assert total == pytest.approx(1)
