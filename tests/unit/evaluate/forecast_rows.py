"""Forecasts and outcomes of one unit, as rows."""

from __future__ import annotations

import numpy as np
import pandas as pd

from forecasting.schema import FORECAST, OBSERVATION

ISSUED_AT = pd.Timestamp("2026-06-10 07:00", tz="UTC")
LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)


def spoken(
    model: str,
    quantiles: np.ndarray,
    unit_id: str = "ed",
    issued_at: pd.Timestamp = ISSUED_AT,
    target: str = "ed_arrivals",
    period: str = "PT1H",
) -> pd.DataFrame:
    """Quantiles (hours, levels) as forecast rows, at all of LEVELS."""
    hours = pd.date_range(issued_at, periods=len(quantiles), freq="h", unit="us")
    table = pd.DataFrame(
        {
            "issued_at": issued_at,
            "site_id": "north",
            "unit_id": unit_id,
            "target": target,
            "period": period,
            "valid_at": hours.repeat(len(LEVELS)),
            "quantile": np.tile(LEVELS, len(hours)),
            "value": np.asarray(quantiles, dtype=float).ravel(),
            "model": model,
            "model_version": "1",
            "note": "",
        }
    )
    return FORECAST.conform(table)


def came(
    values: np.ndarray,
    unit_id: str = "ed",
    first: pd.Timestamp = ISSUED_AT,
    target: str = "ed_arrivals",
    site_id: str = "north",
) -> pd.DataFrame:
    """Outcomes (hours,) as rows."""
    hours = pd.date_range(first, periods=len(values), freq="h", unit="us")
    table = pd.DataFrame({"valid_at": hours, "value": np.asarray(values, dtype=float)})
    return OBSERVATION.conform(table.assign(site_id=site_id, unit_id=unit_id, target=target))
