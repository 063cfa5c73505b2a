"""Forecasts of a Poisson regression on the calendar, at the level of the last weeks.

Nothing in it was chosen on a span that it is reported on: the priors' scales, the half-lives and the rate of
trust were compared on Iowa's 51 weekly origins from 2015-04-06 and from 2016-04-04
(:mod:`benchmarks.iowa`), where they differ by a few thousandths of the WQL, and taken round. What matters to
another hospital, its level, its change and its spread, is learnt from its own past.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

import numpy as np
import pandas as pd

from forecasting.config import Settings, Site
from forecasting.models.baseline import count_quantiles
from forecasting.models.climate import (
    HOURS_PER_DAY,
    HOURS_PER_WEEK,
    SMALLEST_SPREAD,
    Departures,
    fit_departures,
)
from forecasting.models.counts import smooth_count_quantiles
from forecasting.models.glm.level import LEAD_DAYS, days_of, levels_said
from forecasting.models.glm.regression import fit_poisson
from forecasting.models.glm.terms import Terms, level_knots, terms_of
from forecasting.models.interface import forecast_frame, hours_before, series_of
from forecasting.models.weather import WEATHER_EFFECTS
from forecasting.schema import Target

MEMORY_HOURS = 4 * 366 * HOURS_PER_DAY
HALF_LIFE_HOURS = 730 * HOURS_PER_DAY
LEVEL_HOURS = 800 * HOURS_PER_DAY
RESIDUAL_HOURS = 52 * HOURS_PER_WEEK
SMALLEST_MEAN = 1e-3
MEDIAN_OF_CHI_SQUARE = 0.455
"""With one degree of freedom: a squared normal number over its variance."""


@dataclass(frozen=True)
class Regression:
    """One series: what its calendar lets expect at level 1, and how what comes departs from the forecast."""

    terms: Terms
    effects: np.ndarray
    dispersion: float
    """Variance over mean of a count around its forecast; at least 1."""
    departures: Departures | None
    """Of a census, which is slow: how departures spread and persist."""

    def expected(self, rows: pd.DataFrame) -> np.ndarray:
        """Expected values at level 1 of rows of the panel (n,)."""
        return np.asarray(np.exp(self.terms.columns(rows) @ self.effects))

    @property
    def weather_effects(self) -> np.ndarray:
        """By column of :func:`~forecasting.models.weather.effect_columns`; 0 where there was no weather."""
        return self.effects[-WEATHER_EFFECTS:] if self.terms.weather else np.zeros(WEATHER_EFFECTS)


@dataclass(frozen=True)
class Glm:
    """A Poisson regression per series on hour of the week, season and public holidays, and on weather if any.

    Its level follows the last days and weeks as fast as has paid off of late (:mod:`.level`). Arrivals
    spread around it as negative binomial counts; a census keeps a share of its last departure that fades
    with the lead, and spreads as past forecasts of that lead would have erred.
    """

    name: ClassVar[str] = "glm"
    version: ClassVar[str] = "3"

    target: Target
    levels: tuple[float, ...]
    lead_hours: int
    regressions: dict[tuple[str, str], Regression]

    @classmethod
    def fit(cls, panel: pd.DataFrame, settings: Settings, issued_at: datetime, target: Target) -> Self:
        """Fit on the panel's hours before ``issued_at``; a series without any observed one is left out."""
        levels = settings.horizon.quantile_levels
        regressions = {}
        for key, rows in series_of(panel):
            now = hours_before(rows, issued_at)
            past = rows.iloc[max(0, now - MEMORY_HOURS) : now]
            if past["value"].notna().any():
                regressions[key] = fit_regression(past, settings.site(key[0]), target, levels)
        return cls(target, levels, settings.lead_hours, regressions)

    def predict(self, panel: pd.DataFrame, issued_at: datetime) -> pd.DataFrame:
        """See :meth:`forecasting.models.interface.Forecaster.predict`; a series not fitted has none."""
        values = {}
        for key, past, ahead in self._fitted_series(panel, issued_at):
            regression = self.regressions[key]
            if regression.departures is None:
                mean = arrivals_expected(regression, past, ahead)
                values[key] = count_quantiles(mean, regression.dispersion, self.levels)
            else:
                values[key] = census_quantiles(regression, regression.departures, past, ahead)
        return forecast_frame(values, self.levels, issued_at, self.target, self.name, self.version)

    def smooth(self, panel: pd.DataFrame, issued_at: datetime) -> pd.DataFrame:
        """See :class:`forecasting.models.counts.Smooth`; a census is told in whole counts."""
        if self.target is Target.BED_CENSUS:
            return self.predict(panel, issued_at)
        values = {
            key: smooth_count_quantiles(
                arrivals_expected(self.regressions[key], past, ahead),
                self.regressions[key].dispersion,
                self.levels,
            )
            for key, past, ahead in self._fitted_series(panel, issued_at)
        }
        return forecast_frame(values, self.levels, issued_at, self.target, self.name, self.version)

    def means(self, panel: pd.DataFrame, issued_at: datetime) -> dict[tuple[str, str], np.ndarray]:
        """See :class:`forecasting.models.interface.Means`."""
        return {
            key: arrivals_expected(self.regressions[key], past, ahead)
            if self.target is Target.ED_ARRIVALS
            else census_expected(self.regressions[key], past, ahead)
            for key, past, ahead in self._fitted_series(panel, issued_at)
        }

    def _fitted_series(
        self, panel: pd.DataFrame, issued_at: datetime
    ) -> list[tuple[tuple[str, str], pd.DataFrame, pd.DataFrame]]:
        """Each fitted series with its past, the level's whole memory, and its hours ahead."""
        found = []
        for key, rows in series_of(panel):
            now = hours_before(rows, issued_at)
            past = rows.iloc[max(0, now - LEVEL_HOURS) : now]
            if key in self.regressions and past["value"].notna().any():
                found.append((key, past, rows.iloc[now : now + self.lead_hours]))
        return found


def fit_regression(
    past: pd.DataFrame, site: Site | None, target: Target, levels: tuple[float, ...]
) -> Regression:
    """The regression of one series.

    Args:
        past: its rows of the panel before the issue time, one observed at least.
        site: whose clock and public holidays are read; without, a holiday's name is not.
        target: what is forecast.
        levels: quantile levels.
    """
    observed = past[past["value"].notna()]
    terms = terms_of(observed, site)
    ages = (past["time_idx"].iloc[-1] - observed["time_idx"]).to_numpy()
    calendar = terms.columns(observed)
    drift, drift_precision = level_knots(ages)
    count = calendar.shape[1]
    values = observed["value"].to_numpy()
    precision = np.zeros((count + drift.shape[1],) * 2)
    precision[:count, :count], precision[count:, count:] = terms.precision(), drift_precision
    start = np.zeros(len(precision))
    start[:HOURS_PER_WEEK] = np.log(max(float(values.mean()), SMALLEST_MEAN))
    weights = 0.5 ** (ages / HALF_LIFE_HOURS) / clustering(past["value"].to_numpy())
    effects = fit_poisson(np.concatenate([calendar, drift], axis=1), values, weights, precision, start)
    whole = Regression(terms, effects[:count], 1.0, None)
    recent = past.iloc[-LEVEL_HOURS:]
    foretold = whole.expected(recent) * _level_a_week_ago(whole, recent)
    foretold, came = foretold[-RESIDUAL_HOURS:], recent["value"].to_numpy()[-RESIDUAL_HOURS:]
    known = ~np.isnan(came)
    if not known.any():
        return whole
    pearson = (came - foretold)[known] ** 2 / np.maximum(foretold[known], SMALLEST_SPREAD)
    dispersion = max(1.0, float(pearson.mean()))
    if target is Target.ED_ARRIVALS:
        return Regression(terms, whole.effects, dispersion, None)
    hours = recent["local_hour"].to_numpy()[-RESIDUAL_HOURS:]
    return Regression(terms, whole.effects, dispersion, fit_departures(came - foretold, hours, levels))


def clustering(values: np.ndarray) -> float:
    """How many times wider day totals spread than those of independent counts would; at least 1.

    Where the hours of a day move together, an hour tells less, and a quasi-likelihood counts it for less.
    Totals are compared with those of a week before, by their median, so that a week's shape, a drift and a
    few wild days don't matter.

    Args:
        values: hour after hour (n,); NaN where missing. Days with a gap are not compared.
    """
    days = values[len(values) % HOURS_PER_DAY :].reshape(-1, HOURS_PER_DAY).sum(axis=1)
    change = days[7:] - days[:-7]
    known = ~np.isnan(change)
    if not known.any():
        return 1.0
    independent = 2 * max(float(np.nanmean(days)), 1.0)
    return max(1.0, float(np.median(change[known] ** 2)) / MEDIAN_OF_CHI_SQUARE / independent)


def arrivals_expected(regression: Regression, past: pd.DataFrame, ahead: pd.DataFrame) -> np.ndarray:
    """Expected arrivals of the hours ahead (n,): each day's level is the one said at its lead."""
    came, due = days_of(past["value"].to_numpy(), regression.expected(past))
    level = levels_said(came, due)[:, -1] if len(due) else np.ones(LEAD_DAYS)
    day = np.minimum(np.arange(len(ahead)) // HOURS_PER_DAY, LEAD_DAYS - 1)
    return np.asarray(regression.expected(ahead) * level[day])


def census_quantiles(
    regression: Regression, departures: Departures, past: pd.DataFrame, ahead: pd.DataFrame
) -> np.ndarray:
    """Quantiles (n, levels) of a census: what is expected, and what is left of its last departure."""
    expected, departure, age = _census(regression, departures, past, ahead)
    leads = np.arange(len(ahead)) + age
    spread = departures.spread[ahead["local_hour"].to_numpy()][:, None]
    still = departures.persists(leads)[:, None] * departure + departures.remains(leads)
    return np.asarray(np.rint(expected[:, None] + spread * still))


def census_expected(regression: Regression, past: pd.DataFrame, ahead: pd.DataFrame) -> np.ndarray:
    """Expected census of the hours ahead (n,)."""
    if regression.departures is None:
        return arrivals_expected(regression, past, ahead)
    expected, departure, age = _census(regression, regression.departures, past, ahead)
    spread = regression.departures.spread[ahead["local_hour"].to_numpy()]
    still = regression.departures.persists(np.arange(len(ahead)) + age) * departure
    return np.asarray(np.maximum(expected + spread * still, 0.0))


def _census(
    regression: Regression, departures: Departures, past: pd.DataFrame, ahead: pd.DataFrame
) -> tuple[np.ndarray, float, int]:
    """Expected census of the hours ahead, the newest departure and its age in hours.

    The level of each hour is the one said a week before it, for past hours as for those ahead, so that a
    departure means the same on both sides of the issue time.
    """
    both = pd.concat([past, ahead.assign(value=np.nan)])
    expected = regression.expected(both) * _level_a_week_ago(regression, both)
    values = past["value"].to_numpy()
    last = int(np.flatnonzero(~np.isnan(values))[-1])
    spread = departures.spread[past["local_hour"].to_numpy()[last]]
    departure = (values[last] - expected[last]) / spread
    return expected[len(past) :], float(departure), len(values) - last


def _level_a_week_ago(regression: Regression, rows: pd.DataFrame) -> np.ndarray:
    """For each hour the level said of its day seven days before (n,); of the first week, that of its own."""
    came, due = days_of(rows["value"].to_numpy(), regression.expected(rows))
    if not len(due):
        return np.ones(len(rows))
    (said,) = levels_said(came, due, LEAD_DAYS)
    days = np.arange(len(said))
    level = said[np.where(days < LEAD_DAYS, days, days - LEAD_DAYS)]
    before_first = len(rows) % HOURS_PER_DAY
    return np.concatenate([np.full(before_first, level[0]), np.repeat(level, HOURS_PER_DAY)])
