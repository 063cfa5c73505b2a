"""Why a recommendation says what it says, in words a nurse manager understands."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from zoneinfo import ZoneInfo

from forecasting.config import Applies, Role, RuleKind
from forecasting.rules import UnitRule
from forecasting.rules.rule import whole_heads
from forecasting.staffing.requirement import Requirement
from forecasting.staffing.role_plan import ShiftPlan

SPOKEN_ODDS = 20
"""The largest number in odds that people say; finer ones are told as per cent."""

OFFERED = " by the offered load of arrivals"
"""What a load is told with that is not the forecast census."""

TOLD_HOURS = 0.05
"""Head-hours from which on a sentence has them."""


def demand(asked: Requirement | None, rule: UnitRule, title: str, hours: int, zone: ZoneInfo) -> str:
    """What is expected, and what the rule asks for it.

    Args:
        asked: what the unit's forecast leads to, if there is one.
        rule: the rule.
        title: of the role.
        hours: how many the shift has.
        zone: in which the highest hour is told.
    """
    if asked is None:
        return f"No forecast for this unit, so the minimum of {rule.heads(0)}"
    covered = (
        "" if asked.hours_forecast == hours else f" in the {asked.hours_forecast} of {hours} hours forecast"
    )
    figure = f"{_figure(rule, _within_a_sentence(title))}{_others(rule)}"
    if asked.delay is not None:
        safety = f", {asked.safety:.1f} more so that {_odds(asked.delay)} may wait"
        return f"{_expected(asked, zone)}{covered}; {figure}{safety}{_sum(asked, rule)}"
    return (
        f"At most {_load(asked, rule, zone)}{covered} ({sure(asked.level)}); "
        f"{figure}{_work(asked)}{_sum(asked, rule)}"
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


def advice(required: int, plan: ShiftPlan, rule: UnitRule, role: Role, most: int | None) -> str:
    """Why other than the required heads are recommended; nothing where they are the same.

    Args:
        required: whole heads at the level.
        plan: of the shift.
        rule: that requires them.
        role: says who can be called.
        most: heads that the unit may have; None where nobody set a limit.
    """
    others = abs(plan.on_duty - required)
    recommended = f"; {plan.on_duty} recommended: "
    if plan.on_duty == required:
        return ""
    if plan.on_duty > required:
        if plan.added > 0:
            return f"{recommended}{others} more cost less than what would be missing"
        return f"{recommended}releasing {'it' if others == 1 else 'them'} saves less than it risks"
    if most is not None and plan.on_duty >= most:
        return f"{recommended}the most that the unit may have"
    without = plan.helped_hours | {"missing": plan.short_hours}
    hours = [f"{_said(name)} {each:.1f}" for name, each in without.items() if each >= TOLD_HOURS]
    told = f"{recommended}{others} more would cost more than the head-hours left without: {', '.join(hours)}"
    if rule.rule.applies is Applies.AT_ALL_TIMES and plan.on_duty + role.callable_heads >= required:
        told += f"; with {role.callable_heads} to call, {required} can be met"
    return told


def action(change: int, helpers: Sequence[str] = ()) -> str:
    """What to do: with the roster, and then as the need is seen.

    Args:
        change: heads to add; negative to release.
        helpers: pools and kinds of call that will be needed often enough.
    """
    first = f"add {change}" if change > 0 else f"release {-change}" if change < 0 else "keep"
    return f"{first}; {', '.join(map(_said, helpers))} as needed" if helpers else first


def sure(level: float) -> str:
    """A quantile level as odds: 0.75 is "3 in 4 sure"; one that makes no simple odds as per cent."""
    return f"{_odds(level)} sure"


def _odds(share: float) -> str:
    odds = Fraction(share).limit_denominator(SPOKEN_ODDS)
    if abs(float(odds) - share) < 1e-6:
        return f"{odds.numerator} in {odds.denominator}"
    return f"{100 * share:.0f} %"


def _said(name: str) -> str:
    return name.replace("_", "-")


def _load(asked: Requirement, rule: UnitRule, zone: ZoneInfo) -> str:
    arrivals = rule.rule.kind is RuleKind.ARRIVALS_PER_HEAD_HOUR
    what = "arrival" if arrivals else "patient"
    # Adding zero takes the sign from a minus zero.
    number = f"{round(asked.load, 1) + 0.0:.1f}".removesuffix(".0")
    counted = f"{number} {what if asked.load == 1 else what + 's'}{' an hour' if arrivals else ''} expected"
    counted += OFFERED if asked.offered else ""
    if rule.rule.applies is Applies.AVERAGE:
        return f"{counted} on average"
    hour = f"{asked.at.astimezone(zone):%H:%M}"
    return f"{counted} in any hour, most around {hour}" if asked.from_paths else f"{counted} at {hour}"


def _expected(asked: Requirement, zone: ZoneInfo) -> str:
    return f"{asked.load:.1f} patients expected{OFFERED} around {asked.at.astimezone(zone):%H:%M}"


def _figure(rule: UnitRule, title: str) -> str:
    figure = f"{rule.rule.figure:g}"
    words = {
        RuleKind.PATIENTS_PER_HEAD: f"1 {title} per {figure}",
        RuleKind.HOURS_PER_PATIENT_DAY: f"{figure} {title} hours per patient day",
        RuleKind.ARRIVALS_PER_HEAD_HOUR: f"1 {title} per {figure} an hour",
    }
    by = f" by {rule.rule.source}" if rule.rule.source else ""
    return words[rule.rule.kind] + by


def _others(rule: UnitRule) -> str:
    return "".join(
        f", per {part.rule.figure:g} for {part.patients} ({100 * part.share:g} %)" for part in rule.parts
    )


def _work(asked: Requirement) -> str:
    return f", {asked.work:.1f} for patients who come and go" if asked.work >= 0.05 else ""


def _sum(asked: Requirement, rule: UnitRule) -> str:
    counted = whole_heads(asked.asks)
    told = f" → {counted}"
    for post, heads in (rule.posts or {}).items():
        counted += heads
        told += f", {heads} {post} beside them → {counted}"
    return told + (f", but at least {rule.minimum_heads}" if counted < rule.minimum_heads else "")


def _within_a_sentence(title: str) -> str:
    # "Registered nurse" loses its capital; "RN" keeps it.
    return title[:1].lower() + title[1:] if title[1:2].islower() else title
