"""Daily weather at a site, and what it does to ED arrivals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter

from forecasting.simulate.clock import Clock, Reals
from forecasting.simulate.streams import Streams

SOUTHERN_COUNTRIES = frozenset({"AR", "AU", "BO", "BR", "CL", "NZ", "PE", "PY", "UY", "ZA", "ZW"})

MEAN_TEMPERATURE = 11.5
SUMMER_AMPLITUDE = 12.0
ANOMALY_SD = 4.0
ANOMALY_PERSISTENCE = 0.7
WARMEST_DAY = 205.0
YEAR = 365.25


@dataclass(frozen=True)
class Weather:
    """Per local day: mean temperature in °C, precipitation in mm, and the factor on ED arrivals."""

    temperature: Reals
    precipitation: Reals
    arrivals: Reals


def season_shift(country: str) -> float:
    """Days by which the seasons come later than in the north: half a year in the south, else 0."""
    return YEAR / 2 if country in SOUTHERN_COUNTRIES else 0.0


def draw_weather(clock: Clock, country: str, streams: Streams) -> Weather:
    """Temperature as a yearly wave plus persistent anomalies (AR(1)); rain on three days in ten."""
    days = len(clock.dates)
    innovation = streams.named("temperature").normal(
        0, ANOMALY_SD * np.sqrt(1 - ANOMALY_PERSISTENCE**2), size=days
    )
    anomaly = lfilter([1.0], [1.0, -ANOMALY_PERSISTENCE], innovation)
    temperature = usual_temperature(clock, country) + anomaly
    wet = streams.named("wet days").random(days) < 0.3
    precipitation = np.where(wet, streams.named("rain").gamma(0.8, 9.0, size=days), 0.0)
    return Weather(temperature, precipitation, weather_effect(temperature, precipitation))


def usual_temperature(clock: Clock, country: str) -> Reals:
    """The mean temperature of each local day in a usual year, °C."""
    phase = 2 * np.pi * (clock.day_of_year - WARMEST_DAY - season_shift(country)) / YEAR
    usual: Reals = MEAN_TEMPERATURE + SUMMER_AMPLITUDE * np.cos(phase)
    return usual


def weather_effect(temperature: Reals, precipitation: Reals) -> Reals:
    """Factor on a day's ED arrivals: heat brings patients; storms and snow hold them back for a day."""
    heat = 1 + 0.008 * np.clip(temperature - 25, 0, 10)
    snow = (temperature < 0) & (precipitation > 5)
    storm = (precipitation > 20) & ~snow
    held_back = np.where(snow, 0.14, np.where(storm, 0.06, 0.0))
    made_up = 0.4 * np.concatenate([[0.0], held_back[:-1]])
    effect: Reals = heat * (1 - held_back + made_up)
    return effect
