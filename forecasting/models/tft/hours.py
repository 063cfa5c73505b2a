"""The hours of a panel as arrays, and the numbers by which the network knows sites and units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from forecasting.config import UnitType
from forecasting.models.climate import hours_of_week
from forecasting.models.interface import series_of
from forecasting.models.weather import ToldAnomaly
from forecasting.schema import ANOMALY

STATIC_CATEGORIES = ("site", "unit", "unit_type")
CLOCK = ("day_sin", "day_cos", "week_sin", "week_cos")
# No time of the year: with a few years of it, a network learns the years by heart.
CALENDAR = (*CLOCK, "holiday", "day_before_holiday", "day_after_holiday")
COLUMNS = (
    *("site_id", "unit_id", "unit_type", "beds", "time_idx", "value", "weekly_mean"),
    *("weekday", "local_hour", *CALENDAR),
)
"""What is read of a panel."""


@dataclass(frozen=True)
class Vocabulary:
    """The sites and units the network has learned; any other is the unknown one, number 0."""

    sites: tuple[str, ...]
    units: tuple[str, ...]

    @classmethod
    def of(cls, panel: pd.DataFrame) -> Vocabulary:
        """All sites and units of a panel."""
        keys = [key for key, _ in series_of(panel)]
        sites = tuple(dict.fromkeys(site for site, _ in keys))
        return cls(sites, tuple(f"{site}/{unit}" for site, unit in keys))

    @property
    def sizes(self) -> dict[str, int]:
        """Number of categories by name, the unknown one included."""
        known = (self.sites, self.units, tuple(UnitType))
        return {name: len(names) + 1 for name, names in zip(STATIC_CATEGORIES, known, strict=True)}

    def encode(self, site_id: str, unit_id: str, unit_type: str) -> list[int]:
        """Numbers of a series' categories, in the order of :data:`STATIC_CATEGORIES`."""
        return [
            _number(site_id, self.sites),
            _number(f"{site_id}/{unit_id}", self.units),
            _number(unit_type, tuple(UnitType)),
        ]


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
    weather: ToldAnomaly | None
    """The temperature; None where the panel has none."""
    last_observed: np.ndarray
    """Newest row of the series before this one that was observed; -1 where there is none."""

    @classmethod
    def of(cls, panel: pd.DataFrame, vocabulary: Vocabulary) -> Hours:
        """The panel as arrays."""
        ordered, first = _series_after_series(panel)
        heads = ordered[["site_id", "unit_id", "unit_type", "beds"]].iloc[first[:-1]]
        value = ordered["value"].to_numpy(dtype=np.float64)
        return cls(
            keys=list(zip(heads["site_id"].astype(str), heads["unit_id"].astype(str), strict=True)),
            first=first,
            categories=np.array(
                [
                    vocabulary.encode(str(head.site_id), str(head.unit_id), str(head.unit_type))
                    for head in heads.itertuples()
                ]
            ),
            beds=heads["beds"].to_numpy(dtype=np.float64),
            time_idx=ordered["time_idx"].to_numpy(),
            value=value,
            week_hour=hours_of_week(
                ordered["weekday"].to_numpy(), ordered["local_hour"].to_numpy(), ordered["holiday"].to_numpy()
            ),
            weekly_mean=ordered["weekly_mean"].to_numpy(dtype=np.float64),
            calendar=ordered[list(CALENDAR)].to_numpy(dtype=np.float32),
            weather=ToldAnomaly.of(ordered) if ANOMALY in ordered else None,
            last_observed=np.concatenate(
                [_last_observed(value[start:stop], start) for start, stop in pairwise(first)]
            ),
        )

    def row_at(self, series: int, time_idx: int) -> int:
        """The row of a series at that hour; past its ends, as if it went on."""
        start = int(self.first[series])
        return start + time_idx - int(self.time_idx[start])


def _series_after_series(panel: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """The panel with each series' rows together, and where each begins, with one past the end."""
    number = panel.groupby(["site_id", "unit_id"], sort=False).ngroup().to_numpy()
    if (np.diff(number) < 0).any():
        order = np.argsort(number, kind="stable")
        panel, number = panel.iloc[order], number[order]
    begins = np.flatnonzero(np.diff(number, prepend=-1))
    return panel, np.append(begins, len(panel))


def _last_observed(value: np.ndarray, start: int) -> np.ndarray:
    rows = np.where(np.isnan(value), -1, np.arange(start, start + len(value)))
    newest = np.maximum.accumulate(rows)
    return np.concatenate([[-1], newest[:-1]])
