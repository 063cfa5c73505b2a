"""Why a recommendation says what it says, in words a nurse manager understands."""

from __future__ import annotations

from fractions import Fraction
from zoneinfo import ZoneInfo

from forecasting.config import Role
from forecasting.staffing.requirement import Load, heads_by_ratio, whole_patients


def demand(load: Load | None, role: Role, patients_per_head: float, hours: int, zone: ZoneInfo) -> str:
    """What is expected, and what the rule asks for it.

    Args:
        load: the unit's load over the shift, if it is forecast.
        role: the role to staff.
        patients_per_head: the role's ratio in this unit.
        hours: how many the shift has.
        zone: in which the highest hour is told.
    """
    if load is None:
        return f"No forecast for this unit, so the minimum of {role.minimum_heads}"
    patients = whole_patients(load.patients)
    by_ratio = heads_by_ratio(load.patients, patients_per_head)
    minimum = f", but at least {role.minimum_heads}" if by_ratio < role.minimum_heads else ""
    covered = (
        "" if load.hours_forecast == hours else f" in the {load.hours_forecast} of {hours} hours forecast"
    )
    return (
        f"At most {patients} {'patient' if patients == 1 else 'patients'} expected at "
        f"{load.at.astimezone(zone):%H:%M}{covered} ({sure(role.quantile_level)}); "
        f"1 {_within_a_sentence(role.title)} per {patients_per_head:g} → {by_ratio}{minimum}"
    )


def supply(required: int, scheduled: int | None) -> str:
    """How the roster compares with the requirement."""
    if scheduled is None:
        return "no roster known"
    if scheduled < required:
        return f"{scheduled} scheduled: {required - scheduled} short"
    if scheduled == required:
        return f"{scheduled} scheduled: as required"
    return f"{scheduled} scheduled: {scheduled - required} more than required"


def sure(level: float) -> str:
    """A quantile level as odds: 0.75 is "3 in 4 sure"."""
    odds = Fraction(level).limit_denominator(1000)
    return f"{odds.numerator} in {odds.denominator} sure"


def _within_a_sentence(title: str) -> str:
    # "Registered nurse" loses its capital; "RN" keeps it.
    return title[:1].lower() + title[1:] if title[1:2].islower() else title
