"""Quantile forecasts as matrices: one row an hour of a series seen from an issue time, one column a level."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd

from forecasting.schema import FORECAST

HOUR = ["issued_at", "site_id", "unit_id", "valid_at"]
LEAD_EDGES = np.array([6, 24, 72])
LEAD_BUCKETS = len(LEAD_EDGES) + 1


def hours_wide(forecast: pd.DataFrame) -> pd.DataFrame:
    """One row per issue time, series and hour, one column per level."""
    levels = sorted(forecast["quantile"].unique())
    ordered = forecast.sort_values([*HOUR, "quantile"])
    hours = ordered.iloc[:: max(len(levels), 1)]
    values = ordered["value"].to_numpy().reshape(-1, len(levels)) if levels else np.empty((0, 0))
    return pd.DataFrame(values, pd.MultiIndex.from_frame(hours[HOUR]), columns=levels)


def hours_long(wide: pd.DataFrame, target: str, model: str, version: str) -> pd.DataFrame:
    """Rows of :data:`forecasting.schema.FORECAST` from what :func:`hours_wide` gives, levels put in order."""
    if wide.empty:
        return FORECAST.empty()
    hours = wide.index.to_frame(index=False)
    count = wide.shape[1]
    table = hours.loc[hours.index.repeat(count)].reset_index(drop=True)
    return FORECAST.conform(
        table.assign(
            target=target,
            period="PT1H",
            quantile=np.tile(wide.columns.to_numpy(dtype=float), len(wide)),
            value=np.sort(np.maximum(wide.to_numpy(), 0.0), axis=1).ravel(),
            model=model,
            model_version=version,
            note="",
        )
    )


def lead_bucket(hours: pd.Index) -> np.ndarray:
    """Which of the :data:`LEAD_BUCKETS` each row of :func:`hours_wide` is in, 0 the nearest (n,)."""
    issued = pd.DatetimeIndex(hours.get_level_values("issued_at"))
    valid = pd.DatetimeIndex(hours.get_level_values("valid_at"))
    return bucket_of(((valid - issued) // pd.Timedelta(hours=1)).to_numpy())


def bucket_of(lead: np.ndarray) -> np.ndarray:
    """Which of the :data:`LEAD_BUCKETS` each lead in hours is in, 0 the nearest (n,)."""
    return np.asarray((lead[:, None] >= LEAD_EDGES).sum(axis=1))


def outcomes(panel: pd.DataFrame, hours: pd.Index, before: datetime) -> np.ndarray:
    """What came in each hour (n,): NaN where it was not observed or is not before ``before``."""
    known = panel[(panel["valid_at"] < before) & panel["value"].notna()]
    came = known.set_index(["site_id", "unit_id", "valid_at"])["value"]
    return came.reindex(pd.MultiIndex.from_frame(hours.to_frame()[came.index.names])).to_numpy(dtype=float)
