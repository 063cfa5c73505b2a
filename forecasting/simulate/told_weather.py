"""What a weather service would have told of a site: hours' temperatures, and forecasts of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.signal import lfilter

from forecasting.simulate.clock import HOUR, Clock, Reals, Wholes
from forecasting.simulate.streams import Streams
from forecasting.simulate.weather import ANOMALY_PERSISTENCE, ANOMALY_SD, Weather, usual_temperature

FORECAST_DAYS = 8
ERROR_SD = np.array([1.2, 1.5, 1.9, 2.3, 2.7, 3.1, 3.4, 3.6])
"""Standard deviation of a forecast's error by day ahead, in degrees Celsius."""
DAILY_AMPLITUDE = 4.0
WARMEST_HOUR = 15
HOURS_PER_DAY = 24


@dataclass(frozen=True)
class Temperature:
    """A site's temperatures, in degrees Celsius."""

    usual: Reals
    """Of each hour of the clock."""
    departure: Reals
    """Of each local day from the usual."""
    spread: float
    """Standard deviation of the departures."""


def simulated_temperature(clock: Clock, weather: Weather, country: str) -> Temperature:
    """The days' temperatures of a simulation with a warm afternoon and a cold night."""
    usual = usual_temperature(clock, country)
    of_hour = DAILY_AMPLITUDE * np.cos(2 * np.pi * (clock.local_hour - WARMEST_HOUR) / HOURS_PER_DAY)
    return Temperature(usual[clock.day] + of_hour, weather.temperature - usual, ANOMALY_SD)


def told_weather(
    clock: Clock, temperature: Temperature, span: tuple[int, int], streams: Streams
) -> pd.DataFrame:
    """Observations told with their hour, and a forecast of the next eight days told at each midnight, UTC.

    A forecast is what is to be expected given what it knows: it departs from the climate less than what
    comes, the less the further ahead. Its errors go together over the days that it tells.

    Args:
        clock: hours of the simulation; forecasts reach to its end.
        temperature: what comes.
        span: from when to when is told, in seconds since the clock's origin.
        streams: the site's.

    Returns:
        issued_at and valid_at, UTC, and temperature_c; rows told within the span.
    """
    hour = np.arange(len(clock.offset))
    came = temperature.usual + temperature.departure[clock.day]
    told = (hour * HOUR >= span[0]) & (hour * HOUR < span[1])
    midnight = np.flatnonzero(told & (clock.hours.hour == 0))
    run = np.repeat(np.arange(len(midnight)), FORECAST_DAYS * HOURS_PER_DAY)
    valid = (midnight[:, None] + np.arange(1, FORECAST_DAYS * HOURS_PER_DAY + 1)).ravel()
    run, valid = run[valid < len(hour)], valid[valid < len(hour)]
    issued = midnight[run]
    ahead = (valid - issued - 1) // HOURS_PER_DAY
    foretold = _foretold(temperature, clock.day[midnight], streams)
    forecast = temperature.usual[valid] + foretold[run, ahead, clock.day[valid] - clock.day[issued]]
    return pd.DataFrame(
        {
            "issued_at": clock.hours[np.concatenate([hour[told], issued])],
            "valid_at": clock.hours[np.concatenate([hour[told], valid])],
            "temperature_c": np.round(np.concatenate([came[told], forecast]), 1),
        }
    )


def _foretold(temperature: Temperature, first_day: Wholes, streams: Streams) -> Reals:
    """What each run tells of departures, by 24 hours ahead and local days from its own (runs, days, days)."""
    explained = 1 - (ERROR_SD / temperature.spread) ** 2
    noise = streams.named("weather forecasts").normal(size=(len(first_day), FORECAST_DAYS + 2))
    wave = persistent(noise)
    day = first_day[:, None] + np.arange(FORECAST_DAYS + 2)
    departure = temperature.departure[np.minimum(day, len(temperature.departure) - 1)]
    error = temperature.spread * np.sqrt(explained * (1 - explained))
    said: Reals = explained[:, None] * departure[:, None, :] + error[:, None] * wave[:, None, :]
    return said


def persistent(noise: Reals) -> Reals:
    """Standard normal noise (..., days) whose neighbouring days go together as departures of weather do."""
    scale = np.sqrt(1 - ANOMALY_PERSISTENCE**2)
    begun = np.concatenate([noise[..., :1], scale * noise[..., 1:]], axis=-1)
    wave: Reals = lfilter([1.0], [1.0, -ANOMALY_PERSISTENCE], begun, axis=-1)
    return wave
