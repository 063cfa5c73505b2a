"""A night's forecasts of shifts and days, from those of its hours and from how past weeks went."""

from __future__ import annotations

import numpy as np
import pandas as pd

from forecasting.blocks import BLOCK_HOURS
from forecasting.config import Settings
from forecasting.models.dependence import LEAST_WEEKS, mixed, past_departures
from forecasting.models.paths import PATHS, Paths, sample_paths
from forecasting.models.periods import period_forecast
from forecasting.schema import FORECAST

TOO_SHORT = f"Totals of shifts and days are rougher here: fewer than {LEAST_WEEKS} weeks are known."


def shifts_and_days(
    hourly: pd.DataFrame, outcomes: pd.DataFrame, settings: Settings, seed: int = 0
) -> pd.DataFrame:
    """What the hours of each whole shift and day sum to, or average, their series taken together.

    Hours go together as they did in past weeks. Where too few are known they are taken to be high or low all
    at once: an interval that holds too much misleads less than one that holds too little. The note says so.

    Args:
        hourly: rows of :data:`forecasting.schema.FORECAST`, period PT1H, of one issue time and target.
        outcomes: OBSERVATION rows; nothing at or after the issue time is looked at.
        settings: gives the sites' zones, the shifts and the quantile levels.
        seed: of the draws.

    Returns:
        Rows of :data:`forecasting.schema.FORECAST` of the periods of
        :data:`forecasting.blocks.BLOCK_HOURS`; none where there are no hours.

    Raises:
        ValueError: see :func:`forecasting.models.paths.sample_paths`.
    """
    if hourly.empty:
        return FORECAST.empty()
    paths, template = _paths_and_template(hourly, outcomes, settings, seed)
    told = period_forecast(paths, settings, tuple(BLOCK_HOURS))
    unknown = paths.forecast[np.isnan(template).all(axis=(0, 2))]
    series = ["site_id", "unit_id"]
    alone = pd.MultiIndex.from_frame(told[series]).isin(pd.MultiIndex.from_frame(unknown[series]))
    noted = (told["note"] + " " + TOO_SHORT).str.removeprefix(" ")
    return told.assign(note=told["note"].mask(alone, noted))


def joint_paths(hourly: pd.DataFrame, outcomes: pd.DataFrame, settings: Settings, seed: int = 0) -> Paths:
    """The sample paths that :func:`shifts_and_days` tells of, the same for the same seed.

    Raises:
        ValueError: see :func:`forecasting.models.paths.sample_paths`.
    """
    return _paths_and_template(hourly, outcomes, settings, seed)[0]


def _paths_and_template(
    hourly: pd.DataFrame, outcomes: pd.DataFrame, settings: Settings, seed: int
) -> tuple[Paths, np.ndarray]:
    template = past_departures(hourly, outcomes, settings)
    return sample_paths(hourly, mixed(template, PATHS, seed), seed=seed), template
