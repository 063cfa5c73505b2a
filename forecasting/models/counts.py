"""Quantiles of counts: between the counts while models are combined and corrected, whole when stated."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import Protocol, runtime_checkable

import numpy as np
import pandas as pd
from scipy.stats import nbinom, poisson

from forecasting.models.baseline import POISSON_BELOW, SMALLEST_RATE
from forecasting.models.holdout import backcast
from forecasting.models.interface import Forecaster

EDGE = 0.01
"""Patients by which a stated quantile lies off a whole count that its interval leaves out."""
MEDIAN = 0.5


@runtime_checkable
class Smooth(Protocol):
    """A model that can also say where between two counts its quantiles lie."""

    def smooth(self, panel: pd.DataFrame, issued_at: datetime) -> pd.DataFrame:
        """What ``predict`` gives, before it is made whole counts."""
        ...


def smooth_forecast(model: Forecaster, panel: pd.DataFrame, issued_at: datetime) -> pd.DataFrame:
    """A model's forecast with quantiles between the counts where it can say them, else as it states them."""
    return model.smooth(panel, issued_at) if isinstance(model, Smooth) else model.predict(panel, issued_at)


def past_forecasts(member: Forecaster, panel: pd.DataFrame, issue_times: Iterable[datetime]) -> pd.DataFrame:
    """What a fitted model would have said at past issue times, between the counts."""
    return backcast(partial(smooth_forecast, member), panel, issue_times)


def smooth_count_quantiles(mean: np.ndarray, dispersion: float, levels: tuple[float, ...]) -> np.ndarray:
    """Quantiles (n, levels) of negative binomial counts whose mass is spread evenly around each count.

    A quantile is within half a patient of the one that
    :func:`forecasting.models.baseline.count_quantiles` gives.

    Args:
        mean: expected counts (n,).
        dispersion: variance over mean, at least 1.
        levels: quantile levels, rising.
    """
    rate = np.maximum(mean, SMALLEST_RATE)[:, None]
    law = poisson(rate) if dispersion < POISSON_BELOW else nbinom(rate / (dispersion - 1), 1 / dispersion)
    whole = law.ppf(levels)
    share = (np.asarray(levels) - law.cdf(whole - 1)) / law.pmf(whole)
    return np.asarray(whole - 0.5 + np.clip(share, 0.0, 1.0))


def stated(quantiles: np.ndarray, levels: tuple[float, ...]) -> np.ndarray:
    """The whole count nearest to each quantile, a hundredth inwards of it where the interval leaves it out.

    An interval of whole counts that holds its ends holds more than it says: 80 % becomes 86 % at seven
    patients an hour. So an end whose count lies mostly outside the interval is stated just inside of it.

    Args:
        quantiles: between the counts, never falling with their level (..., levels).
        levels: quantile levels, rising.
    """
    whole = np.floor(quantiles + 0.5)
    low, high = np.asarray(levels) < MEDIAN, np.asarray(levels) > MEDIAN
    inwards = EDGE * ((low & (quantiles > whole)).astype(float) - (high & (quantiles < whole)))
    moved = np.maximum(whole + inwards, 0.0)
    middle = whole[..., [int(np.argmin(np.abs(np.asarray(levels) - MEDIAN)))]]
    # An end may not pass the median that it is an end around.
    return np.asarray(
        np.where(low, np.minimum(moved, middle), np.where(high, np.maximum(moved, middle), moved))
    )


def stated_hours(wide: pd.DataFrame) -> pd.DataFrame:
    """:func:`stated` of what :func:`forecasting.models.quantile_table.hours_wide` gives."""
    if wide.empty:
        return wide
    levels = tuple(float(level) for level in wide.columns)
    return pd.DataFrame(stated(wide.to_numpy(), levels), wide.index, wide.columns)
