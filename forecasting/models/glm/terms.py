"""What a count depends on: the regression's columns, and how far the effect of each may stray.

Effects are of the log of the rate: 0.1 is about 10 %. Their priors hold a short history near the mean of
its hours of the day, and let go as evidence comes, whatever the size of the hospital.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import holidays
import numpy as np
import pandas as pd
from scipy.linalg import block_diag

from forecasting.config import Site
from forecasting.models.weather import EFFECT_SCALES, anomaly_of, effect_columns, has_weather

HOURS_PER_DAY = 24
HOURS_PER_WEEK = 168
ANNUAL_HARMONICS = 12
FEW_ANNUAL_HARMONICS = 4
DAILY_HARMONICS = 2
CROSSED_HARMONICS = 2
BLOCKS_PER_DAY = 4
FLAGS = ("holiday", "day_before_holiday", "day_after_holiday")
OFFSETS = (0, 1, -1)
KNOT_HOURS = 28 * HOURS_PER_DAY

INTERCEPT = 5.0
HOUR_OF_DAY = 1.0
HOUR_OF_DAY_REACH = 0.8
SINGLE_HOUR_OF_DAY = 0.1
WEEKDAY = 0.1
HOUR_OF_WEEK = 0.05
HOUR_OF_WEEK_REACH = 4.0
SINGLE_HOUR_OF_WEEK = 0.02
SEASON = 0.1
SEASON_SMOOTHNESS = 1.5
"""Power of its frequency by which a wave of the year may be smaller: a month's habit, not a day's."""
SEASON_BY_HOUR = 0.05
HOLIDAY = 0.1
NAMED_HOLIDAY = 0.15
KNOT_STEP = 0.03
KNOT = 0.3
SMALLEST_HISTORY_OF_SEASONS = 330 * HOURS_PER_DAY
SMALLEST_HISTORY_OF_MONTHS = 730 * HOURS_PER_DAY
"""What came in one year alone may be a change that stays: short waves wait for a second one."""


@dataclass(frozen=True)
class Terms:
    """Which terms a regression has."""

    site: Site | None
    waves: int
    """How many of the year, each shorter than the last; 0: no seasons."""
    named: tuple[tuple[str, int], ...]
    """Public holidays that have an effect of their own, each with a distance in days to it."""
    weather: bool = False
    """Whether the temperature has effects."""

    def columns(self, rows: pd.DataFrame) -> np.ndarray:
        """The columns (n, p) of a series' rows of the panel."""
        hour = rows["local_hour"].to_numpy()
        parts = [_one_hot(HOURS_PER_DAY * rows["weekday"].to_numpy() + hour, HOURS_PER_WEEK)]
        if self.waves:
            parts.append(_seasons(rows, self.waves))
        block = _one_hot(hour * BLOCKS_PER_DAY // HOURS_PER_DAY, BLOCKS_PER_DAY)
        parts += [block * rows[flag].to_numpy()[:, None] for flag in FLAGS]
        if self.site is not None:
            near = {offset: names_near(rows, self.site, offset) for offset in OFFSETS}
            parts += [(near[offset] == name)[:, None] for name, offset in self.named]
        if self.weather:
            year_cos, year_sin = rows["year_cos"].to_numpy(), rows["year_sin"].to_numpy()
            parts.append(effect_columns(anomaly_of(rows), year_cos, year_sin))
        return np.concatenate(parts, axis=1, dtype=np.float64)

    def precision(self) -> np.ndarray:
        """Inverse covariance of the prior of the effects (p, p)."""
        seasons = []
        if self.waves:
            turns = np.repeat(np.arange(1, self.waves + 1), 2)
            crossed = 4 * CROSSED_HARMONICS * DAILY_HARMONICS
            seasons = [np.diag((turns**SEASON_SMOOTHNESS / SEASON) ** 2), np.eye(crossed) / SEASON_BY_HOUR**2]
        return np.asarray(
            block_diag(
                _week_precision(),
                *seasons,
                np.eye(len(FLAGS) * BLOCKS_PER_DAY) / HOLIDAY**2,
                *[np.eye(1) / NAMED_HOLIDAY**2] * len(self.named),
                *[np.diag(EFFECT_SCALES**-2.0)] * self.weather,
            )
        )


def terms_of(rows: pd.DataFrame, site: Site | None) -> Terms:
    """The terms that a history of these observed rows can tell apart; named holidays of a known site."""
    hours = rows["time_idx"].iloc[-1] - rows["time_idx"].iloc[0] + 1
    waves = 0
    if hours >= SMALLEST_HISTORY_OF_SEASONS:
        waves = ANNUAL_HARMONICS if hours >= SMALLEST_HISTORY_OF_MONTHS else FEW_ANNUAL_HARMONICS
    weather = has_weather(rows)
    if site is None:
        return Terms(None, waves, (), weather)
    named = [
        (str(name), offset)
        for offset in OFFSETS
        for name in np.unique(names_near(rows, site, offset))
        if name
    ]
    return Terms(site, waves, tuple(named), weather)


def names_near(rows: pd.DataFrame, site: Site, offset: int) -> np.ndarray:
    """The public holiday ``offset`` days after each row's local date (n,), "" where there is none."""
    local = rows["valid_at"].dt.tz_convert(site.zone).dt.tz_localize(None)
    dates = local.to_numpy().astype("datetime64[D]") + np.timedelta64(offset, "D")
    days, which = np.unique(dates, return_inverse=True)
    years = range(days[0].astype(object).year, days[-1].astype(object).year + 1)
    names = {day: name for year in years for day, name in _holidays(site.country, site.subdivision, year)}
    return np.array([names.get(day, "") for day in days.astype(object)], dtype=object)[which]


@lru_cache(maxsize=256)
def _holidays(country: str, subdivision: str | None, year: int) -> tuple[tuple[object, str], ...]:
    """Dates and names; a holiday moved off a weekend keeps its name."""
    days = holidays.country_holidays(country, subdiv=subdivision, years=year)
    return tuple((day, name.removesuffix(" (observed)")) for day, name in days.items())


def level_knots(ages: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Columns (n, knots) and precision of a level that drifts: straight lines between knots, a random walk.

    It is there so that growth isn't taken for a season; the forecast's level is :mod:`.level`'s.

    Args:
        ages: hours of each row before the issue time (n,).
    """
    place = ages / KNOT_HOURS
    count = int(np.ceil(place.max())) + 1
    columns = np.maximum(0.0, 1.0 - np.abs(place[:, None] - np.arange(count)))
    steps = np.diff(np.eye(count), axis=0)
    return columns, steps.T @ steps / KNOT_STEP**2 + np.eye(count) / KNOT**2


def _one_hot(place: np.ndarray, count: int) -> np.ndarray:
    return np.asarray(place[:, None] == np.arange(count))


def _seasons(rows: pd.DataFrame, waves: int) -> np.ndarray:
    """Waves of the year, and those of them that bend the day's shape."""
    year = _waves(rows, "year", waves)
    day = _waves(rows, "day", DAILY_HARMONICS)
    crossed = year[:, : 2 * CROSSED_HARMONICS, None] * day[:, None, :]
    return np.concatenate([year, crossed.reshape(len(rows), -1)], axis=1)


def _waves(rows: pd.DataFrame, cycle: str, harmonics: int) -> np.ndarray:
    """Cosine and sine of each harmonic (n, 2 harmonics)."""
    turn = rows[f"{cycle}_cos"].to_numpy() + 1j * rows[f"{cycle}_sin"].to_numpy()
    return np.stack(
        [part for order in range(1, harmonics + 1) for part in ((turn**order).real, (turn**order).imag)],
        axis=1,
    )


@lru_cache(maxsize=1)
def _week_precision() -> np.ndarray:
    """Inverse covariance of the 168 hours of the week.

    Neighbouring hours, hours of one day and the same hour of all days go together: a Gaussian process prior,
    Rasmussen and Williams (2006), Gaussian Processes for Machine Learning, chapter 4.
    """
    hour = np.arange(HOURS_PER_WEEK)
    by_day = _circular(hour % HOURS_PER_DAY, HOURS_PER_DAY)
    by_week = _circular(hour, HOURS_PER_WEEK)
    same_day = hour[:, None] // HOURS_PER_DAY == hour // HOURS_PER_DAY
    covariance = (
        INTERCEPT**2
        + HOUR_OF_DAY**2 * np.exp(-2 * (np.sin(np.pi * by_day / HOURS_PER_DAY) / HOUR_OF_DAY_REACH) ** 2)
        + SINGLE_HOUR_OF_DAY**2 * (by_day == 0)
        + WEEKDAY**2 * same_day
        + HOUR_OF_WEEK**2 * np.exp(-by_week / HOUR_OF_WEEK_REACH)
        + SINGLE_HOUR_OF_WEEK**2 * np.eye(HOURS_PER_WEEK)
    )
    return np.asarray(np.linalg.inv(covariance))


def _circular(place: np.ndarray, around: int) -> np.ndarray:
    apart = np.abs(place[:, None] - place)
    return np.asarray(np.minimum(apart, around - apart))
