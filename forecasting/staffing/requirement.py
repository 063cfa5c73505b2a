"""What a ratio asks for, and the forecast it is asked of."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecasting.staffing.shifts import PlannedShift


@dataclass(frozen=True)
class Load:
    """Patients present in a unit over a shift, each figure that of its own highest hour."""

    patients: float
    """At the level to staff to."""
    p10: float
    p50: float
    p90: float
    at: datetime
    """The hour, in UTC, in which `patients` is highest."""
    hours_forecast: int
    """Of the shift's hours, those that the forecast covers."""


def whole_patients(patients: float) -> int:
    """Patients, rounded up to whole ones."""
    # A hair above a whole number is the arithmetic's doing, not a patient.
    return math.ceil(round(patients, 6))


def heads_by_ratio(patients: float, patients_per_head: float) -> int:
    """Heads that a ratio asks for, for patients rounded up to whole ones."""
    return math.ceil(round(whole_patients(patients) / patients_per_head, 6))


def load_over(census: pd.DataFrame, shift: PlannedShift, level: float) -> Load | None:
    """The load of a unit over a shift, or None where the forecast is silent throughout.

    Args:
        census: patients by hour (index, UTC) and quantile level (columns, rising).
        shift: the shift.
        level: the level to staff to.
    """
    hours = census[census.index.isin(shift.hours)].dropna()
    at_level = quantile(hours, level)
    if not np.isfinite(at_level).any():
        return None
    return Load(
        patients=at_level.max(),
        p10=quantile(hours, 0.1).max(),
        p50=quantile(hours, 0.5).max(),
        p90=quantile(hours, 0.9).max(),
        at=hours.index[int(at_level.argmax())].to_pydatetime(),
        hours_forecast=len(hours),
    )


def quantile(census: pd.DataFrame, level: float) -> NDArray[np.float64]:
    """A quantile of every hour, interpolated between the levels that stand; missing beyond the outermost."""
    levels = census.columns.to_numpy(dtype=float)
    hours = census.to_numpy(dtype=float)
    return np.array([np.interp(level, levels, hour, left=np.nan, right=np.nan) for hour in hours])
