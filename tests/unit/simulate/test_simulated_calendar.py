from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from forecasting.config import Site, Unit, UnitType
from forecasting.simulate.public_holidays import DAY_AFTER, DAY_BEFORE, FAMILY_HOLIDAY, holiday_calendar
from forecasting.simulate.weather import season_shift, weather_effect

pytestmark = pytest.mark.unit


def _site(country: str) -> Site:
    unit = Unit(unit_id="ed", name="ED", unit_type=UnitType.ED, beds=20)
    return Site(site_id="one", name="One", time_zone="UTC", country=country, units=(unit,))


@pytest.mark.parametrize("country", ["US", "GB", "DE", "JP", "AU"])
def test_new_year_is_a_holiday_everywhere(country: str) -> None:
    dates = pd.date_range("2024-12-20", "2025-01-10")
    calendar = holiday_calendar(_site(country), dates)
    assert calendar.is_holiday[dates == "2025-01-01"].all()
    assert not (calendar.is_holiday & calendar.is_beside).any()


def test_christmas_is_quiet_and_the_days_beside_it_differ() -> None:
    dates = pd.date_range("2023-12-20", "2023-12-31")
    arrivals = pd.Series(holiday_calendar(_site("US"), dates).arrivals, index=dates)
    assert arrivals["2023-12-25"] == FAMILY_HOLIDAY
    assert arrivals["2023-12-24"] == DAY_BEFORE
    assert arrivals["2023-12-26"] == DAY_AFTER
    assert arrivals["2023-12-28"] == 1.0


def test_snow_holds_patients_back_and_heat_brings_them() -> None:
    temperature = np.array([15.0, -5.0, 15.0, 15.0, 33.0])
    precipitation = np.array([0.0, 12.0, 0.0, 0.0, 0.0])
    effect = weather_effect(temperature, precipitation)
    assert effect[0] == 1
    assert effect[1] < 0.9
    assert effect[2] > 1
    assert effect[3] == 1
    assert effect[4] > 1.03


def test_seasons_are_turned_in_the_south() -> None:
    assert season_shift("US") == 0
    assert season_shift("AU") == pytest.approx(182.6, abs=0.1)
