"""A forecast, the rules and the roster to one recommendation per unit, role and shift."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from forecasting.blocks import HOUR
from forecasting.config import RuleKind, Settings, Site, Unit, UnitType
from forecasting.rules import NoRule, RuleBook, UnitRule
from forecasting.schema import STAFFING_RECOMMENDATION, Table, Target
from forecasting.staffing import reason
from forecasting.staffing.outlook import Outlook, SamplePaths, outlook
from forecasting.staffing.requirement import probability_short, requirement
from forecasting.staffing.roster import heads_on, within
from forecasting.staffing.shifts import PlannedShift, planned_shifts
from forecasting.staffing.turnover import NOTHING_KNOWN, Turnover

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
class _Expected:
    """A unit's forecast of one target, and who made it."""

    outlook: Outlook
    model: str | None
    model_version: str | None
    note: str


@dataclass(frozen=True)
class _Place:
    """What stays the same over the shifts of a unit and role."""

    settings: Settings
    site: Site
    unit: Unit
    role_id: str
    expected: Mapping[Target, _Expected]
    turnover: Turnover
    roster: pd.DataFrame

    @property
    def level(self) -> float:
        return self.settings.level(self.unit.unit_type)

    def work(self, hours: pd.DatetimeIndex) -> np.ndarray:
        """Heads for patients who come and go; an ED's are its patients' own work."""
        if self.unit.unit_type is UnitType.ED:
            return np.zeros(len(hours))
        minutes = self.settings.roles[self.role_id].minutes_per_event
        return self.turnover.heads(self.unit.unit_id, hours, self.site.zone, minutes)


def recommend(
    forecast: pd.DataFrame,
    site: Site,
    settings: Settings,
    issued_at: datetime,
    roster: pd.DataFrame,
    rules: RuleBook,
    *,
    paths: Mapping[Target, SamplePaths] | None = None,
    turnover: Turnover = NOTHING_KNOWN,
) -> pd.DataFrame:
    """Heads for every unit, role and shift of a site over the days that a night plans for.

    Required is what the rule of the shift's date asks for at the level that the unit type's costs lead to:
    of the highest hour, or of the mean, as the rule says; posts that it does not count on top, and never
    under the minimum. Patients of the ED are those present, boarders included. What is recommended is what
    is required.

    Args:
        forecast: FORECAST rows of the site and issue time; ``bed_census`` and ``ed_arrivals`` are read.
        site: the hospital.
        settings: gives roles, costs, shifts and the number of days.
        issued_at: UTC.
        roster: SCHEDULED_SHIFT rows; those of other sites are passed over.
        rules: which rule holds where and when.
        paths: sample paths of the same forecast; where there are none, its quantiles stand in.
        turnover: how patients come and go.

    Returns:
        RECOMMENDATION rows: one for each unit, role that works there, and shift. Where no rule holds,
        ``required`` and ``recommended`` are missing and the reason says why. ``scheduled`` is missing where
        the roster has nothing for the unit and role in all the days, and 0 where it has something, but not
        for that shift. A unit without forecast gets its minimum, says so, and has no patients, model or
        version.

    Raises:
        StaffingError: the forecast is of another site or issue time.
    """
    _refuse_strangers(forecast, site, issued_at)
    shifts = planned_shifts(settings, site, issued_at)
    known = within(roster[roster["site_id"] == site.site_id], shifts)
    rows = []
    for unit in site.units:
        expected = {target: _expected(forecast, unit, target, paths or {}) for target in Target}
        for role_id in settings.roles:
            of_role = known[(known["unit_id"] == unit.unit_id) & (known["role"] == role_id)]
            place = _Place(settings, site, unit, role_id, expected, turnover, of_role)
            for shift in shifts:
                rule = rules.asks(site, unit, role_id, shift.date)
                if rule is not None:
                    rows.append({"issued_at": issued_at} | _row(place, shift, rule))
    return RECOMMENDATION.conform(pd.DataFrame(rows, columns=RECOMMENDATION.columns.names))


def _row(place: _Place, shift: PlannedShift, rule: UnitRule | NoRule) -> dict[str, Any]:
    scheduled = None if place.roster.empty else heads_on(place.roster, shift)
    about = {
        "site_id": place.site.site_id,
        "unit_id": place.unit.unit_id,
        "role": place.role_id,
        "shift": shift.name,
        "shift_date": shift.date,
        "shift_start": shift.start,
        "shift_end": shift.end,
        "scheduled": scheduled,
        "quantile_level": place.level,
        "note": "",
    } | _patients(place, shift)
    if isinstance(rule, NoRule):
        return about | {"action": "decide by hand", "reason": f"{rule.why[:1].upper()}{rule.why[1:]}."}
    return about | _heads(place, shift, rule, scheduled)


def _patients(place: _Place, shift: PlannedShift) -> dict[str, Any]:
    census = place.expected[Target.BED_CENSUS].outlook.over(shift, place.level)
    if census is None:
        return {}
    patients = census.highest()
    return {f"patients_p{per_cent}": patients.at(per_cent / 100) for per_cent in (10, 50, 90)}


def _heads(place: _Place, shift: PlannedShift, rule: UnitRule, scheduled: int | None) -> dict[str, Any]:
    counts_arrivals = rule.rule.kind is RuleKind.ARRIVALS_PER_HEAD_HOUR
    expected = place.expected[Target.ED_ARRIVALS if counts_arrivals else Target.BED_CENSUS]
    counted = expected.outlook.over(shift, place.level)
    asked = requirement(rule, counted, shift, place.level, place.work(counted.hours)) if counted else None
    required = asked.required if asked else rule.heads(0)
    title = place.settings.roles[place.role_id].title
    demand = reason.demand(asked, rule, title, place.level, len(shift.hours), place.site.zone)
    heads: dict[str, Any] = {
        "required": required,
        "recommended": required,
        "gap": None if scheduled is None else required - scheduled,
        "action": reason.action(required, scheduled, forecast=asked is not None),
        "rule_id": rule.rule.rule_id,
        "reason": f"{demand}; {reason.supply(required, scheduled)}.",
    }
    if asked is None:
        return heads
    if scheduled is not None:
        heads["probability_short"] = probability_short(rule, asked.need, scheduled)
    note = f"Forecast by {expected.model}: {expected.note}." if expected.note else ""
    return heads | {"model": expected.model, "model_version": expected.model_version, "note": note}


def _expected(
    forecast: pd.DataFrame, unit: Unit, target: Target, paths: Mapping[Target, SamplePaths]
) -> _Expected:
    rows = forecast[
        (forecast["unit_id"] == unit.unit_id) & (forecast["target"] == target) & (forecast["period"] == HOUR)
    ]
    told = outlook(forecast, unit.unit_id, target, paths.get(target))
    if rows.empty:
        return _Expected(told, None, None, "")
    first = rows.iloc[0]
    return _Expected(told, first["model"], first["model_version"], first["note"])


def _refuse_strangers(forecast: pd.DataFrame, site: Site, issued_at: datetime) -> None:
    for column, value in (("site_id", site.site_id), ("issued_at", issued_at)):
        strangers = forecast.loc[forecast[column] != value, column]
        if len(strangers):
            raise StaffingError(
                f"the forecast has {len(strangers)} rows of {column} {strangers.iloc[0]}, not {value}"
            )
