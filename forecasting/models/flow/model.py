"""The census flow model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

import numpy as np
import pandas as pd
from scipy.stats import norm

from forecasting.config import Settings
from forecasting.models.flow.correction import learned_correction
from forecasting.models.flow.flows import Flows
from forecasting.models.flow.hazards import shared_hazard, unit_hazard
from forecasting.models.flow.history import SiteHistory, UnitHistory, site_history
from forecasting.models.flow.inflow import expected_inflow
from forecasting.models.flow.turnover import Census, future_census
from forecasting.models.interface import forecast_frame, series_of
from forecasting.schema import Target

MEDIAN = 0.5


@dataclass(frozen=True)
class Flow:
    """Patients present who will still be there, and those who will have come and stayed.

    Each unit has a chance to leave within the hour by time in bed and local hour of the week, and an inflow
    by hour of the week, both drawn towards those of the site's other units. What the flow got wrong at the
    same hour of past days corrects the mean and sets the spread.

    A flow speaks for the one issue time at which its counts were made.
    """

    name: ClassVar[str] = "flow"
    version: ClassVar[str] = "1"

    target: Target
    levels: tuple[float, ...]
    issued_at: datetime
    quantiles: dict[tuple[str, str], np.ndarray]
    """By (site_id, unit_id), hours by levels."""

    @classmethod
    def fit(
        cls, panel: pd.DataFrame, flows: Flows, settings: Settings, issued_at: datetime, target: Target
    ) -> Self:
        """Fit on the panel's hours before ``issued_at`` and the flows known then.

        A unit without flows, or silent for the last hours, is left out; so is every target but the census.
        """
        levels, leads = settings.horizon.quantile_levels, settings.lead_hours
        quantiles: dict[tuple[str, str], np.ndarray] = {}
        for site_id in panel["site_id"].unique() if target is Target.BED_CENSUS else ():
            history = site_history(panel, flows, str(site_id), issued_at, leads)
            if history is None:
                continue
            for unit, census in _site_census(history):
                quantiles[str(site_id), unit.unit_id] = _corrected(history, unit, census, levels)
        return cls(target, levels, issued_at, quantiles)

    def predict(self, panel: pd.DataFrame, issued_at: datetime) -> pd.DataFrame:
        """See :meth:`forecasting.models.interface.Forecaster.predict`.

        A series not fitted has no rows; at another issue time than the fit's, none has.
        """
        middle = list(self.levels).index(MEDIAN)
        values = self._spoken(panel, issued_at)
        for quantiles in values.values():
            # A whole number is never further from a whole outcome; whole ends would hold too much.
            quantiles[:, middle] = np.rint(quantiles[:, middle])
        return forecast_frame(values, self.levels, issued_at, self.target, self.name, self.version)

    def smooth(self, panel: pd.DataFrame, issued_at: datetime) -> pd.DataFrame:
        """See :class:`forecasting.models.counts.Smooth`."""
        values = self._spoken(panel, issued_at)
        return forecast_frame(values, self.levels, issued_at, self.target, self.name, self.version)

    def _spoken(self, panel: pd.DataFrame, issued_at: datetime) -> dict[tuple[str, str], np.ndarray]:
        keys = [key for key, _ in series_of(panel) if key in self.quantiles and issued_at == self.issued_at]
        return {key: self.quantiles[key].copy() for key in keys}


def _site_census(history: SiteHistory) -> Iterator[tuple[UnitHistory, Census]]:
    """The flow's census of each unit from every origin, the ED and the wards each for themselves."""
    wards = [unit for unit in history.units if not unit.is_ed]
    for alike in (wards, *([unit] for unit in history.units if unit.is_ed)):
        if not alike:
            continue
        shared = shared_hazard([(unit.risk, unit.departures) for unit in alike])
        inflow = expected_inflow(np.stack([unit.inflow for unit in alike]), history.hours)
        ahead = _ahead(history)
        for unit, rate in zip(alike, inflow, strict=True):
            hazard = unit_hazard(unit.risk, unit.departures, shared)
            weekday, local_hour = history.hours.weekday[ahead], history.hours.local_hour[ahead]
            yield unit, future_census(unit.present, hazard, rate[ahead], weekday, local_hour)


def _ahead(history: SiteHistory) -> np.ndarray:
    """Positions of the hours ahead of each origin (origins, leads)."""
    leads = len(history.hours.weekday) - int(history.origins[-1])
    return np.asarray(history.origins[:, None] + np.arange(leads))


def _corrected(
    history: SiteHistory, unit: UnitHistory, census: Census, levels: Sequence[float]
) -> np.ndarray:
    """Quantiles (leads, levels) of the last origin's census."""
    outcome = unit.census[_ahead(history)]
    features = _features(history, unit)
    correction = learned_correction(census.mean, census.variance, outcome, features)
    deviation = np.sqrt(census.variance[-1])
    mean = census.mean[-1] + correction.shift * deviation
    spread = deviation * np.sqrt(correction.dispersion)
    quantiles = mean[:, None] + spread[:, None] * norm.ppf(levels)
    return np.asarray(np.clip(quantiles, 0.0, _most(unit)))


def _features(history: SiteHistory, unit: UnitHistory) -> np.ndarray:
    """How full the unit and the rest of its site are at each origin (origins, 2)."""
    own = unit.present.sum(axis=1)
    others = np.sum([other.present.sum(axis=1) for other in history.units if not other.is_ed], axis=0)
    return np.column_stack([own, others + np.zeros(len(own))])


def _most(unit: UnitHistory) -> float:
    """The most patients a forecast may speak of: the beds, unless more were ever there."""
    highest = float(np.nanmax(unit.census))
    return unit.beds if highest <= unit.beds else np.inf
