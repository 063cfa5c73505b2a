"""The temperature of a panel, where it has one: what was known of it, and what it may do to arrivals.

Only departures from the climate are looked at: the climate itself is the season's, which models know. A panel
without weather counts as one in which every hour is as usual, so that a model that learned with weather
serves where tonight's is missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from forecasting.schema import ANOMALY, ANOMALY_NIGHT, anomaly_told

DEGREES = 10.0
KNEE = 0.6
"""Tens of degrees beyond which an hour is unusually warm or cold."""
WARMTH, WARMTH_BY_SEASON, BEYOND_KNEE = 0.1, 0.05, 0.05
EFFECT_SCALES = np.array([WARMTH, WARMTH_BY_SEASON, WARMTH_BY_SEASON, BEYOND_KNEE, BEYOND_KNEE])
"""How far the effect of ten degrees on the log of a rate may stray, by column of :func:`effect_columns`."""
WEATHER_EFFECTS = len(EFFECT_SCALES)


def has_weather(rows: pd.DataFrame) -> bool:
    """Whether these rows of a panel tell of a temperature that was ever unusual."""
    return ANOMALY in rows and bool(rows[ANOMALY].any())


def anomaly_of(rows: pd.DataFrame) -> np.ndarray:
    """Degrees Celsius above the climate of each row of a panel (n,); 0 where it has no weather."""
    return rows[ANOMALY].to_numpy(dtype=np.float64) if ANOMALY in rows else np.zeros(len(rows))


def without_anomaly(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows as if their weather were as usual."""
    return rows.assign(**{ANOMALY: 0.0}) if ANOMALY in rows else rows


def effect_columns(anomaly: np.ndarray, year_cos: np.ndarray, year_sin: np.ndarray) -> np.ndarray:
    """What temperature may do to the log of a rate (..., 5).

    Warmth, how that differs over the year, and unusual heat and cold besides.

    Args:
        anomaly: degrees Celsius above the climate (...).
        year_cos: of the time of the year (...).
        year_sin: of the time of the year (...).
    """
    warmth = anomaly / DEGREES
    heat, cold = np.maximum(warmth - KNEE, 0.0), np.maximum(-warmth - KNEE, 0.0)
    return np.stack([warmth, warmth * year_cos, warmth * year_sin, heat, cold], axis=-1)


def weather_known_at(panel: pd.DataFrame, issued_at: datetime) -> pd.DataFrame:
    """The panel with the temperature of the hours from ``issued_at`` on as told at the last night by then."""
    later = (panel["valid_at"] >= issued_at).to_numpy()
    if ANOMALY not in panel or not later.any():
        return panel
    told = ToldAnomaly.of(panel)
    # The day that the first of those hours is in began at the last night by then.
    night = told.night[later].min()
    anomaly = told.latest.copy()
    anomaly[later] = told.at(np.flatnonzero(later), night)
    return panel.assign(**{ANOMALY: anomaly})


@dataclass(frozen=True)
class ToldAnomaly:
    """The temperature of a panel's rows, as each night told of it."""

    latest: np.ndarray
    """As known at the panel's issue time (rows,)."""
    night: np.ndarray
    """Whole days from the panel's issue time (rows,)."""
    by_night: np.ndarray
    """As told so many nights before, from 1 on (rows, nights)."""
    season: np.ndarray
    """Cosine and sine of the time of the year (rows, 2)."""

    @classmethod
    def of(cls, panel: pd.DataFrame) -> ToldAnomaly:
        """Of a panel with weather."""
        names = [name for number in range(1, panel.shape[1]) if (name := anomaly_told(number)) in panel]
        return cls(
            panel[ANOMALY].to_numpy(dtype=np.float32),
            panel[ANOMALY_NIGHT].to_numpy(dtype=np.int64),
            panel[names].to_numpy(dtype=np.float32),
            panel[["year_cos", "year_sin"]].to_numpy(),
        )

    def at(self, row: np.ndarray, night: np.ndarray | int) -> np.ndarray:
        """What a night told of rows from it on (...); 0 of those further ahead than any forecast reaches."""
        before = self.night[row] - night
        reached = before < self.by_night.shape[1]
        return np.where(reached, self.by_night[row, np.where(reached, before, 0)], np.float32(0))
