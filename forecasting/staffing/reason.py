"""Why a recommendation says what it says, in words a nurse manager understands."""

from __future__ import annotations

from fractions import Fraction
from zoneinfo import ZoneInfo

from forecasting.config import Applies, RuleKind
from forecasting.rules import UnitRule
from forecasting.rules.rule import whole_heads
from forecasting.staffing.requirement import Requirement

SPOKEN_ODDS = 20
"""The largest number in odds that people say; finer ones are told as per cent."""


def demand(
    asked: Requirement | None, rule: UnitRule, title: str, level: float, hours: int, zone: ZoneInfo
) -> str:
    """What is expected, and what the rule asks for it.

    Args:
        asked: what the unit's forecast leads to, if there is one.
        rule: the rule.
        title: of the role.
        level: at which the load is told.
        hours: how many the shift has.
        zone: in which the highest hour is told.
    """
    if asked is None:
        return f"No forecast for this unit, so the minimum of {rule.heads(0)}"
    covered = (
        "" if asked.hours_forecast == hours else f" in the {asked.hours_forecast} of {hours} hours forecast"
    )
    return (
        f"At most {_load(asked, rule, zone)}{covered} ({sure(level)}); "
        f"{_figure(rule, _within_a_sentence(title))}{_others(rule)}{_work(asked)}{_sum(asked, rule, level)}"
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


def action(required: int, scheduled: int | None, *, forecast: bool) -> str:
    """What to do; nobody can be spared where nobody knows how many patients come."""
    if scheduled is None:
        return f"roster {required}"
    if scheduled < required:
        return f"add {required - scheduled}"
    if scheduled == required or not forecast:
        return "keep"
    return f"{scheduled - required} to spare"


def sure(level: float) -> str:
    """A quantile level as odds: 0.75 is "3 in 4 sure"; one that makes no simple odds as per cent."""
    odds = Fraction(level).limit_denominator(SPOKEN_ODDS)
    if abs(float(odds) - level) < 1e-6:
        return f"{odds.numerator} in {odds.denominator} sure"
    return f"{100 * level:.0f} % sure"


def _load(asked: Requirement, rule: UnitRule, zone: ZoneInfo) -> str:
    arrivals = rule.rule.kind is RuleKind.ARRIVALS_PER_HEAD_HOUR
    what = "arrival" if arrivals else "patient"
    number = f"{asked.load:.1f}".removesuffix(".0")
    counted = f"{number} {what if asked.load == 1 else what + 's'}{' an hour' if arrivals else ''} expected"
    if rule.rule.applies is Applies.AVERAGE:
        return f"{counted} on average"
    hour = f"{asked.at.astimezone(zone):%H:%M}"
    return f"{counted} in any hour, most around {hour}" if asked.from_paths else f"{counted} at {hour}"


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


def _sum(asked: Requirement, rule: UnitRule, level: float) -> str:
    counted = whole_heads(asked.need.at(level))
    told = f" → {counted}"
    for post, heads in (rule.posts or {}).items():
        counted += heads
        told += f", {heads} {post} beside them → {counted}"
    return told + (f", but at least {rule.minimum_heads}" if counted < rule.minimum_heads else "")


def _within_a_sentence(title: str) -> str:
    # "Registered nurse" loses its capital; "RN" keeps it.
    return title[:1].lower() + title[1:] if title[1:2].islower() else title
