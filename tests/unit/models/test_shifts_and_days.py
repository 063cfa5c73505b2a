from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm, poisson

from forecasting.config import Settings
from forecasting.models import shifts_and_days
from forecasting.models.interface import forecast_frame
from forecasting.models.shifts_and_days import TOO_SHORT
from forecasting.schema import FORECAST, Target

pytestmark = pytest.mark.unit

LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
ISSUED_AT = datetime.fromisoformat("2026-06-10T07:00+00:00")
WEEKS, LEAD_HOURS = 40, 168
RATE = 9.0


def hourly(note: str = "") -> pd.DataFrame:
    quantiles = np.tile(poisson.ppf(LEVELS, RATE), (LEAD_HOURS, 1))
    series = {("north", "ed"): quantiles, ("north", "icu"): quantiles}
    return forecast_frame(series, LEVELS, ISSUED_AT, Target.ED_ARRIVALS, "glm", "2").assign(note=note)


def outcomes(day_shock: float = 0.0, weeks: int = WEEKS, hours_after: int = 0) -> pd.DataFrame:
    """Two units whose days are busier or quieter than usual, hour for hour up to the issue time and on."""
    first = ISSUED_AT - timedelta(weeks=weeks)
    times = pd.date_range(first, ISSUED_AT + timedelta(hours=hours_after), freq="h", inclusive="left")
    random = np.random.default_rng(3)
    day = times.tz_convert("America/New_York").normalize().factorize()[0]
    rate = RATE * np.exp(day_shock * random.normal(size=day.max() + 1))[day]
    frames = [
        pd.DataFrame(
            {"site_id": "north", "unit_id": unit_id, "valid_at": times, "value": random.poisson(rate)}
        )
        for unit_id in ("ed", "icu")
    ]
    return pd.concat(frames, ignore_index=True).assign(target="ed_arrivals").astype({"value": float})


def width(told: pd.DataFrame, period: str = "P1D", unit_id: str = "ed") -> float:
    rows = told[(told["period"] == period) & (told["unit_id"] == unit_id)]
    wide = rows.pivot_table(index="valid_at", columns="quantile", values="value")
    return float((wide[0.9] - wide[0.1]).mean())


def test_every_period_is_told_of_every_series_by_the_model_of_its_hours(settings: Settings) -> None:
    told = shifts_and_days(hourly("no model is trained yet"), outcomes(), settings)
    pd.testing.assert_frame_equal(told, FORECAST.conform(told))
    blocks = told.groupby(["unit_id", "period"])["valid_at"].nunique()
    assert blocks.to_dict() == {
        (unit_id, period): count
        for unit_id in ("ed", "icu")
        for period, count in (("P1D", 6), ("PT12H", 13), ("PT8H", 20))
    }
    assert set(told["model"] + told["model_version"] + told["note"]) == {"glm2no model is trained yet"}


def test_days_of_which_all_hours_were_busy_or_quiet_widen_the_day(settings: Settings) -> None:
    independent = 2 * norm.ppf(0.9) * np.sqrt(24 * RATE)
    assert width(shifts_and_days(hourly(), outcomes(), settings)) == pytest.approx(independent, rel=0.15)
    assert width(shifts_and_days(hourly(), outcomes(day_shock=0.3), settings)) > 1.7 * independent


def test_a_series_with_too_little_past_is_told_too_widely_and_says_so(settings: Settings) -> None:
    known = outcomes()
    young = known[(known["unit_id"] == "ed") | (known["valid_at"] >= ISSUED_AT - timedelta(weeks=3))]
    told = shifts_and_days(hourly("It is quiet."), young, settings)
    assert told.groupby("unit_id")["note"].agg(set).to_dict() == {
        "ed": {"It is quiet."},
        "icu": {f"It is quiet. {TOO_SHORT}"},
    }
    together = 24 * float(poisson.ppf(0.9, RATE) - poisson.ppf(0.1, RATE))
    assert width(told, unit_id="icu") == pytest.approx(together, rel=0.02)
    assert width(told, unit_id="ed") < together / 2


def test_without_any_past_all_series_are_told_too_widely(settings: Settings) -> None:
    told = shifts_and_days(hourly(), outcomes().iloc[:0], settings)
    assert set(told["note"]) == {TOO_SHORT}


def test_nothing_at_or_after_the_issue_time_changes_anything(settings: Settings) -> None:
    known = outcomes(0.2, hours_after=200)
    changed = known.assign(value=known["value"].where(known["valid_at"] < ISSUED_AT, 999.0))
    one, other = (shifts_and_days(hourly(), frame, settings, 5) for frame in (known, changed))
    pd.testing.assert_frame_equal(one, other)


def test_no_hours_make_no_days(settings: Settings) -> None:
    assert shifts_and_days(FORECAST.empty(), outcomes(), settings).empty
