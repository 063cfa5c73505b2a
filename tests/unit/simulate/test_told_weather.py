"""A weather service for simulated hospitals: it tells what came, and errs the more the further ahead."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from forecasting.config import Settings, Weather
from forecasting.simulate import Hospital, simulate
from forecasting.simulate.told_weather import ERROR_SD, FORECAST_DAYS

pytestmark = pytest.mark.unit

START, UNTIL = datetime(2023, 1, 1, 5, tzinfo=UTC), datetime(2024, 1, 1, 5, tzinfo=UTC)


def hospital(settings: Settings, temperature: str, until: datetime = UNTIL) -> Hospital:
    one = settings.model_copy(
        update={"sites": settings.sites[:1], "weather": Weather.model_validate({"temperature": temperature})}
    )
    return simulate(one, START, until, seed=11)


@pytest.fixture(scope="module")
def told(settings: Settings) -> Hospital:
    return hospital(settings, "celsius")


def test_errors_grow_with_the_lead(told: Hospital) -> None:
    rows = told.weather
    observed = rows[rows["issued_at"] == rows["valid_at"]].set_index("valid_at")["temperature_c"]
    ahead = rows[rows["issued_at"] < rows["valid_at"]]
    hours_ahead = (ahead["valid_at"] - ahead["issued_at"]).dt.total_seconds() // 3600
    ahead = ahead.assign(
        error=ahead["temperature_c"] - ahead["valid_at"].map(observed),
        day=(hours_ahead - 1) // 24,
    ).dropna()
    spread = ahead.groupby("day")["error"].std()
    assert len(spread) == FORECAST_DAYS
    np.testing.assert_allclose(spread, ERROR_SD, rtol=0.2)
    assert spread.iloc[-1] > 2 * spread.iloc[0]


def test_nothing_is_told_before_its_time_and_observations_are_the_days_that_came(told: Hospital) -> None:
    rows = told.weather
    assert rows["issued_at"].between(START, UNTIL, inclusive="left").all()
    assert (rows["valid_at"] >= rows["issued_at"]).all()
    observed = rows[rows["issued_at"] == rows["valid_at"]].set_index("valid_at")["temperature_c"]
    truth = told.truth.set_index("valid_at")["temperature"]
    np.testing.assert_allclose(observed.resample("D").mean(), truth.resample("D").mean(), atol=3.5)
    assert abs((observed - truth).mean()) < 0.05


def test_patients_are_the_same_with_and_without(settings: Settings, told: Hospital) -> None:
    plain = hospital(settings, "none")
    assert plain.weather.empty
    for name in ("ed_visit", "bed_stay", "unit", "scheduled_shift", "truth"):
        pd.testing.assert_frame_equal(getattr(plain, name), getattr(told, name))


def test_a_source_in_fahrenheit_keeps_fahrenheit(settings: Settings, told: Hospital) -> None:
    fahrenheit = hospital(settings, "fahrenheit").weather["temperature_c"]
    np.testing.assert_allclose((fahrenheit - 32) * 5 / 9, told.weather["temperature_c"], atol=1e-9)
