"""What knowing more of the days ahead would do for a real ED's day totals: game days, and the temperature.

The days of :mod:`benchmarks.iowa`'s ED are told by the GLM's terms, prior and level, fitted on day totals:
the same forecast of a day as the GLM's to a tenth of a patient, in seconds. Every day of the two spans
that end before the tested one is an origin, leads are 1 to 7 days, fits are four weeks apart. What is added
to the terms:

- game days, whose dates are known months ahead;
- the day's temperature, as its departure from the climate of the day of the year. Past days have their own.
  Of the days ahead either only what fades of the last one's departure is told, or nothing, or a forecast
  made of what came, with errors of 1.2 to 3.4 °C that grow with the lead, or what came: no forecast can tell
  more, so that is the most that a weather forecast could be worth.

Beside each case stands what it gains on the calendar alone, with its 90 % interval.
:mod:`benchmarks.weather` takes the same question through a night's own code.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table
from scipy.linalg import block_diag

from benchmarks import iowa
from benchmarks.iowa import Span
from benchmarks.regimes import gain_in_words
from forecasting.evaluate import compare
from forecasting.models.glm.level import levels_said
from forecasting.models.glm.model import HALF_LIFE_HOURS, LEVEL_HOURS, MEMORY_HOURS, clustering
from forecasting.models.glm.regression import fit_poisson
from forecasting.models.glm.terms import HOURS_PER_DAY, level_knots, terms_of
from forecasting.simulate.told_weather import ERROR_SD, persistent

REFIT_DAYS = 28
LEAD_DAYS = 7
NOON = 12
PRIOR = 0.1
"""Of the effect of a game day, or of ten degrees Fahrenheit."""
DEGREES = 10.0
YEAR_DAYS = 365.25
SERVICE_ERROR = ERROR_SD[:LEAD_DAYS] * 1.8 / DEGREES
"""Standard deviation of a forecast's error by day ahead, in tens of degrees Fahrenheit."""


@dataclass(frozen=True)
class Days:
    """The ED's days."""

    rows: pd.DataFrame
    """The panel's row of each noon."""
    hourly: np.ndarray
    """Arrivals of each hour (days, 24)."""
    game: np.ndarray
    """1 on a game day (days,)."""
    temperature: np.ndarray
    """Daily mean in degrees Fahrenheit (days,)."""

    @property
    def came(self) -> np.ndarray:
        """Arrivals of each day (days,)."""
        return np.asarray(self.hourly.sum(axis=1))


Ahead = Callable[[np.ndarray, int], np.ndarray]
"""(a quantity of all days, origin) -> what is told of it of the week from the origin on (7,)."""


def what_came(quantity: np.ndarray, origin: int) -> np.ndarray:
    """The days' own values."""
    return quantity[origin : origin + LEAD_DAYS]


def nothing(quantity: np.ndarray, origin: int) -> np.ndarray:
    """No departure."""
    return np.zeros(LEAD_DAYS)


def what_fades(quantity: np.ndarray, origin: int) -> np.ndarray:
    """The last day's value times the past's correlation at each lead."""
    past = quantity[:origin]
    size = past @ past
    shares = [past[lead:] @ past[:-lead] / size for lead in range(1, LEAD_DAYS + 1)]
    return np.asarray(past[-1] * np.array(shares))


def what_a_service_tells(quantity: np.ndarray, origin: int) -> np.ndarray:
    """What is to be expected of the days ahead given a forecast with a weather service's errors."""
    spread = quantity[:origin].std()
    explained = np.maximum(0.0, 1 - (SERVICE_ERROR / spread) ** 2)
    wave = persistent(np.random.default_rng(origin).normal(size=LEAD_DAYS))
    error = spread * np.sqrt(explained * (1 - explained)) * wave
    return np.asarray(explained * what_came(quantity, origin) + error)


def read_days() -> Days:
    """The ED's whole days.

    Raises:
        FileNotFoundError: the data are not there.
    """
    panel = iowa.panel(iowa.history(), iowa.settings())
    noon = panel[(panel["local_hour"] == NOON) & (panel["observed"] == 1)].reset_index(drop=True)
    read = pd.read_csv(iowa.DATA, usecols=["arrivals", "temperature_f", "game_day"])
    whole = read.to_numpy(dtype=float).reshape(len(noon), HOURS_PER_DAY, -1)
    by_name = dict(zip(read.columns, np.moveaxis(whole, -1, 0), strict=True))
    temperature = by_name["temperature_f"].mean(axis=1)
    return Days(noon, by_name["arrivals"], by_name["game_day"].max(axis=1), temperature)


def departure(days: Days, origin: int) -> np.ndarray:
    """Temperature beside the climate of the days before the origin, in tens of degrees (days,)."""
    turn = 2 * np.pi * days.rows["valid_at"].dt.dayofyear.to_numpy() / YEAR_DAYS
    waves = np.stack([np.ones_like(turn), np.cos(turn), np.sin(turn), np.cos(2 * turn), np.sin(2 * turn)], 1)
    climate = np.linalg.lstsq(waves[:origin], days.temperature[:origin], rcond=None)[0]
    return np.asarray((days.temperature - waves @ climate) / DEGREES)


def game_days(days: Days, origin: int) -> np.ndarray:
    """1 on a game day (days,)."""
    return days.game


def errors(
    days: Days, span: Span, quantity: Callable[[Days, int], np.ndarray] | None, ahead: Ahead
) -> np.ndarray:
    """Outcome less forecast of every lead of every day of a span as the origin (origins, 7).

    Args:
        days: see :func:`read_days`.
        span: whose days are the origins.
        quantity: (days, origin of the fit) -> what is added to the terms (days,); none for nothing.
        ahead: what is told of it ahead.
    """
    valid_at = pd.DatetimeIndex(days.rows["valid_at"])
    first = int(valid_at.searchsorted(pd.Timestamp(span.first)))
    last = first + 7 * span.weeks
    missed = []
    for now in range(first, last, REFIT_DAYS):
        told = np.zeros(len(valid_at)) if quantity is None else quantity(days, now)
        log_rate, effect = _fitted(days, told, now)
        for origin in range(now, min(now + REFIT_DAYS, last)):
            since = max(0, origin - LEVEL_HOURS // HOURS_PER_DAY)
            due = np.exp(log_rate + effect * told)[since:origin]
            levels = levels_said(days.came[since:origin], due)[:, -1]
            week = slice(origin, origin + LEAD_DAYS)
            missed.append(days.came[week] - np.exp(log_rate[week] + effect * ahead(told, origin)) * levels)
    return np.stack(missed)


def _fitted(days: Days, told: np.ndarray, now: int) -> tuple[np.ndarray, float]:
    """Log rate of all days at level 1 without the added quantity (days,), and the effect of that."""
    past = np.arange(max(0, now - MEMORY_HOURS // HOURS_PER_DAY), now)
    ages = (now - 1.0 - past) * HOURS_PER_DAY
    terms = terms_of(days.rows.iloc[past], iowa.settings().sites[0])
    calendar = terms.columns(days.rows)
    drift, drift_precision = level_knots(ages)
    columns = np.concatenate([calendar[past], told[past, None], drift], axis=1)
    precision = block_diag(terms.precision(), np.eye(1) / PRIOR**2, drift_precision)
    came = days.came[past]
    weights = 0.5 ** (ages / HALF_LIFE_HOURS) / clustering(days.hourly[past].ravel())
    start = np.zeros(len(precision))
    start[:168] = np.log(came.mean())
    effects = fit_poisson(columns, came, weights, precision, start)
    return calendar @ effects[: calendar.shape[1]], float(effects[calendar.shape[1]])


CASES: dict[str, tuple[Callable[[Days, int], np.ndarray] | None, Ahead]] = {
    "the calendar": (None, nothing),
    "and game days": (game_days, what_came),
    "and temperature, ahead its climate": (departure, nothing),
    "and temperature, ahead what fades": (departure, what_fades),
    "and temperature, ahead as forecast": (departure, what_a_service_tells),
    "and temperature, ahead as it came": (departure, what_came),
}


def as_losses(days: Days, span: Span, missed: np.ndarray, name: str) -> pd.DataFrame:
    """Errors of day totals (origins, 7) as rows that :func:`forecasting.evaluate.compare` compares."""
    first = int(pd.DatetimeIndex(days.rows["valid_at"]).searchsorted(pd.Timestamp(span.first)))
    origin = np.repeat(np.arange(len(missed)), LEAD_DAYS)
    day = origin + np.tile(np.arange(LEAD_DAYS), len(missed))
    begun = pd.Timestamp(span.first)
    return pd.DataFrame(
        {
            "model": name,
            "issued_at": begun + pd.to_timedelta(origin, unit="D"),
            "valid_at": begun + pd.to_timedelta(day, unit="D"),
            "pinball": np.abs(missed).ravel() / 2,
            "outcome": days.came[first + day],
        }
    )


def told(days: Days, span: Span) -> list[str]:
    """Of each case the mean absolute error of day totals, and what it gains on the calendar, in percent."""
    missed = {name: errors(days, span, quantity, ahead) for name, (quantity, ahead) in CASES.items()}
    rows = pd.concat([as_losses(days, span, of_case, name) for name, of_case in missed.items()])
    alone = next(iter(CASES))
    gains = {name: "" if name == alone else gain_in_words(compare(rows, name, alone)) for name in CASES}
    return [f"{np.abs(of_case).mean():.2f}  {gains[name]}" for name, of_case in missed.items()]


def main() -> None:
    """Print the mean absolute error of day totals of each case on both spans."""
    if not iowa.DATA.exists():
        print(f"known ahead: skipped, {iowa.DATA} is not there")
        return
    days = read_days()
    spans = (iowa.EARLIER, iowa.VALIDATION)
    table = Table("day total MAE", *(f"{span.name}, {span.weeks} weeks" for span in spans))
    cells = [told(days, span) for span in spans]
    for name, *of_spans in zip(CASES, *cells, strict=True):
        table.add_row(name, *of_spans)
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
