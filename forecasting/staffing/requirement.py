"""What a rule asks of one role in one unit over one shift, as a distribution and at the level to staff to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from forecasting.config import Applies
from forecasting.rules import UnitRule
from forecasting.rules.rule import whole_heads
from forecasting.staffing.distribution import Distribution, Reals
from forecasting.staffing.outlook import Outlook, whole
from forecasting.staffing.shifts import PlannedShift
from forecasting.staffing.square_root import square_root_need


@dataclass(frozen=True)
class Requirement:
    """The load that the rule counts, and the heads it asks for."""

    load: float
    """At the level: whole patients of the highest hour, or the mean of patients, or of arrivals an hour."""
    at: datetime
    """The hour, in UTC, whose own load at the level is the highest."""
    work: float
    """Heads, in fractions, for patients who come and go, in that hour or, on average, over the shift."""
    need: Distribution
    """Heads, in fractions, without posts that are not counted and the minimum."""
    asks: float
    """Heads, in fractions, at the level or by the square-root rule; without those posts and the minimum."""
    required: int
    """Whole heads."""
    hours_forecast: int
    """Of the shift's hours, those that the forecast covers."""
    from_paths: bool
    """Whether the highest hour is that of sample paths, not the highest of the hours' own quantiles."""
    level: float
    """That the required heads come to."""
    offered: bool = False
    """Whether the load is what arrivals lead to."""
    delay: float | None = None
    """The share of patients who may wait, where the square-root rule requires the heads; ``load`` is then
    the patients expected in that hour."""
    safety: float = 0.0
    """Heads, in fractions, that the square-root rule asks for beyond those for that load."""


def requirement(
    rule: UnitRule,
    counted: Outlook,
    shift: PlannedShift,
    level: float,
    work: Reals,
    delay: float | None = None,
) -> Requirement:
    """The heads that a shift asks for.

    Safety is counted once: either heads are enough for the load at a level of its paths, or, for an offered
    load that a rule holds to at all times, they are those of the square-root rule for the load expected.

    Args:
        rule: what is asked.
        counted: of the shift's hours, with the level: the patients, or the arrivals, that the rule counts.
        shift: the shift.
        level: to staff to.
        work: heads for other work, by hour of ``counted`` (hours,).
        delay: the share of patients who may wait, by which the square-root rule requires heads for an offered
            load; without one the level does.
    """
    applies = rule.rule.applies
    needed = counted.need(rule.heads_per_load(shift.name), work, applies)
    need = needed.told(shift, applies)
    if delay is not None and counted.offered and applies is Applies.AT_ALL_TIMES:
        return _by_square_root(rule, counted, need, shift, delay)
    at = needed.hour_of_highest(level)
    if applies is Applies.AVERAGE:
        load, other = counted.mean(shift).at(level), float(work.mean())
    else:
        peak = counted.highest().at(level) if counted.levels is None else counted.at_hour(at, level)
        load, other = float(whole(np.array(peak))), float(work[counted.hours.get_loc(at)])
    return Requirement(
        load=load,
        at=at.to_pydatetime(),
        work=other,
        need=need,
        asks=need.at(level),
        required=rule.heads(need.at(level)),
        hours_forecast=len(counted.hours),
        from_paths=counted.levels is None,
        level=level,
        offered=counted.offered,
    )


def _by_square_root(
    rule: UnitRule, counted: Outlook, need: Distribution, shift: PlannedShift, delay: float
) -> Requirement:
    heads_per_load = rule.heads_per_load(shift.name)
    heads = square_root_need(counted.values, heads_per_load, delay)
    busiest = int(heads.argmax())
    load, asks = float(counted.values[busiest].mean()), float(heads[busiest])
    return Requirement(
        load=load,
        at=counted.hours[busiest].to_pydatetime(),
        work=0.0,
        need=need,
        asks=asks,
        required=rule.heads(asks),
        hours_forecast=len(counted.hours),
        from_paths=True,
        level=1 - need.share_above(whole_heads(asks)),
        offered=True,
        delay=delay,
        safety=asks - load * heads_per_load,
    )


def probability_short(rule: UnitRule, need: Distribution, scheduled: int) -> float:
    """How likely a shift asks for more heads than are scheduled.

    It is certain where fewer are scheduled than the minimum, or than posts that are not counted.
    """
    if scheduled < max(rule.minimum_heads, rule.uncounted_heads):
        return 1.0
    return need.share_above(scheduled - rule.uncounted_heads)
