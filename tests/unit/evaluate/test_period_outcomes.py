from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from unit.evaluate.forecast_rows import came

from forecasting.config import ConfigError, Settings
from forecasting.evaluate import period_outcomes, score_by, scored_hours
from forecasting.models import Climatology, period_forecast, sample_paths
from forecasting.models.interface import forecast_frame
from forecasting.schema import Target

pytestmark = pytest.mark.unit

MIDNIGHT = pd.Timestamp("2026-10-31", tz="America/New_York").tz_convert("UTC")


def test_arrivals_are_summed_and_census_averaged_over_a_days_true_length(settings: Settings) -> None:
    hours = came(np.ones(49), first=MIDNIGHT)
    census = came(np.arange(49.0), target="bed_census", unit_id="icu", first=MIDNIGHT)
    days = period_outcomes(pd.concat([hours, census]), settings, ["P1D"]).set_index(["target", "valid_at"])
    assert days["value"]["ed_arrivals"].tolist() == [24.0, 25.0]
    assert days["value"]["bed_census"].tolist() == [11.5, 36.0]


@pytest.mark.parametrize("gap", ["nan", "row"])
def test_a_block_with_a_missing_hour_is_missing(settings: Settings, gap: str) -> None:
    hours = came(np.ones(49), first=MIDNIGHT)
    broken = (
        hours.drop(index=30) if gap == "row" else hours.assign(value=hours["value"].mask(hours.index == 30))
    )
    days = period_outcomes(broken, settings, ["P1D"])
    assert days["value"].isna().tolist() == [False, True]


def test_a_period_that_no_series_fills_has_no_rows(settings: Settings) -> None:
    assert period_outcomes(came(np.ones(10)), settings, ["P1D"]).empty
    nothing = period_outcomes(came(np.ones(0)), settings, ["P1D"])
    assert nothing.columns.tolist() == ["target", "site_id", "unit_id", "period", "valid_at", "value"]


def test_an_unknown_site_is_named(settings: Settings) -> None:
    with pytest.raises(ConfigError, match="site 'east' is not configured"):
        period_outcomes(came(np.ones(48), site_id="east"), settings, ["P1D"])


def test_forecasts_of_shifts_and_days_meet_their_outcomes(settings: Settings) -> None:
    levels = settings.horizon.quantile_levels
    issued_at = MIDNIGHT.to_pydatetime()
    quantiles = {("north", "ed"): np.full((72, len(levels)), 5.0) + np.arange(len(levels))}
    hourly = forecast_frame(quantiles, levels, issued_at, Target.ED_ARRIVALS, Climatology.name, "1")
    periods = ["PT8H", "PT12H", "P1D"]
    forecast = period_forecast(sample_paths(hourly, np.empty((0, 1, 72))), settings, periods)
    outcomes = period_outcomes(came(np.full(72, 8.0), first=MIDNIGHT), settings, periods)
    table = score_by(scored_hours(forecast, outcomes), ["period"]).set_index("period")
    # 72 hours from midnight, one of them the clock's: eight thirds, five shifts and two days are whole.
    assert table["hours"].to_dict() == {"P1D": 2, "PT12H": 5, "PT8H": 8}
    assert table["bias"]["P1D"] == pytest.approx(0, abs=6)
