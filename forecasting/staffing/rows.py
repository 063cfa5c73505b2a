"""The rows of a recommendation: a unit's and a float pool's, shift by shift."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from forecasting.config import FloatPool, Site
from forecasting.rules import NoRule, UnitRule
from forecasting.schema import Target
from forecasting.staffing import reason
from forecasting.staffing.ed_waits import WaitingLine, has_queue
from forecasting.staffing.place import Place, counted_target
from forecasting.staffing.requirement import probability_short
from forecasting.staffing.role_case import RoleCase
from forecasting.staffing.role_plan import PoolPlan, RolePlan, ShiftPlan
from forecasting.staffing.shifts import PlannedShift
from forecasting.staffing.waiting import WaitingError

Row = dict[str, Any]

ROUGH_SHIFTS = (
    "How the hours of a shift go together could not be worked out, so its busiest hour and its average are "
    "rougher."
)
UNKNOWN_TURNOVER = "Work for patients who come and go is not counted: how many do is not known."


@dataclass(frozen=True)
class Origin:
    """Who made a unit's forecast of one target."""

    model: str
    model_version: str
    notes: tuple[str, ...]
    """Sentences: in whose stead, and why; what is rough about it."""


Origins = Mapping[tuple[str, Target], Origin]


def unit_rows(place: Place, case: RoleCase, plan: RolePlan, origins: Origins) -> list[Row]:
    """A row for each shift of a unit and role.

    Args:
        place: the unit and role.
        case: the role's.
        plan: the role's.
        origins: of the forecasts there are, by unit and target.
    """
    planned = plan.units.get(place.unit.unit_id)
    refused = plan.refused.get(place.unit.unit_id, "")
    waits, no_waits = _waits(place, case, planned)
    return [
        _about(place.shifts[number], place.site.site_id, place.unit.unit_id, place.role_id)
        | {
            "scheduled": place.present[number] if place.present else None,
            "quantile_level": _level(place, number),
        }
        | _patients(place, number)
        | _advice(place, number, planned[number] if planned else None)
        | _origin(place, number, refused, no_waits, origins)
        | waits[number]
        for number in range(len(place.shifts))
    ]


def pool_rows(
    pool: FloatPool,
    site: Site,
    shifts: Sequence[PlannedShift],
    scheduled: Sequence[int] | None,
    plan: RolePlan,
) -> list[Row]:
    """A row for each shift of a float pool; nothing is required of it.

    Args:
        pool: the pool.
        site: its own.
        shifts: of the night.
        scheduled: heads rostered by shift; None where no roster is known.
        plan: the role's.
    """
    planned = plan.pools.get(pool.pool_id)
    refused = plan.refused.get(pool.pool_id, "no unit of it is planned")
    names = [unit.name for unit in site.units if unit.unit_id in pool.units]
    rows = []
    for number, shift in enumerate(shifts):
        row = _about(shift, site.site_id, pool.pool_id, pool.role)
        row["scheduled"] = scheduled[number] if scheduled else None
        if planned is None:
            row |= {"action": "decide by hand", "reason": f"Not planned: {refused}."}
        else:
            row |= _pool_advice(planned[number], names, known=scheduled is not None)
        rows.append(row)
    return rows


def _about(shift: PlannedShift, site_id: str, unit_id: str, role_id: str) -> Row:
    return {
        "site_id": site_id,
        "unit_id": unit_id,
        "role": role_id,
        "shift": shift.name,
        "shift_date": shift.date,
        "shift_start": shift.start,
        "shift_end": shift.end,
        "relief": "",
        "note": "",
    }


def _level(place: Place, number: int) -> float:
    asked = place.asked[number]
    return asked.level if asked else place.level


def _patients(place: Place, number: int) -> Row:
    census = place.outlooks[place.unit.unit_id, Target.BED_CENSUS].over(place.shifts[number], place.level)
    if census is None:
        return {}
    patients = census.highest()
    return {f"patients_p{per_cent}": patients.at(per_cent / 100) for per_cent in (10, 50, 90)}


def _advice(place: Place, number: int, planned: ShiftPlan | None) -> Row:
    rule, asked, shift = place.rules[number], place.asked[number], place.shifts[number]
    if isinstance(rule, NoRule):
        return {"action": "decide by hand", "reason": f"{rule.why[:1].upper()}{rule.why[1:]}."}
    scheduled = place.present[number] if place.present else None
    required = asked.required if asked else rule.heads(0)
    demand = reason.demand(asked, rule, place.role.title, len(shift.hours), place.site.zone)
    row: Row = {
        "required": required,
        "gap": None if scheduled is None else required - scheduled,
        "rule_id": rule.rule.rule_id,
    }
    why = f"{demand}; {reason.supply(required, scheduled)}"
    if asked is not None and scheduled is not None:
        row["probability_short"] = probability_short(rule, asked.need, scheduled)
    if asked is None or planned is None:
        # Nobody can be spared where nobody knows how many patients come.
        recommended = max(required, scheduled or 0) if asked is None else required
        action = f"roster {required}" if scheduled is None else reason.action(recommended - scheduled)
        return row | {"recommended": recommended, "action": action, "reason": f"{why}."}
    most = place.unit.most_heads.get(place.role_id)
    return row | {
        "recommended": planned.on_duty,
        "action": reason.action(planned.added, planned.helpers),
        "reason": f"{why}{reason.advice(required, planned, rule, place.role, most)}.",
        "expected_cost": planned.cost,
        "expected_cost_scheduled": planned.cost_scheduled,
        "short_hours": planned.short_hours,
        "relief": planned.relief,
    }


def _origin(place: Place, number: int, refused: str, no_waits: str, origins: Origins) -> Row:
    """Who forecast, and in the note all that could not be known or made."""
    rule = place.rules[number]
    if not isinstance(rule, UnitRule):
        return {}
    census_instead = _census_instead(place) if counted_target(rule) is Target.BED_CENSUS else ""
    not_planned = f"Not planned: {refused}." if refused else ""
    if place.asked[number] is None:
        return {"note": " ".join(filter(None, (census_instead, not_planned)))}
    origin = origins[place.unit.unit_id, place.source(rule)]
    notes = [
        *origin.notes,
        census_instead,
        "" if place.counted(rule).paths else ROUGH_SHIFTS,
        "" if place.knows_work else UNKNOWN_TURNOVER,
        not_planned,
        no_waits,
    ]
    return {
        "model": origin.model,
        "model_version": origin.model_version,
        "note": " ".join(filter(None, notes)),
    }


def _census_instead(place: Place) -> str:
    if not place.why_census:
        return ""
    return f"Planned by the forecast census, not by the offered load: {place.why_census}."


def _waits(place: Place, case: RoleCase, planned: Sequence[ShiftPlan] | None) -> tuple[list[Row], str]:
    """Waits at the planned and the rostered heads, by shift, where there is a queue; why there are none."""
    nothing: list[Row] = [{} for _ in place.shifts]
    if place.scheduled is None or planned is None or not has_queue(place):
        return nothing, ""
    heads = [each + shift.added for each, shift in zip(place.scheduled, planned, strict=True)]
    try:
        line = WaitingLine(place, case)
        told = zip(line.at(heads), line.at(place.scheduled), strict=True)
    except WaitingError as error:
        return nothing, f"Waiting times could not be told: {error}."
    return [
        {
            "wait_minutes": now.minutes,
            "wait_minutes_scheduled": before.minutes,
            "left_unseen": now.left_unseen,
            "left_unseen_scheduled": before.left_unseen,
        }
        for now, before in told
    ], ""


def _pool_advice(planned: PoolPlan, names: Sequence[str], *, known: bool) -> Row:
    whom = " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
    if known:
        action = reason.action(planned.added)
    else:
        action = f"roster {planned.heads}" if planned.heads else "nobody needed"
    return {
        "recommended": planned.heads,
        "action": action,
        "reason": f"Goes to {whom}, where it helps most: {planned.floated_hours:.1f} head-hours expected.",
        "expected_cost": planned.cost,
        "expected_cost_scheduled": planned.cost_scheduled,
    }
