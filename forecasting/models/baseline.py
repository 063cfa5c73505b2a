"""Climatology: the reference every other model is measured against, and the fallback that always speaks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

import numpy as np
import pandas as pd
from scipy.stats import nbinom, poisson

from forecasting.config import Settings
from forecasting.models.climate import (
    HOURS_PER_DAY,
    Climate,
    fit_climate,
    hours_of_week,
    last_departure,
    recent_level,
)
from forecasting.models.interface import forecast_frame, hours_before, series_of
from forecasting.schema import Target

SMALLEST_RATE = 1e-3
POISSON_BELOW = 1.01


@dataclass(frozen=True)
class Climatology:
    """Each series' normal week over the last year, at the level of its last four weeks.

    Arrivals spread around it as negative binomial counts. Census, which is slow, keeps a share of its last
    departure that fades with the lead, and spreads as past forecasts of that lead would have erred.
    """

    name: ClassVar[str] = "climatology"
    version: ClassVar[str] = "1"

    target: Target
    levels: tuple[float, ...]
    lead_hours: int
    climates: dict[tuple[str, str], Climate]

    @classmethod
    def fit(cls, panel: pd.DataFrame, settings: Settings, issued_at: datetime, target: Target) -> Self:
        """Fit on the panel's hours before ``issued_at``; a series without any observed one is left out."""
        levels = settings.horizon.quantile_levels
        climates = {}
        for key, rows in series_of(panel):
            past = rows.iloc[: hours_before(rows, issued_at)]
            if past["value"].notna().any():
                climates[key] = fit_climate(past["value"].to_numpy(), _week_hours(past), levels)
        return cls(target, levels, settings.lead_hours, climates)

    def predict(self, panel: pd.DataFrame, issued_at: datetime) -> pd.DataFrame:
        """See :meth:`forecasting.models.interface.Forecaster.predict`; a series not fitted has none."""
        values = {}
        for key, rows in series_of(panel):
            now = hours_before(rows, issued_at)
            if key in self.climates and rows["value"].iloc[:now].notna().any():
                values[key] = self._quantiles(self.climates[key], rows, now)
        return forecast_frame(values, self.levels, issued_at, self.target, self.name, self.version)

    def _quantiles(self, climate: Climate, rows: pd.DataFrame, now: int) -> np.ndarray:
        """Quantiles (lead_hours, levels) of a series from its row ``now`` on."""
        past = rows["value"].to_numpy()[:now]
        week_hour = _week_hours(rows)
        ahead = week_hour[now : now + self.lead_hours]
        expected = climate.profile[ahead] * recent_level(climate.profile, past, week_hour[:now])
        if self.target is Target.ED_ARRIVALS:
            return count_quantiles(expected, climate.dispersion, self.levels)
        departure, age = last_departure(climate, past, week_hour[:now])
        leads = np.arange(len(ahead)) + age
        spread = climate.spread[ahead % HOURS_PER_DAY]
        departures = climate.persists(leads)[:, None] * departure + climate.remains(leads)
        return np.asarray(np.rint(expected[:, None] + spread[:, None] * departures))


def count_quantiles(mean: np.ndarray, dispersion: float, levels: tuple[float, ...]) -> np.ndarray:
    """Quantiles (n, levels) of negative binomial counts of that mean (n,) and variance / mean."""
    rate = np.maximum(mean, SMALLEST_RATE)[:, None]
    if dispersion < POISSON_BELOW:
        return np.asarray(poisson.ppf(levels, rate))
    return np.asarray(nbinom.ppf(levels, rate / (dispersion - 1), 1 / dispersion))


def _week_hours(rows: pd.DataFrame) -> np.ndarray:
    return hours_of_week(
        rows["weekday"].to_numpy(), rows["local_hour"].to_numpy(), rows["holiday"].to_numpy()
    )
