"""What a rule asks of one role in one unit over one shift, as a distribution and at the level to staff to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from forecasting.config import Applies
from forecasting.rules import UnitRule
from forecasting.staffing.distribution import Distribution, Reals
from forecasting.staffing.outlook import Outlook, whole
from forecasting.staffing.shifts import PlannedShift


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
    required: int
    """Whole heads at the level."""
    hours_forecast: int
    """Of the shift's hours, those that the forecast covers."""
    from_paths: bool
    """Whether the highest hour is that of sample paths, not the highest of the hours' own quantiles."""


def requirement(
    rule: UnitRule, counted: Outlook, shift: PlannedShift, level: float, work: Reals
) -> Requirement:
    """The heads that a shift asks for.

    Args:
        rule: what is asked.
        counted: of the shift's hours, with the level: the patients, or the arrivals, that the rule counts.
        shift: the shift.
        level: to staff to.
        work: heads for other work, by hour of ``counted`` (hours,).
    """
    applies = rule.rule.applies
    needed = counted.need(rule.heads_per_load(shift.name), work, applies)
    need = needed.told(shift, applies)
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
        required=rule.heads(need.at(level)),
        hours_forecast=len(counted.hours),
        from_paths=counted.levels is None,
    )


def probability_short(rule: UnitRule, need: Distribution, scheduled: int) -> float:
    """How likely a shift asks for more heads than are scheduled.

    It is certain where fewer are scheduled than the minimum, or than posts that are not counted.
    """
    if scheduled < max(rule.minimum_heads, rule.uncounted_heads):
        return 1.0
    return need.share_above(scheduled - rule.uncounted_heads)
