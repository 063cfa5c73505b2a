"""The weather: plausible temperatures, without long gaps, and a forecast of the days ahead."""

from __future__ import annotations

from datetime import datetime, timedelta

import pandas as pd

from forecasting.schema import WEATHER, Severity
from forecasting.validate.suite import Check, Suite, expect

COLDEST, WARMEST = -60.0, 60.0
"""Degrees Celsius."""
RECENT_DAYS = 28
MOST_MISSING = 0.1
"""Share of the last days' hours of which nothing was told, above which it is worth a look."""
FORECAST_HOURS = 24


def plausible_weather(weather: pd.DataFrame) -> pd.DataFrame:
    """The rows whose temperature there can be."""
    return weather[weather["temperature_c"].between(COLDEST, WARMEST)]


def temperature_suite(weather: pd.DataFrame) -> Suite:
    """Temperatures are plausible; WEATHER rows."""
    return Suite(
        WEATHER.name,
        weather,
        (
            Check(
                "temperature_is_plausible",
                Severity.WARN,
                expect(
                    "column_values_to_be_between",
                    column="temperature_c",
                    min_value=COLDEST,
                    max_value=WARMEST,
                ),
                lambda failed: (
                    f"{len(failed)} temperatures are not between {COLDEST:g} and {WARMEST:g} °C; left out."
                ),
                "temperature_c",
            ),
        ),
    )


def coverage_suite(weather: pd.DataFrame, issued_at: datetime) -> Suite:
    """The days before the issue time are told, and the first ones after it; plausible WEATHER rows."""
    recent = weather["valid_at"].between(issued_at - timedelta(days=RECENT_DAYS), issued_at, inclusive="left")
    missing = 1 - weather.loc[recent, "valid_at"].nunique() / (RECENT_DAYS * 24)
    ahead = (weather["valid_at"].max() - pd.Timestamp(issued_at)) / pd.Timedelta(hours=1) + 1
    hours = max(0, int(ahead)) if len(weather) else 0
    return Suite(
        f"{WEATHER.name}.coverage",
        pd.DataFrame({"missing_share": [missing], "hours_ahead": [hours]}),
        (
            Check(
                "recent_hours_are_told",
                Severity.WARN,
                expect("column_values_to_be_between", column="missing_share", max_value=MOST_MISSING),
                lambda failed: (
                    f"No temperature is told of {missing:.0%} of the last {RECENT_DAYS} days' hours; "
                    "they count as usual ones."
                ),
                "missing_share",
            ),
            Check(
                "days_ahead_are_told",
                Severity.WARN,
                expect("column_values_to_be_between", column="hours_ahead", min_value=FORECAST_HOURS),
                lambda failed: (
                    f"The weather is told {hours} hours ahead; after them arrivals are forecast as in "
                    "usual weather."
                ),
                "hours_ahead",
            ),
        ),
    )
