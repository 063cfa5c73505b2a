"""Heads that a rule asks for in each hour of a shift, on each of equally likely paths."""

from __future__ import annotations

import numpy as np
import pandas as pd

from forecasting.config import Applies
from forecasting.rules import UnitRule
from forecasting.staffing.cover.case import Wholes
from forecasting.staffing.distribution import Reals
from forecasting.staffing.outlook import Outlook
from forecasting.staffing.shifts import PlannedShift


def heads_by_hour(
    rule: UnitRule, counted: Outlook, shift: PlannedShift, hours: pd.DatetimeIndex, work: Reals, paths: int
) -> Wholes:
    """Whole heads asked for, posts beside them and the minimum included.

    A rule that holds at all times asks by hour; one that holds on average asks for the shift's mean in each
    of its hours. Where the outlook has quantiles, the paths are drawn from those of each hour, as if all
    hours were high together.

    Args:
        rule: of the shift's date.
        counted: of the shift's hours: the patients, or the arrivals, that the rule counts.
        shift: the shift.
        hours: of the shift, by their start in UTC; those the outlook lacks ask for the minimum.
        work: heads for other work, by hour of ``counted`` (hours of counted,).
        paths: how many; as many as the outlook has, where it has sample paths.

    Returns:
        By path and hour (paths, hours).
    """
    applies = rule.rule.applies
    needed = counted.need(rule.heads_per_load(shift.name), work, applies)
    if applies is Applies.AVERAGE:
        fractions = np.repeat(needed.mean(shift).drawn(paths)[:, None], len(hours), axis=1)
    else:
        fractions = np.zeros((paths, len(hours)))
        at = needed.hours.get_indexer(hours)
        fractions[:, at >= 0] = needed.drawn(paths)[:, at[at >= 0]]
    # As whole_heads does: a hair above a whole number is the arithmetic's doing.
    heads = np.ceil(np.round(fractions, 6)).astype(np.int64) + rule.uncounted_heads
    return np.maximum(heads, rule.minimum_heads)
