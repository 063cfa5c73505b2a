"""Windows: what the network is shown, and what its answer means in patients.

A window is one series at one issue time: the hours before it (the encoder's) and the hours of the forecast
(the decoder's). The network does not forecast patients. It forecasts how many standard deviations the value
will lie from what the series' :class:`~forecasting.models.climate.Climate` expects, so that a site that grows
or a unit never seen needs nothing new to be learned. What the climate expects of a window is computed from
hours before its issue time alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

from forecasting.config import UnitType
from forecasting.models.climate import (
    HOURS_PER_DAY,
    HOURS_PER_WEEK,
    LEVEL_HOURS,
    SMALLEST_SPREAD,
    Climate,
    fit_climate,
    hours_of_week,
    level_ratio,
)
from forecasting.models.interface import series_of
from forecasting.schema import Target

STATIC_CATEGORIES = ("site", "unit", "unit_type")
STATIC_REALS = ("log_beds", "log_level", "last_day", "last_week", "last_month")
CLOCK = ("day_sin", "day_cos", "week_sin", "week_cos")
HOLIDAYS = ("holiday", "day_before_holiday", "day_after_holiday")
# No time of the year: with a few years of it, a network learns the years by heart.
CALENDAR = (*CLOCK, *HOLIDAYS)
ENCODER_REALS = ("departure", "observed", *CLOCK, "holiday")
DECODER_REALS = ("lead", "pull", "weekly_mean", "log_unit", "log_expected", "headroom", *CALENDAR)
REALS = tuple(dict.fromkeys((*STATIC_REALS, *ENCODER_REALS, *DECODER_REALS)))

HISTORY_NEEDED = LEVEL_HOURS
OLDEST_DEPARTURE = HOURS_PER_WEEK
HOURS_BETWEEN_CLIMATES = 2 * HOURS_PER_WEEK
LARGEST_DEPARTURE = 6.0
LARGEST_HEADROOM = 4.0
SMALLEST_WIDTH = 0.05
TYPICAL_BEDS = 24
ROUNDING_VARIANCE = 1 / 12


@dataclass(frozen=True)
class Vocabulary:
    """The sites and units the network has learned; any other is the unknown one, number 0."""

    sites: tuple[str, ...]
    units: tuple[str, ...]

    @classmethod
    def of(cls, panel: pd.DataFrame) -> Vocabulary:
        """All sites and units of a panel."""
        keys = [key for key, _ in series_of(panel)]
        return cls(
            tuple(dict.fromkeys(site for site, _ in keys)), tuple(f"{site}/{unit}" for site, unit in keys)
        )

    @property
    def sizes(self) -> dict[str, int]:
        """Number of categories by name, the unknown one included."""
        return dict(
            zip(STATIC_CATEGORIES, map(_size, (self.sites, self.units, tuple(UnitType))), strict=True)
        )

    def encode(self, site_id: str, unit_id: str, unit_type: str) -> list[int]:
        """Numbers of a series' categories, in the order of :data:`STATIC_CATEGORIES`."""
        return [
            _number(site_id, self.sites),
            _number(f"{site_id}/{unit_id}", self.units),
            _number(unit_type, tuple(UnitType)),
        ]


def _size(names: Sequence[str]) -> int:
    return len(names) + 1


def _number(name: str, names: Sequence[str]) -> int:
    return names.index(name) + 1 if name in names else 0


@dataclass(frozen=True)
class Hours:
    """Every hour of every series of a panel, series after series."""

    keys: list[tuple[str, str]]
    first: np.ndarray
    """First row of each series, and one past the last row of all (series + 1,)."""
    categories: np.ndarray
    beds: np.ndarray
    time_idx: np.ndarray
    value: np.ndarray
    week_hour: np.ndarray
    weekly_mean: np.ndarray
    calendar: np.ndarray
    last_observed: np.ndarray
    """Newest row of the series before this one that was observed; -1 where there is none."""

    @classmethod
    def of(cls, panel: pd.DataFrame, vocabulary: Vocabulary) -> Hours:
        """The panel as arrays."""
        series = list(series_of(panel))
        ordered = pd.concat([rows for _, rows in series])
        heads = [rows.iloc[0] for _, rows in series]
        first = np.cumsum([0, *(len(rows) for _, rows in series)])
        value = ordered["value"].to_numpy(dtype=np.float64)
        return cls(
            keys=[key for key, _ in series],
            first=first,
            categories=np.array(
                [vocabulary.encode(head.site_id, head.unit_id, head.unit_type) for head in heads]
            ),
            beds=np.array([head.beds for head in heads], dtype=np.float64),
            time_idx=ordered["time_idx"].to_numpy(),
            value=value,
            week_hour=hours_of_week(
                ordered["weekday"].to_numpy(), ordered["local_hour"].to_numpy(), ordered["holiday"].to_numpy()
            ),
            weekly_mean=ordered["weekly_mean"].to_numpy(dtype=np.float64),
            calendar=ordered[list(CALENDAR)].to_numpy(dtype=np.float32),
            last_observed=np.concatenate(
                [
                    _last_observed(value[start:stop], start)
                    for start, stop in zip(first, first[1:], strict=False)
                ]
            ),
        )

    def row_at(self, series: int, time_idx: int) -> int:
        """The row of a series at that hour; past its ends, as if it went on."""
        start = int(self.first[series])
        return start + time_idx - int(self.time_idx[start])


def _last_observed(value: np.ndarray, start: int) -> np.ndarray:
    rows = np.where(np.isnan(value), -1, np.arange(start, start + len(value)))
    newest = np.maximum.accumulate(rows)
    return np.concatenate([[-1], newest[:-1]])


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
    """

    def __init__(
        self, hours: Hours, target: Target, levels: tuple[float, ...], encoder_hours: int, lead_hours: int
    ) -> None:
        self.hours = hours
        self.target = target
        self.levels = levels
        self.encoder_hours = encoder_hours
        self.lead_hours = lead_hours
        self._climates: list[Climate] = []
        self._tables: _Tables | None = None

    def windows_at(self, issue_time_idx: Iterable[int]) -> Windows:
        """The windows of all series at those hours, each with a climate fitted just then.

        A series with no observed hour before an issue time has no window there.
        """
        rows: list[tuple[int, int, int]] = []
        for time_idx in issue_time_idx:
            for series in range(len(self.hours.keys)):
                row = self.hours.row_at(series, time_idx)
                start, stop = self.hours.first[series : series + 2]
                inside = start < row and row + self.lead_hours <= stop
                if inside and self.hours.last_observed[row] >= 0:
                    rows.append((series, row, self._fit(series, row)))
        return _windows(rows)

    def windows_between(self, first_time_idx: int, last_time_idx: int) -> Windows:
        """Windows at every hour whose forecast ends before ``last_time_idx``, with climates fitted fortnightly.

        A window of a series starts four weeks into its history at the earliest.
        """
        parts = [_windows([])]
        for series, (start, stop) in enumerate(zip(self.hours.first, self.hours.first[1:], strict=False)):
            begin = max(self.hours.row_at(series, first_time_idx), int(start) + HISTORY_NEEDED)
            end = min(self.hours.row_at(series, last_time_idx), int(stop)) - self.lead_hours + 1
            for refit in range(begin, end, HOURS_BETWEEN_CLIMATES):
                row = np.arange(refit, min(refit + HOURS_BETWEEN_CLIMATES, end))
                climate = self._fit(series, refit)
                parts.append(Windows(np.full(len(row), series), row, np.full(len(row), climate)))
        return Windows(
            np.concatenate([part.series for part in parts]),
            np.concatenate([part.row for part in parts]),
            np.concatenate([part.climate for part in parts]),
        )

    def _fit(self, series: int, row: int) -> int:
        """Fit the climate of a series on its rows before ``row``; its number."""
        past = slice(int(self.hours.first[series]), row)
        self._climates.append(fit_climate(self.hours.value[past], self.hours.week_hour[past], self.levels))
        self._tables = None
        return len(self._climates) - 1

    def scene(self, windows: Windows) -> Scene:
        """The scene of a batch of windows."""
        if self._tables is None:
            self._tables = _Tables.of(
                self._climates, np.arange(1, self.lead_hours + OLDEST_DEPARTURE), self.levels
            )
        tables, hours, climate = self._tables, self.hours, windows.climate[:, None]
        first = hours.first[windows.series][:, None]

        past = windows.row[:, None] + np.arange(-LEVEL_HOURS, 0)
        values = np.where(past >= first, hours.value[np.maximum(past, first)], np.nan)
        expected, spread = tables.expects(climate, hours.week_hour[np.maximum(past, first)])
        typical = tables.profile.mean(axis=1)[windows.climate]
        level = level_ratio(values, expected, typical)
        seen = ~np.isnan(values)
        departure = _departure(values, expected * level[:, None], spread)

        ahead = windows.row[:, None] + np.arange(self.lead_hours)
        expected, spread = tables.expects(climate, hours.week_hour[ahead])
        expected = expected * level[:, None]
        age = np.minimum(windows.row - hours.last_observed[windows.row], OLDEST_DEPARTURE)
        newest = np.take_along_axis(departure, LEVEL_HOURS - age[:, None], axis=1)
        lead = np.arange(self.lead_hours) + age[:, None] - 1
        pull = tables.persists[climate, lead] * newest
        if self.target is Target.ED_ARRIVALS:
            centre, unit, start = _count_start(expected, tables.dispersion[climate], self.levels)
        else:
            width = tables.width[climate, lead]
            centre, unit = expected + spread * pull, spread * width
            start = tables.remains[climate, lead] / width[..., None]

        beds = hours.beds[windows.series][:, None]
        static = {
            "log_beds": np.log(beds / TYPICAL_BEDS),
            "log_level": np.log(level)[:, None],
            "last_day": _recent_mean(departure, seen, HOURS_PER_DAY),
            "last_week": _recent_mean(departure, seen, HOURS_PER_WEEK),
            "last_month": _recent_mean(departure, seen, LEVEL_HOURS),
        }
        shown = np.maximum(past[:, -self.encoder_hours :], first)
        encoder = {
            **static,
            "departure": departure[:, -self.encoder_hours :],
            "observed": seen[:, -self.encoder_hours :],
            **self._calendar(shown),
        }
        decoder = {
            **static,
            "lead": np.arange(self.lead_hours)[None, :] / self.lead_hours,
            "pull": pull,
            "weekly_mean": _departure(hours.weekly_mean[ahead], expected, spread),
            "log_unit": np.log(unit / np.sqrt(expected)),
            "log_expected": np.log(expected / typical[:, None]),
            "headroom": np.clip((beds - centre) / unit, -LARGEST_HEADROOM, LARGEST_HEADROOM)
            / LARGEST_HEADROOM,
            **self._calendar(ahead),
        }
        return Scene(
            categories=hours.categories[windows.series],
            encoder=_stack(encoder, shown.shape),
            decoder=_stack(decoder, ahead.shape),
            centre=centre,
            unit=unit,
            start=start,
            value=hours.value[ahead],
        )

    def _calendar(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        values = self.hours.calendar[rows]
        return {name: values[..., column] for column, name in enumerate(CALENDAR)}


@dataclass(frozen=True)
class _Tables:
    """Many climates as arrays, to be looked up by number; leads from 1 hour on."""

    profile: np.ndarray
    spread: np.ndarray
    dispersion: np.ndarray
    persists: np.ndarray
    remains: np.ndarray
    width: np.ndarray

    @classmethod
    def of(cls, climates: Sequence[Climate], leads: np.ndarray, levels: tuple[float, ...]) -> _Tables:
        remains = np.stack([climate.remains(leads) for climate in climates])
        normal_width = norm.ppf(levels[-1]) - norm.ppf(levels[0])
        return cls(
            profile=np.maximum(np.stack([climate.profile for climate in climates]), SMALLEST_SPREAD),
            spread=np.stack([climate.spread for climate in climates]),
            dispersion=np.array([climate.dispersion for climate in climates]),
            persists=np.stack([climate.persists(leads) for climate in climates]),
            remains=remains,
            width=np.maximum((remains[..., -1] - remains[..., 0]) / normal_width, SMALLEST_WIDTH),
        )

    def expects(self, climate: np.ndarray, week_hour: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Expected value and spread of hours of the week."""
        return self.profile[climate, week_hour], self.spread[climate, week_hour % HOURS_PER_DAY]


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
    return np.clip(departure, -LARGEST_DEPARTURE, LARGEST_DEPARTURE)


def _recent_mean(departure: np.ndarray, seen: np.ndarray, span: int) -> np.ndarray:
    """Mean of the last ``span`` departures (batch, 1), drawn to 0 where less than a quarter was observed."""
    count = np.maximum(seen[:, -span:].sum(axis=1), span / 4)
    return np.asarray(departure[:, -span:].sum(axis=1) / count)[:, None]


def _stack(reals: dict[str, np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    stacked = np.zeros((*shape, len(REALS)), dtype=np.float32)
    for column, name in enumerate(REALS):
        if name in reals:
            stacked[..., column] = reals[name]
    return stacked
