"""What the network starts from where arrivals are forecast: a Poisson regression on the calendar.

The network then learns what the regression misses: how the last week departed from it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecasting.models.climate import HOURS_PER_DAY
from forecasting.models.glm.level import days_of, levels_said
from forecasting.models.glm.model import LEVEL_HOURS, MEMORY_HOURS, fit_regression
from forecasting.models.interface import series_of
from forecasting.models.weather import without_anomaly
from forecasting.schema import Target


@dataclass(frozen=True)
class Expected:
    """What is expected of one series by a regression fitted on its rows before some row."""

    value: np.ndarray
    """Of each row of the series in usual weather, at level 1 (rows,)."""
    weather: np.ndarray
    """Effects of the temperature, see :func:`forecasting.models.weather.effect_columns` (5,)."""
    level: np.ndarray
    """What is said of the level: after each day from the fit on, for each day ahead (days, lead days)."""
    dispersion: float
    """Variance over mean of a count around its forecast; at least 1."""


class Regressions:
    """Fits a regression to any series of a panel, at any of its rows."""

    def __init__(self, panel: pd.DataFrame, target: Target) -> None:
        self._series = [rows for _, rows in series_of(panel)]
        self._target = target

    def fit(self, series: int, row: int, days: int) -> Expected:
        """Fit on the rows of a series before ``row``, and follow its level for ``days`` days from there.

        Args:
            series: its number, in the panel's order.
            row: counted from the series' first; one before it at least must have been observed.
            days: after each of which the level is said; each day reads what came until its own end.
        """
        rows = self._series[series]
        past = rows.iloc[max(0, row - MEMORY_HOURS) : row]
        regression = fit_regression(past, None, self._target, ())
        expected = regression.expected(rows)
        followed = np.arange(max(0, row - LEVEL_HOURS), row + days * HOURS_PER_DAY)
        inside = followed < len(rows)
        values = np.full(len(followed), np.nan)
        values[inside] = rows["value"].to_numpy()[followed[inside]]
        came, due = days_of(values, expected[np.minimum(followed, len(rows) - 1)])
        said = [_last(of_lead, days + 1) for of_lead in levels_said(came, due)]
        usual = regression.expected(without_anomaly(rows)) if regression.terms.weather else expected
        return Expected(usual, regression.weather_effects, np.stack(said, axis=1), regression.dispersion)


def begins_regressed(target: Target) -> bool:
    """Whether a network of that target learns to correct a regression; a census's corrects the climate."""
    return target is Target.ED_ARRIVALS


def regressions(panel: pd.DataFrame, target: Target) -> Regressions | None:
    """What is expected of a panel's series, where a network of the target corrects a regression."""
    return Regressions(panel, target) if begins_regressed(target) else None


def _last(levels: np.ndarray, count: int) -> np.ndarray:
    """The last so many levels; where there are fewer, 1 before them."""
    return np.concatenate([np.ones(max(0, count - len(levels))), levels])[-count:]
