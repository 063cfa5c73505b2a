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
    LEVEL_HOURS,
    LEVEL_PRIOR_HOURS,
    SMALLEST_SPREAD,
    Climate,
    fit_climate,
    hours_of_week,
)
from forecasting.models.interface import series_of

STATIC_CATEGORIES = ("site", "unit", "unit_type")
STATIC_REALS = ("log_beds", "log_level", "last_day", "last_week", "last_month")
CLOCK = ("day_sin", "day_cos", "week_sin", "week_cos")
HOLIDAYS = ("holiday", "day_before_holiday", "day_after_holiday")
SEASON = ("year_sin", "year_cos")
CALENDAR = (*CLOCK, *HOLIDAYS, *SEASON)
ENCODER_REALS = ("departure", "observed", *CLOCK, "holiday")
DECODER_REALS = ("lead", "pull", "log_scale", "log_expected", "headroom", *CALENDAR)
REALS = tuple(dict.fromkeys((*STATIC_REALS, *ENCODER_REALS, *DECODER_REALS)))

HISTORY_NEEDED = LEVEL_HOURS
OLDEST_DEPARTURE = 168
HOURS_BETWEEN_CLIMATES = 336
LARGEST_DEPARTURE = 6.0
SCALE_LEVELS = (0.05, 0.5, 0.95)
SCALE_WIDTH = float(norm.ppf(0.95) - norm.ppf(0.05))


@dataclass(frozen=True)
class Vocabulary:
    """The sites and units the network has learned; any other is the unknown one, number 0."""

    sites: tuple[str, ...]
    units: tuple[str, ...]

    @classmethod
    def of(cls, panel: pd.DataFrame) -> Vocabulary:
        """All sites and units of a panel."""
        keys = [key for key, _ in series_of(panel)]
        return cls(tuple(dict.fromkeys(site for site, _ in keys)), tuple(f"{site}/{unit}" for site, unit in keys))

    @property
    def sizes(self) -> dict[str, int]:
        """Number of categories by name, the unknown one included."""
        return dict(zip(STATIC_CATEGORIES, map(_size, (self.sites, self.units, tuple(UnitType))), strict=True))

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
            categories=np.array([vocabulary.encode(head.site_id, head.unit_id, head.unit_type) for head in heads]),
            beds=np.array([head.beds for head in heads], dtype=np.float64),
            time_idx=ordered["time_idx"].to_numpy(),
            value=value,
            week_hour=hours_of_week(
                ordered["weekday"].to_numpy(), ordered["local_hour"].to_numpy(), ordered["holiday"].to_numpy()
            ),
            calendar=ordered[list(CALENDAR)].to_numpy(dtype=np.float32),
            last_observed=np.concatenate(
                [_last_observed(value[start:stop], start) for start, stop in zip(first, first[1:], strict=False)]
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
    """A batch of windows, in numbers the network reads."""

    categories: np.ndarray
    """(batch, 3)"""
    encoder: np.ndarray
    """(batch, encoder_hours, reals)"""
    decoder: np.ndarray
    """(batch, lead_hours, reals)"""
    centre: np.ndarray
    """Patients at departure 0 of the network's scale (batch, lead_hours)."""
    scale: np.ndarray
    """Patients a unit of the network's scale (batch, lead_hours)."""
    outcome: np.ndarray
    """What came, on the network's scale; 0 where not known (batch, lead_hours)."""
    weight: np.ndarray
    """Patients a unit of the network's scale where the outcome is known, else 0 (batch, lead_hours)."""


class Scenery:
    """Makes scenes of windows: the hours of a panel, and the climates fitted on them."""

    def __init__(self, hours: Hours, encoder_hours: int, lead_hours: int) -> None:
        self.hours = hours
        self.encoder_hours = encoder_hours
        self.lead_hours = lead_hours
        self._profile: list[np.ndarray] = []
        self._spread: list[np.ndarray] = []
        self._persists: list[np.ndarray] = []
        self._scale: list[np.ndarray] = []

    def windows_at(self, issue_time_idx: Iterable[int]) -> Windows:
        """The windows of all series at those hours, each with a climate fitted just then.

        A series with no observed hour before an issue time has no window there.
        """
        rows: list[tuple[int, int, int]] = []
        for time_idx in issue_time_idx:
            for series in range(len(self.hours.keys)):
                row = self.hours.row_at(series, time_idx)
                start, stop = self.hours.first[series : series + 2]
                if start < row and row + self.lead_hours <= stop and self.hours.last_observed[row] >= 0:
                    rows.append((series, row, self._fit(series, row)))
        return _windows(rows)

    def windows_between(self, first_time_idx: int, last_time_idx: int) -> Windows:
        """Windows at every hour whose forecast ends before ``last_time_idx``, with climates fitted fortnightly.

        A window of a series starts four weeks into its history at the earliest.
        """
        parts = []
        for series, (start, stop) in enumerate(zip(self.hours.first, self.hours.first[1:], strict=False)):
            begin = max(self.hours.row_at(series, first_time_idx), int(start) + HISTORY_NEEDED)
            end = min(self.hours.row_at(series, last_time_idx), int(stop)) - self.lead_hours
            for refit in range(begin, end, HOURS_BETWEEN_CLIMATES):
                if self.hours.last_observed[refit] < 0:
                    continue
                row = np.arange(refit, min(refit + HOURS_BETWEEN_CLIMATES, end))
                climate = self._fit(series, refit)
                parts.append(Windows(np.full(len(row), series), row, np.full(len(row), climate)))
        if not parts:
            return _windows([])
        return Windows(
            np.concatenate([part.series for part in parts]),
            np.concatenate([part.row for part in parts]),
            np.concatenate([part.climate for part in parts]),
        )

    def _fit(self, series: int, row: int) -> int:
        """Fit the climate of a series on its rows before ``row``; its number."""
        past = slice(int(self.hours.first[series]), row)
        climate = fit_climate(self.hours.value[past], self.hours.week_hour[past], SCALE_LEVELS)
        leads = np.arange(1, self.lead_hours + OLDEST_DEPARTURE)
        self._profile.append(np.maximum(climate.profile, SMALLEST_SPREAD))
        self._spread.append(climate.spread)
        self._persists.append(climate.persists(leads))
        self._scale.append(_scale(climate, leads))
        return len(self._profile) - 1

    def scene(self, windows: Windows) -> Scene:
        """The scene of a batch of windows."""
        hours = self.hours
        start = hours.first[windows.series][:, None]
        profile, spread = np.stack(self._profile), np.stack(self._spread)

        def expectation(row: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            week_hour = hours.week_hour[row]
            climate = windows.climate[:, None]
            return profile[climate, week_hour], spread[climate, week_hour % HOURS_PER_DAY]

        past = windows.row[:, None] + np.arange(-LEVEL_HOURS, 0)
        value = np.where(past >= start, hours.value[np.maximum(past, start)], np.nan)
        expected, deviation = expectation(np.maximum(past, start))
        level = _level(value, expected, profile[windows.climate].mean(axis=1))
        departure = (value - expected * level[:, None]) / deviation
        departure = np.clip(departure, -LARGEST_DEPARTURE, LARGEST_DEPARTURE)
        observed = ~np.isnan(departure)
        departure = np.where(observed, departure, 0.0)

        ahead = windows.row[:, None] + np.arange(self.lead_hours)
        expected, deviation = expectation(ahead)
        expected = expected * level[:, None]
        age = np.minimum(windows.row - hours.last_observed[windows.row], OLDEST_DEPARTURE)
        newest = np.take_along_axis(departure, np.maximum(LEVEL_HOURS - age, 0)[:, None], axis=1)
        lead = np.arange(self.lead_hours) + age[:, None] - 1
        climate = windows.climate[:, None]
        pull = np.stack(self._persists)[climate, lead] * newest
        scale = np.stack(self._scale)[climate, lead]

        centre, unit = expected + deviation * pull, deviation * scale
        outcome = (hours.value[ahead] - centre) / unit
        known = ~np.isnan(outcome)

        def recent(span: int) -> np.ndarray:
            seen = observed[:, -span:].sum(axis=1)
            return np.asarray(departure[:, -span:].sum(axis=1) / np.maximum(seen, span / 4))

        beds = hours.beds[windows.series]
        reals = {
            "log_beds": np.log(beds / 24)[:, None],
            "log_level": np.log(np.clip(level, 0.2, 5.0))[:, None],
            "last_day": recent(24)[:, None],
            "last_week": recent(168)[:, None],
            "last_month": recent(LEVEL_HOURS)[:, None],
        }
        encoder_rows = np.maximum(windows.row[:, None] + np.arange(-self.encoder_hours, 0), start)
        encoder = {
            **reals,
            "departure": departure[:, -self.encoder_hours :],
            "observed": observed[:, -self.encoder_hours :],
            **self._calendar(encoder_rows),
        }
        decoder = {
            **reals,
            "lead": (np.arange(self.lead_hours) / self.lead_hours)[None, :],
            "pull": pull,
            "log_scale": np.log(scale),
            "log_expected": np.log(expected / profile[windows.climate].mean(axis=1)[:, None]),
            "headroom": np.clip((beds[:, None] - centre) / unit, -4.0, 4.0) / 4.0,
            **self._calendar(ahead),
        }
        return Scene(
            categories=hours.categories[windows.series],
            encoder=_stack(encoder, encoder_rows.shape),
            decoder=_stack(decoder, ahead.shape),
            centre=centre,
            scale=unit,
            outcome=np.where(known, outcome, 0.0).astype(np.float32),
            weight=np.where(known, unit, 0.0).astype(np.float32),
        )

    def _calendar(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        values = self.hours.calendar[rows]
        return {name: values[..., column] for column, name in enumerate(CALENDAR)}


def _windows(rows: Sequence[tuple[int, int, int]]) -> Windows:
    columns = np.array(rows, dtype=np.int64).reshape(-1, 3)
    return Windows(columns[:, 0], columns[:, 1], columns[:, 2])


def _scale(climate: Climate, leads: np.ndarray) -> np.ndarray:
    remains = climate.remains(leads)
    return np.maximum((remains[:, -1] - remains[:, 0]) / SCALE_WIDTH, 0.05)


def _level(value: np.ndarray, expected: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Ratio of what was observed to what was expected, drawn towards 1 (batch,)."""
    prior = LEVEL_PRIOR_HOURS * mean
    known = ~np.isnan(value)
    sums = np.where(known, value, 0.0).sum(axis=1) + prior
    return np.asarray(sums / (np.where(known, expected, 0.0).sum(axis=1) + prior))


def _stack(reals: dict[str, np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    stacked = np.zeros((*shape, len(REALS)), dtype=np.float32)
    for column, name in enumerate(REALS):
        if name in reals:
            stacked[..., column] = reals[name]
    return stacked
