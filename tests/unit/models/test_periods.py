from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd
import pytest
from scipy.stats import poisson

from forecasting.config import Settings
from forecasting.models import period_forecast, sample_paths
from forecasting.models.interface import forecast_frame
from forecasting.schema import FORECAST, Target

pytestmark = pytest.mark.unit

LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
PERIODS = ["PT8H", "PT12H", "P1D"]
FALL = datetime.fromisoformat("2026-10-31T07:00+00:00")  # 03:00 in New York, a day before clocks go back


def spoken(target: Target, rate: float, issued_at: datetime = FALL, hours: int = 96) -> pd.DataFrame:
    quantiles = np.tile(poisson.ppf(LEVELS, rate), (hours, 1))
    series = {("north", "ed"): quantiles, ("west", "ed"): quantiles}
    return forecast_frame(series, LEVELS, issued_at, target, "tft", "4").assign(note="who knows")


def forecast_of(target: Target, rate: float, settings: Settings) -> pd.DataFrame:
    return period_forecast(sample_paths(spoken(target, rate), np.empty((0, 2, 96))), settings, PERIODS)


def test_arrivals_of_a_block_are_summed_over_its_true_length(settings: Settings) -> None:
    table = forecast_of(Target.ED_ARRIVALS, 9.0, settings)
    pd.testing.assert_frame_equal(table, FORECAST.conform(table))
    days = table[(table["period"] == "P1D") & (table["site_id"] == "north") & (table["quantile"] == 0.5)]
    local = days["valid_at"].dt.tz_convert("America/New_York")
    assert local.dt.strftime("%m-%d %H").tolist() == ["11-01 00", "11-02 00", "11-03 00"]
    assert days["value"].to_numpy() == pytest.approx([9 * 25, 9 * 24, 9 * 24], rel=0.02)
    assert set(table["model"] + table["model_version"] + table["note"]) == {"tft4who knows"}


def test_each_site_has_its_own_clock(settings: Settings) -> None:
    table = forecast_of(Target.ED_ARRIVALS, 9.0, settings)
    for site in settings.sites:
        mine = table[table["site_id"] == site.site_id]
        starts = mine["valid_at"].dt.tz_convert(site.zone).dt.hour.groupby(mine["period"]).agg(set)
        assert starts.to_dict() == {"PT8H": {0, 8, 16}, "PT12H": {7, 19}, "P1D": {0}}


def test_a_census_is_averaged(settings: Settings) -> None:
    table = forecast_of(Target.BED_CENSUS, 30.0, settings)
    medians = table[table["quantile"] == 0.5]
    assert medians["value"].to_numpy() == pytest.approx(np.full(len(medians), 30.0), abs=0.5)


def test_independent_hours_make_a_day_as_wide_as_its_own_poisson_law(settings: Settings) -> None:
    table = forecast_of(Target.ED_ARRIVALS, 9.0, settings)
    day = table[(table["period"] == "P1D") & (table["site_id"] == "west")].groupby("quantile")["value"].mean()
    expected = np.asarray(poisson.ppf(LEVELS, 9.0 * np.array([25, 24])[:, None])).mean(axis=0)
    assert np.abs(day.to_numpy() - expected).max() < 6


def test_a_forecast_shorter_than_a_block_has_none(settings: Settings) -> None:
    short = spoken(Target.ED_ARRIVALS, 9.0, hours=6)
    assert period_forecast(sample_paths(short, np.empty((0, 2, 6))), settings, PERIODS).empty
