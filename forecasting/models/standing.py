"""How a series stood at past origins: its normal week, level and departures as they were known then.

Everything told of an origin is made of rows before it, so a model that learns from origins of the past is
shown what it will be shown on the night it forecasts. Origins and hours are row numbers of one series of a
panel; an origin is the first row not yet known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from scipy.signal import lfilter

from forecasting.level_change import level_changes
from forecasting.models.climate import (
    DAY_SHAPE_WEIGHT,
    HOURS_PER_DAY,
    HOURS_PER_WEEK,
    NEIGHBOUR_SHARE,
    SMALLEST_SPREAD,
    hours_of_week,
)

SLOW_HALF_LIFE_DAYS = 182.0
FAST_HALF_LIFE_DAYS = 42.0
SPREAD_HALF_LIFE_DAYS = 91.0
LEVEL_DAYS = 28
OTHER_LEVEL_DAYS = (1, 3, 7, 14, 91, 364)
BASE_PRIOR_HOURS = 96.0
LEVEL_PRIOR_HOURS = 48.0
DEPARTURE_HOURS = (1, 3, 6, 12, 24, 72, HOURS_PER_WEEK)
YEAR_HOURS = 52 * HOURS_PER_WEEK
HALF_WEEK_HOURS = 84
SMALLEST_EXPECTED = 1e-3
CLOCK = (
    "local_hour", "weekday", "holiday", "day_before_holiday", "day_after_holiday", "year_sin", "year_cos",
)  # fmt: skip


@dataclass(frozen=True)
class Standing:
    """What was known of one series at any origin in it."""

    clock: dict[str, np.ndarray]
    week_hour: np.ndarray
    value: np.ndarray
    """The series (rows,), NaN where missing or not yet known."""
    slow: np.ndarray
    """Expected value by day of knowledge and hour of the week (days, 168), from half a year of memory."""
    fast: np.ndarray
    """The same from six weeks of memory."""
    spread: np.ndarray
    """Root mean square departure from ``slow``, by day of knowledge (days,)."""
    came: np.ndarray
    """Sum of the values before each row (rows + 1,)."""
    due: np.ndarray
    """Sum of what ``slow`` expected of the same hours, the day before (rows + 1,)."""
    seen: np.ndarray
    """How many values were observed before each row (rows + 1,)."""
    changed: np.ndarray
    """The level over that of the last four weeks, by day of knowledge (days,); 1 but after a change."""
    beds: float

    @classmethod
    def of(cls, rows: pd.DataFrame, now: int) -> Self:
        """The standing of a panel's series whose rows before ``now`` are known; later values are not read."""
        clock = {name: rows[name].to_numpy(dtype=float) for name in CLOCK}
        week_hour = hours_of_week(clock["weekday"], clock["local_hour"], clock["holiday"]).astype(np.int64)
        values = rows["value"].to_numpy(dtype=float, copy=True)
        values[now:] = np.nan
        day = _day(np.arange(len(values)))
        slow = _normal_weeks(values, week_hour, SLOW_HALF_LIFE_DAYS)
        fast = _normal_weeks(values, week_hour, FAST_HALF_LIFE_DAYS)
        expected = slow[day, week_hour]
        known = ~(np.isnan(values) | np.isnan(expected))
        came, due = _running(np.where(known, values, 0.0)), _running(np.where(known, expected, 0.0))
        return cls(
            clock,
            week_hour,
            values,
            slow,
            fast,
            _spread(values - expected, day, len(slow)),
            came,
            due,
            _running(known.astype(float)),
            _changed(came, due, len(slow)),
            float(rows["beds"].iloc[0]),
        )

    def expected(self, origins: np.ndarray, hours: np.ndarray) -> np.ndarray:
        """What the normal week says of each hour at the level the series had at the origin (n,), above 0."""
        week = self.slow[_day(origins), self.week_hour[hours]]
        level = self._level(origins, LEVEL_DAYS, BASE_PRIOR_HOURS) * self.changed[_day(origins)]
        return np.asarray(np.maximum(week * level, SMALLEST_EXPECTED))

    def scale(self, origins: np.ndarray) -> np.ndarray:
        """How far values usually are from what is expected, as known at the origin (n,)."""
        return np.asarray(self.spread[_day(origins)])

    def features(self, origins: np.ndarray, hours: np.ndarray) -> dict[str, np.ndarray]:
        """What calendar, normal week and recent levels say of each hour at its origin; each (n,)."""
        day, week_hour = _day(origins), self.week_hour[hours]
        slow, mean = self.slow[day, week_hour], self.slow[day].mean(axis=1)
        level = self._level(origins, LEVEL_DAYS, LEVEL_PRIOR_HOURS)
        return {
            "lead": (hours - origins).astype(float),
            **{name: column[hours] for name, column in self.clock.items()},
            "shape": _log_ratio(slow, mean),
            "fast": _log_ratio(self.fast[day, week_hour], slow),
            "level": np.log(level),
            **{
                f"level_{days}": np.log(self._level(origins, days, LEVEL_PRIOR_HOURS) / level)
                for days in OTHER_LEVEL_DAYS
            },
            "last_year": self._last_year(origins, hours),
        }

    def departures(self, origins: np.ndarray, hours: np.ndarray) -> dict[str, np.ndarray]:
        """The departures known at each origin, in units of :meth:`scale`; NaN where none was observed."""
        scale = self.scale(origins)
        level = self._level(origins, LEVEL_DAYS, BASE_PRIOR_HOURS)
        told = {}
        for width in DEPARTURE_HOURS:
            first = np.maximum(origins - width, 0)
            count = self.seen[origins] - self.seen[first]
            gap = self.came[origins] - self.came[first] - level * (self.due[origins] - self.due[first])
            told[f"departure_{width}"] = np.divide(
                gap, count * scale, out=np.full(len(origins), np.nan), where=count > 0
            )
        for days in (1, 7):
            period = days * HOURS_PER_DAY
            then = hours - period * ((hours - origins) // period + 1)
            last = self.value[np.maximum(then, 0)] - self.expected(origins, np.maximum(then, 0))
            told[f"same_hour_{days}"] = np.where(then >= 0, last / scale, np.nan)
        # How much of what is expected the level adds: a regression may take it back.
        told["drift"] = self.expected(origins, hours) * (1.0 - 1.0 / level) / scale
        told["occupancy"] = self.value[np.maximum(origins - 1, 0)] / self.beds
        return told

    def _level(self, origins: np.ndarray, days: int, prior_hours: float) -> np.ndarray:
        """Observed over expected in the days before the origin, drawn to 1 as if by some normal hours."""
        first = np.maximum(origins - days * HOURS_PER_DAY, 0)
        normal = self.slow[_day(origins)].mean(axis=1)
        return self._ratio(first, origins, prior_hours * np.maximum(normal, SMALLEST_SPREAD))

    def _last_year(self, origins: np.ndarray, hours: np.ndarray) -> np.ndarray:
        """How the week around an hour stood a year ago to the four weeks that came before that origin."""
        then, before = hours - YEAR_HOURS, origins - YEAR_HOURS
        month = LEVEL_DAYS * HOURS_PER_DAY
        known = before >= month
        normal = np.maximum(self.slow[_day(origins)].mean(axis=1), SMALLEST_SPREAD)
        prior = LEVEL_PRIOR_HOURS * normal
        first = np.maximum(then - HALF_WEEK_HOURS, 0)
        last = np.clip(then + HALF_WEEK_HOURS, 0, origins)
        around = self._ratio(first, last, prior)
        previous = self._ratio(np.maximum(before - month, 0), np.maximum(before, 0), prior)
        return np.where(known, np.log(around / previous), np.nan)

    def _ratio(self, first: np.ndarray, last: np.ndarray, prior: np.ndarray) -> np.ndarray:
        came = self.came[last] - self.came[first] + prior
        return np.asarray(came / (self.due[last] - self.due[first] + prior))


def _day(rows: np.ndarray) -> np.ndarray:
    return np.asarray(rows // HOURS_PER_DAY)


def _changed(came: np.ndarray, due: np.ndarray, days: int) -> np.ndarray:
    """What a change makes of the level of the last four weeks, by day of knowledge (days,).

    Args:
        came: sum of the values before each row (rows + 1,).
        due: sum of what was expected of the same hours (rows + 1,).
        days: how many days of knowledge there are.
    """
    by_day = np.stack([np.diff(each[::HOURS_PER_DAY]) for each in (came, due)])
    observed = np.flatnonzero(by_day[1] > 0)
    change = level_changes(*by_day[:, observed])
    return np.concatenate([[1.0], change])[np.searchsorted(observed, np.arange(days))]


def _log_ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.asarray(np.log((part + SMALLEST_SPREAD) / (whole + SMALLEST_SPREAD)))


def _running(values: np.ndarray) -> np.ndarray:
    return np.concatenate([[0.0], np.cumsum(values)])


def _faded(by_day: np.ndarray, half_life_days: float) -> np.ndarray:
    """Sums over the days up to each, older days weighing less."""
    return np.asarray(lfilter([1.0], [1.0, -(0.5 ** (1 / half_life_days))], by_day, axis=0))


def _normal_weeks(values: np.ndarray, week_hour: np.ndarray, half_life_days: float) -> np.ndarray:
    """Expected value by hour of the week, as known at the start of each day (days, 168).

    Smoothed as :func:`forecasting.models.climate.fit_climate` does; NaN before anything was observed.
    """
    observed = ~np.isnan(values)
    days = len(values) // HOURS_PER_DAY + 2
    at = _day(np.flatnonzero(observed)) + 1, week_hour[observed]
    total, count = np.zeros((days, HOURS_PER_WEEK)), np.zeros((days, HOURS_PER_WEEK))
    np.add.at(total, at, values[observed])
    np.add.at(count, at, 1.0)
    total, count = _faded(total, half_life_days), _faded(count, half_life_days)
    counted = count.sum(axis=1, keepdims=True)
    mean = np.divide(
        total.sum(axis=1, keepdims=True), counted, out=np.full_like(counted, np.nan), where=counted > 0
    )
    day_total = total.reshape(days, -1, HOURS_PER_DAY).sum(axis=1) + mean
    day_mean = day_total / (count.reshape(days, -1, HOURS_PER_DAY).sum(axis=1) + 1.0)
    shape = np.tile(day_mean, HOURS_PER_WEEK // HOURS_PER_DAY)
    return np.asarray(
        (_with_neighbours(total) + DAY_SHAPE_WEIGHT * shape) / (_with_neighbours(count) + DAY_SHAPE_WEIGHT)
    )


def _with_neighbours(weeks: np.ndarray) -> np.ndarray:
    beside = np.roll(weeks, 1, axis=1) + np.roll(weeks, -1, axis=1)
    return np.asarray((1 - 2 * NEIGHBOUR_SHARE) * weeks + NEIGHBOUR_SHARE * beside)


def _spread(departure: np.ndarray, day: np.ndarray, days: int) -> np.ndarray:
    known = ~np.isnan(departure)
    squares = np.bincount(day[known] + 1, weights=departure[known] ** 2, minlength=days)
    count = np.bincount(day[known] + 1, minlength=days).astype(float)
    squares, count = _faded(squares, SPREAD_HALF_LIFE_DAYS), _faded(count, SPREAD_HALF_LIFE_DAYS)
    return np.maximum(np.sqrt((squares + 1.0) / (count + 1.0)), SMALLEST_SPREAD)
