"""Hourly counts like a hospital's, with the truth behind them, and the score of a forecast of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmarks.contenders.job import Job

DAY, WEEK, YEAR = 24, 168, 8766
KNOWN = ("day_sin", "day_cos", "week_sin", "week_cos", "year_sin", "year_cos", "holiday")
STATIC = ("site", "unit_type")
UNIT_TYPES = 5
SERIES_A_SITE = 6
HOLIDAY_SHARE = 0.03
NOISE_SIZE = 25.0
"""Size r of the negative binomial noise: variance = rate + rate² / r."""


@dataclass(frozen=True)
class Panel:
    """Counts of all series, hour by hour from hour 0."""

    counts: np.ndarray
    """(series, hours), float32."""
    rates: np.ndarray
    """What the counts were drawn from (series, hours)."""
    known: np.ndarray
    """Of the calendar (hours, len(KNOWN)), float32."""
    static: np.ndarray
    """Category numbers (series, len(STATIC))."""


def make_panel(series: int, hours: int, seed: int) -> Panel:
    """Level by hour-of-week profile by time of the year by slow change by holiday, with noise.

    Units of one type share the shape of their week; units of one site share its holidays' effect.
    """
    random = np.random.default_rng(seed)
    hour = np.arange(hours)
    static = np.stack([np.arange(series) // SERIES_A_SITE, np.arange(series) % UNIT_TYPES], axis=1)
    holiday = np.repeat(random.random(-(-hours // DAY)) < HOLIDAY_SHARE, DAY)[:hours]

    day_phase = random.uniform(0, DAY, (UNIT_TYPES, 2))
    day_size = random.uniform(0.1, 0.5, (UNIT_TYPES, 2))
    weekday = random.normal(0, 0.12, (UNIT_TYPES, 7))
    turns = 2 * np.pi * (hour[None, :, None] - day_phase[:, None]) / (DAY / np.array([1, 2]))
    shape = (day_size[:, None] * np.cos(turns)).sum(axis=2) + weekday[:, hour // DAY % 7]

    level = np.log(random.uniform(3, 40, series))[:, None]
    season = random.normal(0, 0.1, (series, 1)) * np.cos(2 * np.pi * hour / YEAR)
    change = random.normal(0, 0.05, (series, -(-hours // WEEK))).cumsum(axis=1)
    slow = np.stack([np.interp(hour, np.arange(len(row)) * WEEK, row) for row in change])
    closed = random.normal(-0.25, 0.2, static[:, 0].max() + 1)[static[:, 0], None] * holiday
    rates = np.exp(level + shape[static[:, 1]] + season + slow + closed)

    known = np.stack(
        [
            *(wave(2 * np.pi * hour / length) for length in (DAY, WEEK, YEAR) for wave in (np.sin, np.cos)),
            holiday,
        ],
        axis=1,
    )
    return Panel(
        counts=random.poisson(random.gamma(NOISE_SIZE, rates / NOISE_SIZE)).astype(np.float32),
        rates=rates,
        known=known.astype(np.float32),
        static=static,
    )


def panel_of(job: Job) -> Panel:
    """A job's data: the hours to learn from, and after them the held-out ones."""
    return make_panel(job.series, job.train_hours + job.held_out_hours, job.seed)


def long_frame(panel: Panel) -> pd.DataFrame:
    """One row an hour and series: series, hour, count, the static categories (text) and the known reals."""
    series, hours = panel.counts.shape
    frame = pd.DataFrame(np.tile(panel.known, (series, 1)), columns=list(KNOWN))
    frame.insert(0, "series", np.repeat(np.arange(series).astype(str), hours))
    frame.insert(1, "hour", np.tile(np.arange(hours), series))
    frame.insert(2, "count", panel.counts.ravel())
    for place, name in enumerate(STATIC):
        frame.insert(3 + place, name, np.repeat(panel.static[:, place].astype(str), hours))
    return frame


def held_out(hourly: np.ndarray, job: Job) -> np.ndarray:
    """The held-out windows of hourly values (series, hours): (series, origins, lead_hours)."""
    return np.stack([hourly[:, origin : origin + job.lead_hours] for origin in job.origins], axis=1)


def weighted_quantile_loss(outcomes: np.ndarray, forecasts: np.ndarray, levels: tuple[float, ...]) -> float:
    """WQL: twice the pinball loss, averaged over levels, by the sum of the outcomes.

    Args:
        outcomes: of any shape.
        forecasts: of that shape and one more axis, the levels; in the outcomes' unit.
        levels: of the quantiles.

    Raises:
        ValueError: the shapes don't fit, or a forecast is not a finite number.
    """
    if forecasts.shape != (*outcomes.shape, len(levels)):
        raise ValueError(
            f"forecasts {forecasts.shape} don't fit outcomes {outcomes.shape} at {len(levels)} levels"
        )
    if not np.isfinite(forecasts).all():
        raise ValueError("a forecast is not a finite number: every held-out window must be forecast")
    above = outcomes[..., None].astype(np.float64) - forecasts
    quantile = np.asarray(levels)
    pinball = np.maximum(quantile * above, (quantile - 1) * above)
    return float(2 * pinball.mean(axis=-1).sum() / outcomes.sum())
