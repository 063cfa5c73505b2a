"""Seasonal naive: what came in this hour of the last eight weeks comes again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

import numpy as np
import pandas as pd

from forecasting.config import Settings
from forecasting.models.climate import HOURS_PER_WEEK
from forecasting.models.interface import forecast_frame, hours_before, series_of
from forecasting.schema import Target

WEEKS = 8


@dataclass(frozen=True)
class SeasonalNaive:
    """The quantiles of the last eight weeks' values at the same hour of the local week.

    It learns nothing, so that whatever does can be measured against it. An hour of the week that was never
    observed in those weeks takes the quantiles of all their values.
    """

    name: ClassVar[str] = "seasonal_naive"
    version: ClassVar[str] = "1"

    target: Target
    levels: tuple[float, ...]
    lead_hours: int

    @classmethod
    def fit(cls, panel: pd.DataFrame, settings: Settings, issued_at: datetime, target: Target) -> Self:
        """Remember what is asked; the values are read when it forecasts."""
        return cls(target, settings.horizon.quantile_levels, settings.lead_hours)

    def predict(self, panel: pd.DataFrame, issued_at: datetime) -> pd.DataFrame:
        """See :meth:`forecasting.models.interface.Forecaster.predict`.

        A series not observed in its last eight weeks has none.
        """
        values = {}
        for key, rows in series_of(panel):
            now = hours_before(rows, issued_at)
            past = rows["value"].to_numpy()[:now]
            if not np.isnan(past[-WEEKS * HOURS_PER_WEEK :]).all():
                week_hour = (24 * rows["weekday"] + rows["local_hour"]).to_numpy()
                values[key] = self._quantiles(past, week_hour, now)
        return forecast_frame(values, self.levels, issued_at, self.target, self.name, self.version)

    def _quantiles(self, past: np.ndarray, week_hour: np.ndarray, now: int) -> np.ndarray:
        """Quantiles (lead_hours, levels) from row ``now`` on."""
        recent = past[-WEEKS * HOURS_PER_WEEK :]
        hours = week_hour[:now][-WEEKS * HOURS_PER_WEEK :]
        observed = ~np.isnan(recent)
        everywhere = np.quantile(recent[observed], self.levels)
        by_hour = np.tile(everywhere, (HOURS_PER_WEEK, 1))
        for hour in np.unique(hours[observed]):
            by_hour[hour] = np.quantile(recent[observed & (hours == hour)], self.levels)
        return np.asarray(by_hour[week_hour[now : now + self.lead_hours]])
