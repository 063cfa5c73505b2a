from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import nbinom, poisson

from forecasting.config import Settings
from forecasting.models import Climatology, backcast
from forecasting.models.baseline import count_quantiles
from forecasting.schema import FORECAST, Target

pytestmark = pytest.mark.unit

Build = Callable[..., pd.DataFrame]


def spoken(panel: pd.DataFrame, settings: Settings, issued_at: datetime, target: Target) -> pd.DataFrame:
    return Climatology.fit(panel, settings, issued_at, target).predict(panel, issued_at)


def wide(forecast: pd.DataFrame) -> pd.DataFrame:
    return forecast.pivot_table(index=["site_id", "unit_id", "valid_at"], columns="quantile", values="value")


def mean_pinball(forecast: pd.DataFrame, outcomes: pd.DataFrame) -> float:
    joined = forecast.merge(
        outcomes, on=["site_id", "unit_id", "target", "valid_at"], suffixes=("", "_outcome")
    )
    error = joined["value_outcome"] - joined["value"]
    return float(np.maximum(joined["quantile"] * error, (joined["quantile"] - 1) * error).mean())


@pytest.mark.parametrize("target", list(Target))
def test_it_forecasts_every_hour_level_and_series_in_the_forecast_table(
    observations: Build, panel_of: Build, settings: Settings, issued_at: datetime, target: Target
) -> None:
    forecast = spoken(panel_of(observations(60), target), settings, issued_at, target)
    pd.testing.assert_frame_equal(FORECAST.conform(forecast), forecast)
    series = 2 if target is Target.ED_ARRIVALS else 4
    assert len(forecast) == series * settings.lead_hours * len(settings.horizon.quantile_levels)
    assert forecast["valid_at"].min() == issued_at
    assert forecast["valid_at"].max() == issued_at + timedelta(hours=settings.lead_hours - 1)
    assert set(forecast["model"]) == {"climatology"}
    assert set(forecast["note"]) == {""}
    assert (wide(forecast).diff(axis=1).iloc[:, 1:] >= 0).all(axis=None)
    assert (forecast["value"] >= 0).all()


@pytest.mark.parametrize("target", list(Target))
def test_two_weeks_with_gaps_are_enough(
    observations: Build, panel_of: Build, settings: Settings, issued_at: datetime, target: Target
) -> None:
    history = observations(14)
    history = history[np.random.default_rng(0).random(len(history)) > 0.3]
    forecast = spoken(panel_of(history, target), settings, issued_at, target)
    assert np.isfinite(forecast["value"]).all()
    assert (forecast.groupby(["site_id", "unit_id"]).size() == 7 * settings.lead_hours).all()


def test_arrivals_are_forecast_nearly_as_well_as_by_someone_who_knows_the_rate(
    observations: Build, panel_of: Build, settings: Settings, issued_at: datetime
) -> None:
    every = observations(200, days_after=8)
    forecast = spoken(panel_of(every, Target.ED_ARRIVALS), settings, issued_at, Target.ED_ARRIVALS)
    hours = forecast["valid_at"]
    local = np.where(
        forecast["site_id"] == "north",
        hours.dt.tz_convert("America/New_York").dt.hour,
        hours.dt.tz_convert("America/Los_Angeles").dt.hour,
    )
    beds = np.where(forecast["site_id"] == "north", 30, 16)
    rate = beds / 8 * (1 + 0.7 * np.sin(2 * np.pi * (local - 9) / 24))
    knowing = forecast.assign(value=poisson.ppf(forecast["quantile"], rate))
    assert mean_pinball(forecast, every) < 1.03 * mean_pinball(knowing, every)


def test_census_starts_from_where_it_is_and_returns_to_its_climate(
    observations: Build, panel_of: Build, settings: Settings, issued_at: datetime
) -> None:
    history = observations(120)
    ward = (history["unit_id"] == "ward") & (history["target"] == Target.BED_CENSUS.value)
    recent = history["valid_at"] >= issued_at - timedelta(hours=3)
    history.loc[ward & recent, "value"] = 24.0
    forecast = spoken(panel_of(history, Target.BED_CENSUS), settings, issued_at, Target.BED_CENSUS)
    median = wide(forecast).loc[("west", "ward"), 0.5]
    usual = history.loc[ward & ~recent, "value"].mean()
    assert median.iloc[0] > usual + 5
    assert abs(median.iloc[-1] - usual) < 3


def test_census_is_less_sure_of_later_hours(
    observations: Build, panel_of: Build, settings: Settings, issued_at: datetime
) -> None:
    forecast = spoken(panel_of(observations(150), Target.BED_CENSUS), settings, issued_at, Target.BED_CENSUS)
    width = wide(forecast)[0.95] - wide(forecast)[0.05]
    for _, by_hour in width.groupby(["site_id", "unit_id"]):
        assert by_hour.iloc[0] < by_hour.iloc[24] <= by_hour.iloc[96:].mean() + 1


@pytest.mark.parametrize("target", list(Target))
def test_its_90_percent_interval_holds_about_90_percent_of_what_comes(
    observations: Build, panel_of: Build, settings: Settings, issued_at: datetime, target: Target
) -> None:
    every = observations(230)
    panel = panel_of(every, target)
    nights = [issued_at - timedelta(days=day) for day in range(8, 88, 8)]
    forecast = backcast(lambda known, at: spoken(known, settings, at, target), panel, nights)
    bounds = forecast.pivot_table(
        index=["issued_at", "site_id", "unit_id", "valid_at"], columns="quantile", values="value"
    ).reset_index()
    joined = bounds.merge(every[every["target"] == target.value], on=["site_id", "unit_id", "valid_at"])
    inside = (joined["value"] >= joined[0.05]) & (joined["value"] <= joined[0.95])
    assert 0.85 < inside.mean() < 0.97


def test_a_site_that_has_grown_is_forecast_near_its_new_level(
    observations: Build, panel_of: Build, settings: Settings, issued_at: datetime
) -> None:
    before, now = observations(150), observations(150, factor=1.5)
    grown = pd.concat(
        [
            before[before["valid_at"] < issued_at - timedelta(days=28)],
            now[now["valid_at"] >= issued_at - timedelta(days=28)],
        ]
    )
    arrivals = Target.ED_ARRIVALS
    small, large = (
        spoken(panel_of(history, arrivals), settings, issued_at, arrivals) for history in (before, grown)
    )
    ratio = wide(large)[0.5].sum() / wide(small)[0.5].sum()
    assert 1.3 < ratio < 1.5


def test_it_does_not_look_at_values_from_the_issue_time_on(
    observations: Build, panel_of: Build, settings: Settings, issued_at: datetime
) -> None:
    target, earlier = Target.BED_CENSUS, issued_at - timedelta(days=10)
    panel = panel_of(observations(100), target)
    later = panel["valid_at"] >= earlier
    other = panel.assign(value=panel["value"].mask(later, 999.0))
    pd.testing.assert_frame_equal(
        spoken(panel, settings, earlier, target), spoken(other, settings, earlier, target)
    )


def test_a_unit_that_was_never_seen_before_the_issue_time_has_no_forecast(
    observations: Build, panel_of: Build, settings: Settings, issued_at: datetime
) -> None:
    history = observations(60)
    opened = issued_at - timedelta(days=5)
    history = history[(history["unit_id"] != "icu") | (history["valid_at"] >= opened)]
    panel = panel_of(history, Target.BED_CENSUS)
    forecast = spoken(panel, settings, opened, Target.BED_CENSUS)
    assert set(forecast["unit_id"]) == {"ed", "ward"}


def test_an_empty_unit_is_forecast_as_nearly_empty(
    observations: Build, panel_of: Build, settings: Settings, issued_at: datetime
) -> None:
    history = observations(60).assign(value=0.0)
    for target in Target:
        forecast = spoken(panel_of(history, target), settings, issued_at, target)
        assert (forecast["value"] <= 1).all()


def test_no_series_gives_an_empty_forecast(
    observations: Build, panel_of: Build, settings: Settings, issued_at: datetime
) -> None:
    panel = panel_of(observations(5).iloc[:0], Target.BED_CENSUS)
    forecast = spoken(panel, settings, issued_at, Target.BED_CENSUS)
    pd.testing.assert_frame_equal(forecast, FORECAST.empty())


def test_a_year_of_a_series_takes_well_under_a_second(
    observations: Build, panel_of: Build, settings: Settings, issued_at: datetime
) -> None:
    panel = panel_of(observations(370), Target.BED_CENSUS)
    began = time.process_time()
    spoken(panel, settings, issued_at, Target.BED_CENSUS)
    assert (time.process_time() - began) / 4 < 0.5


@given(mean=st.floats(0.05, 300), dispersion=st.floats(1.02, 4))
def test_count_quantiles_are_those_of_a_negative_binomial_of_that_mean_and_variance(
    mean: float, dispersion: float
) -> None:
    size, share = mean / (dispersion - 1), 1 / dispersion
    assert nbinom.mean(size, share) == pytest.approx(mean)
    assert nbinom.var(size, share) == pytest.approx(mean * dispersion)
    levels = (0.1, 0.5, 0.9)
    quantiles = count_quantiles(np.array([mean]), dispersion, levels)[0]
    for level, quantile in zip(levels, quantiles, strict=True):
        assert nbinom.cdf(quantile, size, share) >= level - 1e-9
        assert quantile == 0 or nbinom.cdf(quantile - 1, size, share) < level + 1e-9
