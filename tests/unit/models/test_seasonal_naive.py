from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from forecasting.config import Settings
from forecasting.models import SeasonalNaive
from forecasting.schema import FORECAST, Target

pytestmark = pytest.mark.unit

Build = Callable[..., pd.DataFrame]


def spoken(panel: pd.DataFrame, settings: Settings, issued_at: datetime, target: Target) -> pd.DataFrame:
    return SeasonalNaive.fit(panel, settings, issued_at, target).predict(panel, issued_at)


@pytest.mark.parametrize("target", list(Target))
def test_the_forecast_has_every_hour_level_and_series(
    observations: Build, panel_of: Build, settings: Settings, issued_at: datetime, target: Target
) -> None:
    forecast = spoken(panel_of(observations(60), target), settings, issued_at, target)
    pd.testing.assert_frame_equal(FORECAST.conform(forecast), forecast)
    series = 2 if target is Target.ED_ARRIVALS else 4
    assert len(forecast) == series * settings.lead_hours * len(settings.horizon.quantile_levels)
    assert set(forecast["model"]) == {"seasonal_naive"}


def test_an_hour_has_the_quantiles_of_the_last_eight_weeks_of_its_local_hour(
    observations: Build, panel_of: Build, settings: Settings, issued_at: datetime
) -> None:
    history = observations(100)
    forecast = spoken(panel_of(history, Target.BED_CENSUS), settings, issued_at, Target.BED_CENSUS)
    hour = pd.Timestamp(issued_at) + pd.Timedelta(hours=30)
    past = [hour - pd.Timedelta(weeks=week) for week in range(1, 9)]
    ward = history[(history["unit_id"] == "ward") & (history["target"] == Target.BED_CENSUS.value)]
    expected = np.quantile(ward.set_index("valid_at").loc[past, "value"], settings.horizon.quantile_levels)
    said = forecast[(forecast["unit_id"] == "ward") & (forecast["valid_at"] == hour)]["value"]
    assert said.to_numpy() == pytest.approx(expected)


def test_an_hour_not_seen_for_eight_weeks_takes_the_quantiles_of_all_hours(
    observations: Build, panel_of: Build, settings: Settings, issued_at: datetime
) -> None:
    history = observations(3)
    forecast = spoken(panel_of(history, Target.BED_CENSUS), settings, issued_at, Target.BED_CENSUS)
    unseen = forecast["valid_at"] == issued_at + timedelta(hours=30)
    icu = history[(history["unit_id"] == "icu")]["value"]
    said = forecast[unseen & (forecast["unit_id"] == "icu")]["value"]
    assert said.to_numpy() == pytest.approx(np.quantile(icu, settings.horizon.quantile_levels))


def test_a_series_silent_for_eight_weeks_has_none(
    observations: Build, panel_of: Build, settings: Settings, issued_at: datetime
) -> None:
    history = observations(90)
    silent = (history["unit_id"] == "icu") & (history["valid_at"] >= issued_at - timedelta(days=57))
    forecast = spoken(panel_of(history[~silent], Target.BED_CENSUS), settings, issued_at, Target.BED_CENSUS)
    assert set(forecast["unit_id"]) == {"ed", "ward"}


def test_it_does_not_look_at_values_from_the_issue_time_on(
    observations: Build, panel_of: Build, settings: Settings, issued_at: datetime
) -> None:
    target, earlier = Target.ED_ARRIVALS, issued_at - timedelta(days=10)
    panel = panel_of(observations(80), target)
    other = panel.assign(value=panel["value"].mask(panel["valid_at"] >= earlier, 999.0))
    pd.testing.assert_frame_equal(
        spoken(panel, settings, earlier, target), spoken(other, settings, earlier, target)
    )
