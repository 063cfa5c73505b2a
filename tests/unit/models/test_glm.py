from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from scipy.stats import nbinom, poisson

from forecasting.config import Settings
from forecasting.models import Glm
from forecasting.models.glm.model import clustering
from forecasting.schema import FORECAST, OBSERVATION, Target

pytestmark = pytest.mark.unit

Build = Callable[..., pd.DataFrame]
Rate = Callable[[pd.DatetimeIndex], np.ndarray]
ARRIVALS = Target.ED_ARRIVALS
NORTH = ("north", "ed")
DAY = timedelta(days=1)


def usual(local: pd.DatetimeIndex) -> np.ndarray:
    """Busy afternoons, quiet nights, busier Mondays."""
    wave = 1 + 0.6 * np.sin(2 * np.pi * (local.hour - 9) / 24)
    return np.asarray(6.0 * wave * np.where(local.weekday == 0, 1.15, 1.0))


def came(
    issued_at: datetime, days: int, rate: Rate = usual, dispersion: float = 1.0, seed: int = 5
) -> pd.DataFrame:
    """Counts of the ED in the north up to the issue time, of a rate at its local hours."""
    hours = pd.date_range(issued_at - days * DAY, issued_at, freq="h", inclusive="left")
    mean = rate(hours.tz_convert("America/New_York"))
    random = np.random.default_rng(seed)
    if dispersion > 1:
        values = random.negative_binomial(mean / (dispersion - 1), 1 / dispersion)
    else:
        values = random.poisson(mean)
    site_id, unit_id = NORTH
    table = {"site_id": site_id, "unit_id": unit_id, "target": ARRIVALS.value, "valid_at": hours}
    return OBSERVATION.conform(pd.DataFrame({**table, "value": values.astype(float)}))


def spoken(
    panel: pd.DataFrame, settings: Settings, issued_at: datetime, target: Target = ARRIVALS
) -> pd.DataFrame:
    return Glm.fit(panel, settings, issued_at, target).predict(panel, issued_at)


def means(panel: pd.DataFrame, settings: Settings, issued_at: datetime) -> np.ndarray:
    return Glm.fit(panel, settings, issued_at, ARRIVALS).means(panel, issued_at)[NORTH]


def true_rate(rate: Rate, settings: Settings, issued_at: datetime) -> np.ndarray:
    hours = pd.date_range(issued_at, periods=settings.lead_hours, freq="h")
    return rate(hours.tz_convert("America/New_York"))


def wide(forecast: pd.DataFrame) -> pd.DataFrame:
    return forecast.pivot_table(index=["site_id", "unit_id", "valid_at"], columns="quantile", values="value")


@pytest.mark.parametrize("target", list(Target))
@pytest.mark.parametrize("days", [2, 60])
def test_it_forecasts_every_hour_level_and_series_in_the_forecast_table(
    observations: Build, panel_of: Build, settings: Settings, issued_at: datetime, target: Target, days: int
) -> None:
    forecast = spoken(panel_of(observations(days), target), settings, issued_at, target)
    pd.testing.assert_frame_equal(FORECAST.conform(forecast), forecast)
    series = 2 if target is ARRIVALS else 4
    assert len(forecast) == series * settings.lead_hours * len(settings.horizon.quantile_levels)
    assert set(forecast["model"]) == {"glm"}
    assert np.isfinite(forecast["value"]).all()
    assert (wide(forecast).diff(axis=1).iloc[:, 1:] >= 0).all(axis=None)
    assert (forecast["value"] >= 0).all()


def test_a_known_week_is_found_again(panel_of: Build, settings: Settings, issued_at: datetime) -> None:
    panel = panel_of(came(issued_at, 300), ARRIVALS)
    truth = true_rate(usual, settings, issued_at)
    assert np.abs(means(panel, settings, issued_at) / truth - 1).mean() < 0.04


def test_a_week_of_history_is_enough_for_the_shape_of_the_day(
    panel_of: Build, settings: Settings, issued_at: datetime
) -> None:
    panel = panel_of(came(issued_at, 8), ARRIVALS)
    truth = true_rate(usual, settings, issued_at)
    assert np.abs(means(panel, settings, issued_at) / truth - 1).mean() < 0.2


@pytest.mark.parametrize("dispersion", [1.0, 1.8])
def test_counts_spread_as_they_did(
    panel_of: Build, settings: Settings, issued_at: datetime, dispersion: float
) -> None:
    panel = panel_of(came(issued_at, 250, dispersion=dispersion), ARRIVALS)
    fitted = Glm.fit(panel, settings, issued_at, ARRIVALS)
    assert fitted.regressions[NORTH].dispersion == pytest.approx(dispersion, abs=0.1)
    truth = true_rate(usual, settings, issued_at)
    law = nbinom(truth / (dispersion - 1), 1 / dispersion) if dispersion > 1 else poisson(truth)
    interval = wide(fitted.predict(panel, issued_at))
    inside = law.cdf(interval[0.95].to_numpy()) - law.cdf(interval[0.05].to_numpy() - 1)
    assert 0.89 < inside.mean() < 0.97


def test_seasons_are_foretold_and_not_only_followed(
    panel_of: Build, settings: Settings, issued_at: datetime
) -> None:
    def seasonal(local: pd.DatetimeIndex) -> np.ndarray:
        return np.asarray(usual(local) * (1 + 0.2 * np.sin(2 * np.pi * local.dayofyear / 365.25)))

    panel = panel_of(came(issued_at, 800, seasonal), ARRIVALS)
    expected = Glm.fit(panel, settings, issued_at, ARRIVALS).regressions[NORTH].expected(panel)
    by_quarter = pd.Series(expected).groupby(panel["valid_at"].dt.quarter).mean()
    assert by_quarter[1] / by_quarter[3] > 1.25


def test_a_month_that_is_busy_every_year_is_foretold(panel_of: Build, settings: Settings) -> None:
    """As in a university's town when its terms begin: the forecast of the first week of September."""
    before = datetime.fromisoformat("2026-09-01T07:00+00:00")

    def busy_september(local: pd.DatetimeIndex) -> np.ndarray:
        return np.asarray(usual(local) * np.where(local.month == 9, 1.15, 1.0))

    panel = panel_of(came(before, 1430, busy_september), ARRIVALS, before)
    ratio = means(panel, settings, before).sum() / true_rate(usual, settings, before).sum()
    assert ratio > 1.05


def test_a_holiday_is_quieter_where_holidays_were(panel_of: Build, settings: Settings) -> None:
    """The forecast of 4 July 2026 and of the days about it."""
    before = datetime.fromisoformat("2026-07-01T07:00+00:00")

    def quiet_fourth(local: pd.DatetimeIndex) -> np.ndarray:
        fourth = (local.month == 7) & (local.day == 4)
        return np.asarray(usual(local) * np.where(fourth, 0.6, 1.0))

    history = came(before, 1090, quiet_fourth)
    panel = panel_of(history, ARRIVALS, before)
    ratio = means(panel, settings, before) / true_rate(usual, settings, before)
    # From 03:00 on 1 July in New York.
    assert ratio[69:93].mean() < 0.8
    assert ratio[:45].mean() == pytest.approx(1.0, abs=0.06)


@pytest.mark.parametrize("days", [400, 800])
@pytest.mark.parametrize("factor", [0.6, 1.5])
@pytest.mark.parametrize("since", [8, 21])
def test_a_change_of_level_is_followed_after_a_week(
    panel_of: Build, settings: Settings, issued_at: datetime, factor: float, days: int, since: int
) -> None:
    changed_on = pd.Timestamp(issued_at - since * DAY)

    def changed(local: pd.DatetimeIndex) -> np.ndarray:
        return np.asarray(usual(local) * np.where(local >= changed_on, factor, 1.0))

    panel = panel_of(came(issued_at, days, changed), ARRIVALS)
    ratio = means(panel, settings, issued_at).sum() / true_rate(usual, settings, issued_at).sum()
    assert ratio == pytest.approx(factor, rel=0.06)


def test_years_of_growth_are_followed(panel_of: Build, settings: Settings, issued_at: datetime) -> None:
    def growing(local: pd.DatetimeIndex) -> np.ndarray:
        years = np.asarray((local - pd.Timestamp(issued_at)).total_seconds()) / (365.25 * 86400)
        return np.asarray(usual(local) * 1.2**years)

    panel = panel_of(came(issued_at, 900, growing), ARRIVALS)
    expected = means(panel, settings, issued_at).sum()
    assert expected == pytest.approx(true_rate(growing, settings, issued_at).sum(), rel=0.035)


def test_census_starts_from_where_it_is_and_returns(
    observations: Build, panel_of: Build, settings: Settings, issued_at: datetime
) -> None:
    history = observations(120)
    ward = (history["unit_id"] == "ward") & (history["target"] == Target.BED_CENSUS.value)
    recent = history["valid_at"] >= issued_at - timedelta(hours=3)
    history.loc[ward & recent, "value"] = 24.0
    median = wide(spoken(panel_of(history, Target.BED_CENSUS), settings, issued_at, Target.BED_CENSUS))[0.5]
    usual_census = history.loc[ward & ~recent, "value"].mean()
    assert median.loc["west", "ward"].iloc[0] > usual_census + 5
    assert abs(median.loc["west", "ward"].iloc[-1] - usual_census) < 3


@examples(deadline=None, max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(target=st.sampled_from(list(Target)), hours_back=st.integers(1, 400), value=st.floats(0, 1e4))
def test_values_at_or_after_the_issue_time_change_nothing(
    observations: Build,
    panel_of: Build,
    settings: Settings,
    issued_at: datetime,
    target: Target,
    hours_back: int,
    value: float,
) -> None:
    earlier = issued_at - timedelta(hours=hours_back)
    panel = panel_of(observations(25), target)
    other = panel.assign(value=panel["value"].mask(panel["valid_at"] >= earlier, value))
    pd.testing.assert_frame_equal(
        spoken(panel, settings, earlier, target), spoken(other, settings, earlier, target)
    )


@pytest.mark.parametrize("target", list(Target))
@pytest.mark.parametrize("constant", [0.0, 7.0])
def test_a_constant_series_is_forecast_near_its_constant(
    observations: Build,
    panel_of: Build,
    settings: Settings,
    issued_at: datetime,
    target: Target,
    constant: float,
) -> None:
    panel = panel_of(observations(60).assign(value=constant), target)
    median = wide(spoken(panel, settings, issued_at, target))[0.5]
    assert np.abs(median - constant).max() <= 0.5


@pytest.mark.parametrize("target", list(Target))
def test_gaps_outages_and_a_silent_last_month_are_forecast(
    observations: Build, panel_of: Build, settings: Settings, issued_at: datetime, target: Target
) -> None:
    history = observations(120)
    ago = issued_at - history["valid_at"]
    out = (ago < 30 * DAY) | ((ago > 60 * DAY) & (ago < 80 * DAY))
    patchy = history[~out & (np.random.default_rng(0).random(len(history)) > 0.3)]
    forecast = spoken(panel_of(patchy, target), settings, issued_at, target)
    assert np.isfinite(forecast["value"]).all()
    whole = history[(history["target"] == target.value) & (history["unit_id"] == "ed")]["value"].mean()
    median = forecast[(forecast["quantile"] == 0.5) & (forecast["unit_id"] == "ed")]["value"].mean()
    assert median == pytest.approx(whole, rel=0.25)


@pytest.mark.parametrize("hours", [1, 5, 30])
@pytest.mark.parametrize("target", list(Target))
def test_a_few_hours_of_history_are_no_crash(
    observations: Build, panel_of: Build, settings: Settings, issued_at: datetime, target: Target, hours: int
) -> None:
    history = observations(5)
    history = history[history["valid_at"] >= issued_at - timedelta(hours=hours)]
    forecast = spoken(panel_of(history, target), settings, issued_at, target)
    assert len(forecast)
    assert np.isfinite(forecast["value"]).all()


def test_a_unit_that_opened_later_is_left_to_another_model(
    observations: Build, panel_of: Build, settings: Settings, issued_at: datetime
) -> None:
    history = observations(60)
    opened = issued_at - 5 * DAY
    history = history[(history["unit_id"] != "icu") | (history["valid_at"] >= opened)]
    panel = panel_of(history, Target.BED_CENSUS)
    assert set(spoken(panel, settings, opened, Target.BED_CENSUS)["unit_id"]) == {"ed", "ward"}


def test_no_series_gives_an_empty_forecast(
    observations: Build, panel_of: Build, settings: Settings, issued_at: datetime
) -> None:
    panel = panel_of(observations(5).iloc[:0], ARRIVALS)
    pd.testing.assert_frame_equal(spoken(panel, settings, issued_at), FORECAST.empty())


def test_hours_that_move_together_by_the_day_tell_less() -> None:
    random = np.random.default_rng(3)
    days = random.gamma(20.0, 1 / 20.0, 600)
    together = random.poisson(6.0 * np.repeat(days, 24)).astype(float)
    # Variance of a day's total over its mean: 1 + 144 / 20.
    assert clustering(together) == pytest.approx(8.2, rel=0.2)
    assert clustering(random.poisson(6.0, 600 * 24).astype(float)) == pytest.approx(1.0, abs=0.15)


def test_a_change_of_regime_a_weekly_shape_and_gaps_are_not_taken_for_clustering() -> None:
    random = np.random.default_rng(4)
    rate = np.where(np.arange(600) % 7 < 2, 5.0, np.r_[np.full(300, 9.0), np.full(300, 5.0)])
    values = random.poisson(np.repeat(rate, 24)).astype(float)
    values[random.integers(0, len(values), 20)] = np.nan
    assert clustering(values) < 1.3
    assert clustering(np.full(10 * 24, np.nan)) == clustering(np.ones(5)) == 1.0


@pytest.mark.parametrize("target", list(Target))
def test_its_smooth_quantiles_lie_within_half_a_patient_of_the_whole_ones(
    observations: Callable[..., pd.DataFrame],
    panel_of: Callable[..., pd.DataFrame],
    settings: Settings,
    issued_at: datetime,
    target: Target,
) -> None:
    panel = panel_of(observations(60), target)
    fitted = Glm.fit(panel, settings, issued_at, target)
    between, whole = fitted.smooth(panel, issued_at), fitted.predict(panel, issued_at)
    assert (between["value"] - whole["value"]).abs().max() <= 0.5 + 1e-9
    assert set(between["model"]) == {"glm"}
