"""A forecast, the rules and the roster to one recommendation per unit, role and shift."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
import pyarrow as pa

from forecasting.config import Role, Settings, Site, Unit
from forecasting.schema import STAFFING_RECOMMENDATION, Table, Target
from forecasting.staffing import reason
from forecasting.staffing.requirement import heads_by_ratio, load_over
from forecasting.staffing.roster import heads_on, within
from forecasting.staffing.shifts import PlannedShift, planned_shifts

_FROM_THE_RUN = ("night", "mlflow_run_id", "dag_run_id", "data_digest")

RECOMMENDATION = Table(
    STAFFING_RECOMMENDATION.name,
    pa.schema([column for column in STAFFING_RECOMMENDATION.columns if column.name not in _FROM_THE_RUN]),
    STAFFING_RECOMMENDATION.key,
)
"""STAFFING_RECOMMENDATION without the columns that the run adds."""


class StaffingError(ValueError):
    """Rows that are not of the site or issue time that a recommendation is asked for."""


@dataclass(frozen=True)
class _Census:
    """A unit's forecast of patients present, and who made it."""

    hours: pd.DataFrame  # by hour, UTC, and quantile level
    model: str | None
    model_version: str | None
    note: str


def recommend(
    forecast: pd.DataFrame, site: Site, settings: Settings, issued_at: datetime, roster: pd.DataFrame
) -> pd.DataFrame:
    """Heads for every unit, role and shift of a site over the days that a night plans for.

    Required is the role's minimum or, where it is more, the patients present in the shift's highest hour, at
    the role's quantile level, over the patients one head can care for, rounded up. Patients of the ED are
    those present, boarders included. What is recommended is what is required.

    Args:
        forecast: FORECAST rows of the site and issue time; hourly ``bed_census`` is read.
        site: the hospital.
        settings: gives roles, ratios, shifts and the number of days.
        issued_at: UTC.
        roster: SCHEDULED_SHIFT rows; those of other sites are passed over.

    Returns:
        RECOMMENDATION rows: one for each unit, role that has a ratio for the unit's type, and shift.
        ``scheduled`` is missing where the roster has nothing for the unit and role in all the days, and 0
        where it has something, but not for that shift. A unit without forecast gets its minimum, says so, and
        has no patients, model or version.

    Raises:
        StaffingError: the forecast is of another site or issue time.
    """
    _refuse_strangers(forecast, site, issued_at)
    shifts = planned_shifts(settings, site, issued_at)
    known = within(roster[roster["site_id"] == site.site_id], shifts)
    rows = []
    for unit in site.units:
        census = _census(forecast, unit)
        for name, role in settings.roles.items():
            if unit.unit_type not in role.patients_per_head:
                continue
            of_role = known[(known["unit_id"] == unit.unit_id) & (known["role"] == name)]
            identity = {
                "issued_at": issued_at,
                "site_id": site.site_id,
                "unit_id": unit.unit_id,
                "role": name,
            }
            rows += [identity | _heads(census, site, unit, role, shift, of_role) for shift in shifts]
    return RECOMMENDATION.conform(pd.DataFrame(rows, columns=RECOMMENDATION.columns.names))


def _heads(
    census: _Census, site: Site, unit: Unit, role: Role, shift: PlannedShift, roster: pd.DataFrame
) -> dict[str, Any]:
    ratio = role.patients_per_head[unit.unit_type]
    load = load_over(census.hours, shift, role.quantile_level)
    required = max(role.minimum_heads, heads_by_ratio(load.patients, ratio) if load else 0)
    scheduled = None if roster.empty else heads_on(roster, shift)
    demand = reason.demand(load, role, ratio, len(shift.hours), site.zone)
    return {
        "shift": shift.name,
        "shift_date": shift.date,
        "shift_start": shift.start,
        "shift_end": shift.end,
        "patients_p10": load.p10 if load else None,
        "patients_p50": load.p50 if load else None,
        "patients_p90": load.p90 if load else None,
        "required": required,
        "scheduled": scheduled,
        "recommended": required,
        "gap": None if scheduled is None else required - scheduled,
        "reason": f"{demand}; {reason.supply(required, scheduled)}.",
        "note": f"Forecast by {census.model}: {census.note}." if load and census.note else "",
        "model": census.model if load else None,
        "model_version": census.model_version if load else None,
    }


def _census(forecast: pd.DataFrame, unit: Unit) -> _Census:
    rows = forecast[
        (forecast["unit_id"] == unit.unit_id)
        & (forecast["target"] == Target.BED_CENSUS)
        & (forecast["period"] == "PT1H")
    ]
    hours = rows.pivot_table(index="valid_at", columns="quantile", values="value", aggfunc="first")
    if rows.empty:
        return _Census(hours, None, None, "")
    first = rows.iloc[0]
    return _Census(hours, first["model"], first["model_version"], first["note"])


def _refuse_strangers(forecast: pd.DataFrame, site: Site, issued_at: datetime) -> None:
    for column, value in (("site_id", site.site_id), ("issued_at", issued_at)):
        strangers = forecast.loc[forecast[column] != value, column]
        if len(strangers):
            raise StaffingError(
                f"the forecast has {len(strangers)} rows of {column} {strangers.iloc[0]}, not {value}"
            )
