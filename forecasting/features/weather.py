"""How far the temperature of an hour departs from its climate, as it was known at each night before it.

What is known of an hour is what was told of it last. Where nothing was told of an hour, the last departure
before it that was told fades towards the climate: that is what a source without forecasts knows of the days
ahead. Each night before an hour has its own column, so that a forecast issued at a past night, and a window
that a network learns from, is shown ahead what was known then and nothing of what came: whoever learns from
observed weather ahead trusts a forecast too much.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecasting.schema import ANOMALY, ANOMALY_NIGHT, anomaly_told

HOURS_PER_DAY = 24
SECONDS_PER_DAY = 86400
HOUR = pd.Timedelta(hours=1)
DAYS_PER_YEAR = 365.25
FADE_HALF_LIFE_HOURS = 48
"""After so many hours half of a departure is left: days a day apart go together by 0.7."""
OLDEST_HOURS = 14 * HOURS_PER_DAY
"""A departure told of an hour longer ago says nothing of today."""

YEARLY, DAILY = (10.0, 2.0), (5.0, 2.0)
"""Degrees Celsius by which a wave of the year, or of the day, may swing: whole turns, then halves."""
DAILY_BY_SEASON = 2.0
MEAN = 20.0
SPREADS = np.array([MEAN, *np.repeat(YEARLY, 2), *np.repeat(DAILY, 2), *np.repeat(DAILY_BY_SEASON, 4)])
DAY_SPREAD = 5.0
"""Standard deviation of a day's departure: its hours go together, and count as one observation."""
FEWEST_HOURS = 28 * HOURS_PER_DAY
"""Of which less is known, there is no climate yet, and no departure from it."""


def nights_told(lead_hours: int) -> int:
    """How many nights before an hour a window of so many hours can have begun, wherever it begins."""
    return (lead_hours + HOURS_PER_DAY - 2) // HOURS_PER_DAY + 1


def weather_columns(
    weather: pd.DataFrame, hours: pd.DatetimeIndex, issued_at: pd.Timestamp, lead_hours: int
) -> dict[str, np.ndarray]:
    """A site's temperature for the rows of its panel.

    Args:
        weather: WEATHER rows of the site; any told after ``issued_at`` are ignored.
        hours: of the panel (n,), without a gap, the last lead_hours - 1 after ``issued_at``.
        issued_at: the panel's issue time.
        lead_hours: how far a forecast reaches.

    Returns:
        ANOMALY and the columns of :func:`~forecasting.schema.anomaly_told`, in degrees Celsius, and
        ANOMALY_NIGHT. No value is missing; 0 is the climate, learnt for each night from hours before it.
    """
    known = weather[weather["issued_at"] <= issued_at]
    place = np.asarray((hours - issued_at) // HOUR, dtype=np.int64)
    day = place // HOURS_PER_DAY
    nights = range(1, nights_told(lead_hours) + 1)
    names = [ANOMALY, *map(anomaly_told, nights)]
    columns: dict[str, np.ndarray] = {ANOMALY_NIGHT: day.astype(np.int16)}
    if known.empty:
        return columns | dict.fromkeys(names, np.zeros(len(hours), dtype=np.float32))
    told = _Told(known, issued_at)
    spoken = told.windows(int(day[0]) - nights[-1] + 1, (nights[-1] + 1) * HOURS_PER_DAY)
    past = place < 0
    latest = spoken.of(np.zeros(len(place), dtype=np.int64), np.maximum(place, 0))
    latest[past] = _faded(
        told.departures(day[past], place[past], known_by=np.zeros(past.sum(), dtype=np.int64))
    )
    columns[ANOMALY] = latest.astype(np.float32)
    for night in nights:
        # No night after the issue time has told anything yet.
        speaker = np.minimum(day - night + 1, 0)
        said = spoken.of(speaker, place - speaker * HOURS_PER_DAY)
        columns[anomaly_told(night)] = said.astype(np.float32)
    return columns


class _Told:
    """The temperatures that were told, by hour and by the night that knew them first, and their climates.

    Hours and nights are counted from the issue time: night 0 is the issue time, night -1 a day before it.
    """

    def __init__(self, weather: pd.DataFrame, issued_at: pd.Timestamp) -> None:
        hour = np.asarray((weather["valid_at"] - issued_at) // HOUR, dtype=np.int64)
        age = (issued_at - weather["issued_at"]).dt.total_seconds().to_numpy()
        night = np.negative((age // SECONDS_PER_DAY).astype(np.int64))
        order = np.lexsort((-age, hour))
        self._issued_at = issued_at
        self._hour, self._temperature = hour[order], weather["temperature_c"].to_numpy(dtype=float)[order]
        self._first_night = int(night.min())
        self._key = self._keyed(self._hour, night[order])
        hours = np.unique(self._hour[self._hour < 0])
        self._climates = self._learn(hours)

    def departures(self, night: np.ndarray, hour: np.ndarray, known_by: np.ndarray) -> np.ndarray:
        """How far hours depart from the climate of a night, as known by another; NaN where not told."""
        return np.asarray(self._by(known_by, hour) - self._climates.of(night, self._issued_at, hour))

    def windows(self, first_night: int, length: int) -> _Windows:
        """What each night from the first on knew of ``length`` hours from it on, faded where it knew none."""
        night = np.arange(min(first_night, 0), 1)
        hour = night[:, None] * HOURS_PER_DAY + np.arange(-OLDEST_HOURS, length)
        each = np.broadcast_to(night[:, None], hour.shape)
        departure = self.departures(each.ravel(), hour.ravel(), each.ravel()).reshape(hour.shape)
        return _Windows(int(night[0]), _faded(departure)[:, OLDEST_HOURS:])

    def _by(self, night: np.ndarray, hour: np.ndarray) -> np.ndarray:
        """The temperature of each hour as each night knew it; NaN where nothing was told by then."""
        last = self._key.searchsorted(self._keyed(hour, night), side="right") - 1
        found = (last >= 0) & (self._hour[last] == hour)
        return np.asarray(np.where(found, self._temperature[last], np.nan))

    def _keyed(self, hour: np.ndarray, night: np.ndarray) -> np.ndarray:
        # Rows lie by hour, then by night; nights before the first one know nothing.
        return np.asarray(hour * (2 - self._first_night) + np.maximum(night - self._first_night, -1))

    def _learn(self, hours: np.ndarray) -> _Climates:
        """The climates of hours before the issue time, each as the first night after it knew it."""
        night = hours // HOURS_PER_DAY + 1
        temperature = self._by(night, hours)
        known = ~np.isnan(temperature)
        return _Climates.learnt(night[known], _waves(self._issued_at, hours[known]), temperature[known])


class _Windows:
    def __init__(self, first_night: int, departure: np.ndarray) -> None:
        self._first_night = first_night
        self._departure = departure

    def of(self, night: np.ndarray, lead: np.ndarray) -> np.ndarray:
        """What each night knew of the hour so many hours after it."""
        return np.asarray(self._departure[night - self._first_night, lead])


@dataclass(frozen=True)
class _Climates:
    """The usual temperature at the time of the year and of the day, as each night knew it.

    Waves of the year and of the day with a Gaussian prior, fitted on all hours before the night: a few weeks
    already tell of the next one.
    """

    first_night: int
    effects: np.ndarray
    """(nights, waves), from the first one on that knows enough; NaN where there is none."""

    @classmethod
    def learnt(cls, night: np.ndarray, waves: np.ndarray, temperature: np.ndarray) -> _Climates:
        """From the temperatures of hours, each with the first night that knows it; nights never fall."""
        if not len(night):
            return cls(0, np.full((1, waves.shape[1]), np.nan))
        first = int(night[0])
        weight = 1 / (HOURS_PER_DAY * DAY_SPREAD**2)
        nights, begins, hours = np.unique(night, return_index=True, return_counts=True)
        bend = np.zeros((1 - first, waves.shape[1], waves.shape[1]))
        pull = np.zeros((1 - first, waves.shape[1]))
        count = np.zeros(1 - first)
        bend[nights - first] = weight * np.add.reduceat(waves[:, :, None] * waves[:, None, :], begins)
        pull[nights - first] = weight * np.add.reduceat(waves * temperature[:, None], begins)
        count[nights - first] = hours
        precise = np.cumsum(bend, axis=0) + np.eye(waves.shape[1])
        effects = np.linalg.solve(precise, np.cumsum(pull, axis=0)[..., None])[..., 0]
        effects[np.cumsum(count) < FEWEST_HOURS] = np.nan
        return cls(first, effects)

    def of(self, night: np.ndarray, issued_at: pd.Timestamp, hour: np.ndarray) -> np.ndarray:
        """The usual temperature of hours as nights knew it; NaN where a night knew none."""
        place = night - self.first_night
        effects = np.where((place < 0)[:, None], np.nan, self.effects[np.maximum(place, 0)])
        hours, which = np.unique(hour, return_inverse=True)
        return np.asarray(np.einsum("hw,hw->h", _waves(issued_at, hours)[which], effects))


def _faded(departure: np.ndarray) -> np.ndarray:
    """Departures hour after hour along the last axis; where one is missing, what is left of the last one."""
    place = np.arange(departure.shape[-1])
    last = np.maximum.accumulate(np.where(np.isnan(departure), -1, place), axis=-1)
    value = np.take_along_axis(departure, np.maximum(last, 0), axis=-1)
    left = 0.5 ** ((place - last) / FADE_HALF_LIFE_HOURS)
    return np.asarray(np.where((last < 0) | (place - last > OLDEST_HOURS), 0.0, np.nan_to_num(value) * left))


def _waves(issued_at: pd.Timestamp, hour: np.ndarray) -> np.ndarray:
    """Waves of the year, of the day, and of the day by season, each as large as it may be (n, 13)."""
    hours = pd.DatetimeIndex(issued_at + pd.to_timedelta(hour, unit="h"))
    of_day = hours.hour.to_numpy()
    year = 2 * np.pi * (hours.dayofyear.to_numpy() + of_day / HOURS_PER_DAY) / DAYS_PER_YEAR
    day = 2 * np.pi * of_day / HOURS_PER_DAY
    turns = [part(order * angle) for angle in (year, day) for order in (1, 2) for part in (np.cos, np.sin)]
    crossed = [turns[season] * turns[4 + wave] for season in (0, 1) for wave in (0, 1)]
    return np.asarray(np.stack([np.ones(len(hours)), *turns, *crossed], axis=1) * SPREADS)
