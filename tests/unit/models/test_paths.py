from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from scipy.stats import poisson

from forecasting.models import sample_paths
from forecasting.models.interface import forecast_frame
from forecasting.models.marginals import quantile_function
from forecasting.schema import Target

pytestmark = pytest.mark.unit

LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
ISSUED_AT = datetime.fromisoformat("2026-06-10T07:00+00:00")
ARRIVALS, CENSUS = Target.ED_ARRIVALS, Target.BED_CENSUS


def forecast_of(rates: np.ndarray, issued_at: datetime = ISSUED_AT) -> pd.DataFrame:
    """Poisson forecasts of these rates (series, hours)."""
    quantiles = np.asarray(poisson.ppf(LEVELS, rates[..., None]))
    values = {("north", f"u{at}"): series for at, series in enumerate(quantiles)}
    return forecast_frame(values, LEVELS, issued_at, CENSUS, "climatology", "1")


def nothing(series: int = 1, hours: int = 24) -> np.ndarray:
    return np.empty((0, series, hours))


@examples(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 1000),
    occasions=st.integers(0, 60),
    paths=st.integers(1, 200),
    unknown=st.floats(0, 1),
    ties=st.booleans(),
)
def test_law_every_hour_has_exactly_the_forecasts_distribution_whatever_the_template(
    seed: int, occasions: int, paths: int, unknown: float, ties: bool
) -> None:
    random = np.random.default_rng(seed)
    rates = random.gamma(2, 3, (2, 5))
    template = random.normal(size=(occasions, 2, 5))
    template = np.rint(template) if ties else template
    template[random.random(template.shape) < unknown] = np.nan
    drawn = sample_paths(forecast_of(rates), template, paths, seed)
    at = (np.arange(paths) + 0.5) / paths
    expected = quantile_function(np.asarray(poisson.ppf(LEVELS, rates[..., None])), LEVELS, at)
    np.testing.assert_array_equal(np.sort(drawn.counts, axis=0), np.moveaxis(expected, -1, 0))


def test_a_template_without_dependence_adds_up_variances() -> None:
    rates = np.full((1, 24), 9.0)
    template = np.random.default_rng(1).normal(size=(400, 1, 24))
    for shape in (template, nothing()):
        drawn = sample_paths(forecast_of(rates), shape).counts[:, 0]
        assert drawn.sum(axis=1).var() == pytest.approx(drawn.var(axis=0).sum(), rel=0.15)
        assert drawn.sum(axis=1).mean() == pytest.approx(drawn.mean(axis=0).sum())


def test_hours_that_erred_together_widen_the_day_and_those_that_made_up_for_it_narrow_it() -> None:
    forecast = forecast_of(np.full((1, 24), 9.0))
    shock = np.random.default_rng(1).normal(size=(200, 1, 1))
    together = np.tile(shock, (1, 1, 24))
    against = together * np.where(np.arange(24) % 2, 1, -1)
    hour = sample_paths(forecast, together).counts[:, 0]
    # Comonotone: standard deviations add up.
    assert hour.sum(axis=1).std() == pytest.approx(hour.std(axis=0).sum(), rel=0.01)
    assert sample_paths(forecast, against).counts.sum(axis=2).std() < 0.1 * hour.sum(axis=1).std()


def test_units_of_a_site_go_together_as_their_errors_did() -> None:
    forecast = forecast_of(np.full((2, 6), 20.0))
    shock = np.random.default_rng(4).normal(size=(300, 1, 6))
    opposite = np.concatenate([shock, -shock], axis=1)
    drawn = sample_paths(forecast, opposite).counts
    assert np.corrcoef(drawn[:, 0, 3], drawn[:, 1, 3])[0, 1] < -0.95
    assert abs(np.corrcoef(drawn[:, 0, 3], drawn[:, 0, 4])[0, 1]) < 0.15


def test_more_paths_than_past_errors_keep_the_dependence() -> None:
    forecast = forecast_of(np.full((1, 24), 9.0))
    shock = np.tile(np.random.default_rng(1).normal(size=(25, 1, 1)), (1, 1, 24))
    total = sample_paths(forecast, shock, 1000).counts.sum(axis=2)
    apart = sample_paths(forecast, nothing(), 1000).counts.sum(axis=2)
    assert total.std() > 4.5 * apart.std()


def test_the_same_seed_draws_the_same_paths() -> None:
    forecast = forecast_of(np.full((1, 24), 9.0))
    one, again, other = (sample_paths(forecast, nothing(), 50, seed).counts for seed in (1, 1, 2))
    assert (one == again).all()
    assert (one != other).any()


def test_a_forecast_that_lacks_an_hour_or_mixes_issue_times_is_refused() -> None:
    forecast = forecast_of(np.full((2, 24), 9.0))
    with pytest.raises(ValueError, match="the same hours and levels"):
        sample_paths(forecast.iloc[:-1], nothing(2))
    later = forecast.assign(issued_at=forecast["issued_at"] + pd.Timedelta(hours=24))
    with pytest.raises(ValueError, match="paths are of one issued_at"):
        sample_paths(pd.concat([forecast, later]), nothing(2))
    with pytest.raises(ValueError, match="paths are of hours, PT1H; the forecast is of P1D"):
        sample_paths(forecast.assign(period="P1D"), nothing(2))
    with pytest.raises(ValueError, match="can't shape a forecast of"):
        sample_paths(forecast, nothing(1))
    with pytest.raises(ValueError, match="the forecast has none"):
        sample_paths(forecast.iloc[:0], nothing(2))
