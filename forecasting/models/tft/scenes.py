"""Scenes: what the network is shown of a window, and what its answer means in patients.

A window is one series at one issue time: the hours before it (the encoder's) and the hours of the forecast
(the decoder's). The network does not forecast patients. It corrects what the series' climate
(:mod:`forecasting.models.climate`) expects, or of arrivals a regression (:mod:`.expectation`), in standard
deviations, so that a site that grows or a unit never seen needs nothing new to be learned. What is expected
of a window is computed from hours before its issue time alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from scipy.stats import norm

from forecasting.models.climate import (
    HOURS_PER_DAY,
    HOURS_PER_WEEK,
    LEVEL_HOURS,
    MEMORY_HOURS,
    SMALLEST_SPREAD,
    Departures,
    fit_climate,
    fit_departures,
    level_ratio,
)
from forecasting.models.tft.expectation import Regressions
from forecasting.models.tft.hours import CALENDAR, CLOCK, Hours
from forecasting.models.weather import DEGREES, WEATHER_EFFECTS, effect_columns
from forecasting.schema import Target

STATIC_REALS = ("log_beds", "log_level", "last_day", "last_week", "last_month")
ENCODER_REALS = ("departure", "observed", *CLOCK, "holiday")
DECODER_REALS = ("lead", "pull", "weekly_mean", "log_unit", "log_expected", "headroom", *CALENDAR)
REALS = tuple(dict.fromkeys((*STATIC_REALS, *ENCODER_REALS, *DECODER_REALS)))
WEATHER_REALS = ("temperature",)
"""What the decoder is shown besides, by a network that learns with weather."""

HISTORY_NEEDED = LEVEL_HOURS
OLDEST_DEPARTURE = HOURS_PER_WEEK
HOURS_BETWEEN_CLIMATES = 2 * HOURS_PER_WEEK
HOURS_BETWEEN_REGRESSIONS = 8 * HOURS_PER_WEEK
LARGEST_DEPARTURE = 6.0
LARGEST_HEADROOM = 4.0
SMALLEST_WIDTH = 0.05
TYPICAL_BEDS = 24
ROUNDING_VARIANCE = 1 / 12


@dataclass(frozen=True)
class Windows:
    """Windows by series, row of the issue time, and climate; all (windows,)."""

    series: np.ndarray
    row: np.ndarray
    climate: np.ndarray

    def __len__(self) -> int:
        return len(self.row)

    def take(self, which: np.ndarray) -> Windows:
        """Some of the windows, in that order."""
        return Windows(self.series[which], self.row[which], self.climate[which])


@dataclass(frozen=True)
class Scene:
    """A batch of windows, in numbers the network reads.

    An answer of the network is on the scale (patients - centre) / unit, and is added to ``start``.
    """

    categories: np.ndarray
    """(batch, 3)"""
    encoder: np.ndarray
    """(batch, encoder_hours, reals)"""
    decoder: np.ndarray
    """(batch, lead_hours, reals)"""
    centre: np.ndarray
    """Patients (batch, lead_hours)."""
    unit: np.ndarray
    """Patients (batch, lead_hours)."""
    start: np.ndarray
    """The quantiles that the climate expects, on the network's scale (batch, lead_hours, levels)."""
    value: np.ndarray
    """What came, in patients; NaN where not known (batch, lead_hours)."""


class Scenery:
    """Makes scenes of windows: the hours of a panel, and the climates fitted on them.

    Args:
        hours: the panel.
        target: arrivals start as negative binomial counts, census as its climate's past errors.
        levels: quantile levels.
        encoder_hours: hours the network sees before the issue time.
        lead_hours: hours it forecasts.
        regressions: what is expected of the panel's series; without them, their normal weeks as
            :func:`forecasting.models.climate.fit_climate` has them.
        with_weather: whether scenes show the temperature of the hours ahead, as the window's night told it.
    """

    def __init__(
        self,
        hours: Hours,
        target: Target,
        levels: tuple[float, ...],
        encoder_hours: int,
        lead_hours: int,
        regressions: Regressions | None = None,
        *,
        with_weather: bool = False,
    ) -> None:
        self.hours = hours
        self.target = target
        self.levels = levels
        self.encoder_hours = encoder_hours
        self.lead_hours = lead_hours
        self.regressions = regressions
        self.reals = (*REALS, *WEATHER_REALS) if with_weather else REALS
        self._outlooks: list[_Outlook] = []
        self._tables: _Tables | None = None

    def windows_at(self, issue_time_idx: Iterable[int]) -> Windows:
        """The windows of all series at those hours, each with a climate fitted just then.

        A regression, which takes longer to fit and lasts longer, serves the windows of its next eight weeks.
        A series with no observed hour before an issue time has no window there.
        """
        rows: list[tuple[int, int, int]] = []
        latest: dict[int, tuple[int, int]] = {}
        for time_idx in issue_time_idx:
            for series in range(len(self.hours.keys)):
                row = self.hours.row_at(series, time_idx)
                start, stop = self.hours.first[series : series + 2]
                inside = start < row and row + self.lead_hours <= stop
                if inside and self.hours.last_observed[row] >= 0:
                    fitted_at, _ = latest.get(series, (stop, 0))
                    if self.regressions is None or not 0 <= row - fitted_at < HOURS_BETWEEN_REGRESSIONS:
                        latest[series] = row, self._fit(series, row)
                    rows.append((series, row, latest[series][1]))
        return _windows(rows)

    def windows_between(self, first_time_idx: int, last_time_idx: int) -> Windows:
        """Windows at every hour whose forecast ends before ``last_time_idx``, from four weeks of history on.

        Their climates are fitted fortnightly, their regressions every eight weeks.
        """
        parts = [_windows([])]
        for series, (start, stop) in enumerate(pairwise(self.hours.first)):
            begin = max(self.hours.row_at(series, first_time_idx), int(start) + HISTORY_NEEDED)
            end = min(self.hours.row_at(series, last_time_idx), int(stop)) - self.lead_hours + 1
            for refit in range(begin, end, self._hours_between_fits):
                row = np.arange(refit, min(refit + self._hours_between_fits, end))
                climate = self._fit(series, refit)
                parts.append(Windows(np.full(len(row), series), row, np.full(len(row), climate)))
        return Windows(
            np.concatenate([part.series for part in parts]),
            np.concatenate([part.row for part in parts]),
            np.concatenate([part.climate for part in parts]),
        )

    def _fit(self, series: int, row: int) -> int:
        """Learn what to expect of a series from its rows before ``row``; the number of the outlook."""
        first = int(self.hours.first[series])
        values, week_hour = self.hours.value[first:row], self.hours.week_hour[first:row]
        if self.regressions is None:
            climate = fit_climate(values, week_hour, self.levels)
            outlook = _Outlook(climate, climate.profile, climate.dispersion)
        else:
            outlook = self._regress(self.regressions, series, values, week_hour)
        self._outlooks.append(outlook)
        self._tables = None
        return len(self._outlooks) - 1

    def _regress(
        self, regressions: Regressions, series: int, values: np.ndarray, week_hour: np.ndarray
    ) -> _Outlook:
        """The outlook of a series by a regression on its first values."""
        row = len(values)
        told = regressions.fit(series, row, self._hours_between_fits // HOURS_PER_DAY)
        first = int(self.hours.first[series])
        weathered = told.value[:row] * self._weather_factor(np.arange(first, first + row), told.weather)
        past = slice(max(0, row - MEMORY_HOURS), row)
        recent = slice(max(0, row - LEVEL_HOURS), row)
        level = level_ratio(values[recent], weathered[recent], weathered[past].mean())
        law = fit_departures(
            values[past] - weathered[past] * level, week_hour[past] % HOURS_PER_DAY, self.levels
        )
        rows = np.arange(row - self._reach_back, row + self._hours_between_fits + self.lead_hours)
        expected = told.value[np.clip(rows, 0, len(told.value) - 1)]
        return _Outlook(law, expected, told.dispersion, first + row, told.level, told.weather)

    @property
    def _hours_between_fits(self) -> int:
        return HOURS_BETWEEN_CLIMATES if self.regressions is None else HOURS_BETWEEN_REGRESSIONS

    @property
    def _reach_back(self) -> int:
        """How many hours before its issue time are read for a window."""
        return max(LEVEL_HOURS, self.encoder_hours)

    def scene(self, windows: Windows) -> Scene:
        """The scene of a batch of windows."""
        past = self._look_back(windows)
        ahead = self._look_ahead(windows, past)
        static = {
            "log_beds": np.log(self.hours.beds[windows.series] / TYPICAL_BEDS)[:, None],
            "log_level": np.log(past.level)[:, None],
            "last_day": _recent_mean(past, HOURS_PER_DAY),
            "last_week": _recent_mean(past, HOURS_PER_WEEK),
            "last_month": _recent_mean(past, LEVEL_HOURS),
        }
        shown = past.row[:, -self.encoder_hours :]
        encoder = {
            "departure": past.departure[:, -self.encoder_hours :],
            "observed": past.seen[:, -self.encoder_hours :],
        }
        return Scene(
            categories=self.hours.categories[windows.series],
            encoder=_stack({**static, **encoder, **self._calendar(shown)}, shown.shape, self.reals),
            decoder=_stack(
                {**static, **ahead.reals, **self._calendar(ahead.row)}, ahead.row.shape, self.reals
            ),
            centre=ahead.centre,
            unit=ahead.unit,
            start=ahead.start,
            value=self.hours.value[ahead.row],
        )

    def hours_known(self, windows: Windows) -> int:
        """How many hours that the windows forecast have an observed value."""
        row = windows.row[:, None] + np.arange(self.lead_hours)
        return int(np.count_nonzero(~np.isnan(self.hours.value[row])))

    def _look_back(self, windows: Windows) -> _Past:
        first = self.hours.first[windows.series][:, None]
        before = windows.row[:, None] + np.arange(-self._reach_back, 0)
        row = np.maximum(before, first)
        values = np.where(before >= first, self.hours.value[row], np.nan)
        tables = self._tables_of_climates()
        place = self._place(windows, row)
        expected, spread = tables.expects(windows.climate[:, None], place, self.hours.week_hour[row])
        expected = expected * self._weather_factor(row, tables.weather[windows.climate])
        level = level_ratio(
            values[:, -LEVEL_HOURS:], expected[:, -LEVEL_HOURS:], tables.typical[windows.climate]
        )
        departure = _departure(values, expected * level[:, None], spread)
        return _Past(row, departure, ~np.isnan(values), level)

    def _look_ahead(self, windows: Windows, past: _Past) -> _Ahead:
        tables, climate = self._tables_of_climates(), windows.climate[:, None]
        row = windows.row[:, None] + np.arange(self.lead_hours)
        expected, spread = tables.expects(climate, self._place(windows, row), self.hours.week_hour[row])
        anomaly = self._told_ahead(windows, row)
        factor = self._weather_factor(row, tables.weather[windows.climate], anomaly)
        expected = expected * factor * self._level_ahead(windows, past)
        age = np.minimum(windows.row - self.hours.last_observed[windows.row], OLDEST_DEPARTURE)[:, None]
        newest = np.take_along_axis(past.departure, past.departure.shape[1] - age, axis=1)
        lead = np.arange(self.lead_hours) + age - 1
        pull = tables.persists[climate, lead] * newest
        if self.target is Target.ED_ARRIVALS:
            centre, unit, start = _count_start(expected, tables.dispersion[climate], self.levels)
        else:
            width = tables.width[climate, lead]
            centre, unit = expected + spread * pull, spread * width
            start = tables.remains[climate, lead] / width[..., None]
        beds = self.hours.beds[windows.series][:, None]
        reals = {
            "lead": np.arange(self.lead_hours)[None, :] / self.lead_hours,
            "pull": pull,
            "weekly_mean": _departure(self.hours.weekly_mean[row], expected, spread),
            "log_unit": np.log(unit / np.sqrt(expected)),
            "log_expected": np.log(expected / tables.typical[climate]),
            "headroom": np.clip((beds - centre) / unit / LARGEST_HEADROOM, -1.0, 1.0),
            "temperature": anomaly / DEGREES,
        }
        return _Ahead(row, centre, unit, start, reals)

    def _told_ahead(self, windows: Windows, row: np.ndarray) -> np.ndarray:
        """Degrees above the climate of the hours each window forecasts, as told at the last night by then."""
        weather = self.hours.weather
        if weather is None:
            return np.zeros(row.shape)
        return weather.at(row, weather.night[windows.row][:, None])

    def _weather_factor(
        self, row: np.ndarray, effects: np.ndarray, anomaly: np.ndarray | None = None
    ) -> np.ndarray | float:
        """What the temperature makes of what is expected of rows (..., hours).

        Args:
            row: of the hours (..., hours).
            effects: of their outlooks (..., 5).
            anomaly: what was told of them; by default, what came.
        """
        weather = self.hours.weather
        if weather is None:
            return 1.0
        season = weather.season[row]
        degrees = weather.latest[row] if anomaly is None else anomaly
        columns = effect_columns(degrees, season[..., 0], season[..., 1])
        return np.asarray(np.exp((columns @ effects[..., None])[..., 0]))

    def _place(self, windows: Windows, row: np.ndarray) -> np.ndarray:
        """Where in its outlook each row is: at its hour of the week, or so many rows after the first."""
        fitted_at = self._tables_of_climates().fitted_at
        if fitted_at is None:
            return np.asarray(self.hours.week_hour[row])
        return np.asarray(row - fitted_at[windows.climate][:, None] + self._reach_back)

    def _level_ahead(self, windows: Windows, past: _Past) -> np.ndarray:
        """The level of the hours each window forecasts (batch, lead_hours or 1)."""
        tables = self._tables_of_climates()
        if tables.level is None or tables.fitted_at is None:
            return np.asarray(past.level[:, None])
        days_since = (windows.row - tables.fitted_at[windows.climate]) // HOURS_PER_DAY
        lead_day = np.arange(self.lead_hours) // HOURS_PER_DAY
        last_lead_day = tables.level.shape[-1] - 1
        level: np.ndarray = tables.level[
            windows.climate[:, None], days_since[:, None], np.minimum(lead_day, last_lead_day)
        ]
        return level

    def _tables_of_climates(self) -> _Tables:
        if self._tables is None:
            leads = np.arange(1, self.lead_hours + OLDEST_DEPARTURE)
            self._tables = _Tables.of(self._outlooks, leads, self.levels)
        return self._tables

    def _calendar(self, row: np.ndarray) -> dict[str, np.ndarray]:
        values = self.hours.calendar[row]
        return {name: values[..., column] for column, name in enumerate(CALENDAR)}


@dataclass(frozen=True)
class _Past:
    """The weeks before each window's issue time; (batch, hours) but for ``level`` (batch,)."""

    row: np.ndarray
    departure: np.ndarray
    seen: np.ndarray
    level: np.ndarray


@dataclass(frozen=True)
class _Ahead:
    """The hours each window forecasts, as a :class:`Scene` has them, and what is known of them."""

    row: np.ndarray
    centre: np.ndarray
    unit: np.ndarray
    start: np.ndarray
    reals: dict[str, np.ndarray]


@dataclass(frozen=True)
class _Outlook:
    """What a series was expected to do from some time on, and how it would depart from that."""

    law: Departures
    expected: np.ndarray
    """By hour of the week; of a regression row after row, from as many before its fit as a window reads."""
    dispersion: float
    fitted_at: int | None = None
    """Row at which a regression was fitted."""
    level: np.ndarray | None = None
    """See :class:`~forecasting.models.tft.expectation.Expected`."""
    weather: np.ndarray = field(default_factory=lambda: np.zeros(WEATHER_EFFECTS))
    """Effects of the temperature on what is expected."""


@dataclass(frozen=True)
class _Tables:
    """Many outlooks as arrays, to be looked up by number; leads from 1 hour on."""

    expected: np.ndarray
    fitted_at: np.ndarray | None
    level: np.ndarray | None
    typical: np.ndarray
    spread: np.ndarray
    dispersion: np.ndarray
    persists: np.ndarray
    remains: np.ndarray
    width: np.ndarray
    weather: np.ndarray

    @classmethod
    def of(cls, outlooks: Sequence[_Outlook], leads: np.ndarray, levels: tuple[float, ...]) -> _Tables:
        laws = [outlook.law for outlook in outlooks]
        remains = np.stack([law.remains(leads) for law in laws])
        normal_width = norm.ppf(levels[-1]) - norm.ppf(levels[0])
        expected = np.maximum(np.stack([outlook.expected for outlook in outlooks]), SMALLEST_SPREAD)
        fitted_at = [outlook.fitted_at for outlook in outlooks if outlook.fitted_at is not None]
        level = [outlook.level for outlook in outlooks if outlook.level is not None]
        return cls(
            expected=expected,
            fitted_at=np.array(fitted_at) if fitted_at else None,
            level=np.stack(level) if level else None,
            typical=expected.mean(axis=1),
            spread=np.stack([law.spread for law in laws]),
            dispersion=np.array([outlook.dispersion for outlook in outlooks]),
            persists=np.stack([law.persists(leads) for law in laws]),
            remains=remains,
            width=np.maximum((remains[..., -1] - remains[..., 0]) / normal_width, SMALLEST_WIDTH),
            weather=np.stack([outlook.weather for outlook in outlooks]),
        )

    def expects(
        self, outlook: np.ndarray, place: np.ndarray, week_hour: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Expected value of hours at those places of their outlook, and spread at those of the week."""
        return self.expected[outlook, place], self.spread[outlook, week_hour % HOURS_PER_DAY]


def _windows(rows: Sequence[tuple[int, int, int]]) -> Windows:
    columns = np.array(rows, dtype=np.int64).reshape(-1, 3)
    return Windows(columns[:, 0], columns[:, 1], columns[:, 2])


def _count_start(
    mean: np.ndarray, dispersion: np.ndarray, levels: tuple[float, ...]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Centre, unit and standard quantiles of negative binomial counts spread evenly over their hour.

    Quantiles by the first term of the Cornish-Fisher expansion; skewness of a negative binomial with
    variance = dispersion x mean: (2 dispersion - 1) / sqrt(variance).
    """
    variance = dispersion * mean
    skewness = (2 * dispersion - 1) / np.sqrt(variance)
    normal = norm.ppf(levels)
    return mean, np.sqrt(variance + ROUNDING_VARIANCE), normal + (normal**2 - 1) / 6 * skewness[..., None]


def _departure(values: np.ndarray, expected: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Standardized departures within bounds; 0 where there is no value."""
    departure = np.nan_to_num((values - expected) / spread, nan=0.0)
    return np.asarray(np.clip(departure, -LARGEST_DEPARTURE, LARGEST_DEPARTURE))


def _recent_mean(past: _Past, span: int) -> np.ndarray:
    """Mean of the last ``span`` departures (batch, 1), drawn to 0 where less than a quarter was observed."""
    seen = np.maximum(past.seen[:, -span:].sum(axis=1), span / 4)
    return np.asarray(past.departure[:, -span:].sum(axis=1) / seen)[:, None]


def _stack(reals: dict[str, np.ndarray], shape: tuple[int, ...], names: Sequence[str]) -> np.ndarray:
    stacked = np.zeros((*shape, len(names)), dtype=np.float32)
    for column, name in enumerate(names):
        if name in reals:
            stacked[..., column] = reals[name]
    return stacked
