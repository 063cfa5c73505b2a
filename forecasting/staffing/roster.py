"""Heads that the roster already has for a shift."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from forecasting.staffing.shifts import PlannedShift


def heads_on(roster: pd.DataFrame, shift: PlannedShift) -> int:
    """Heads rostered for at least half of a shift's hours; 0 where nobody is.

    A row that covers the shift counts in full, whatever shift it was rostered as; one that only touches its
    edge does not count; two half shifts of the same heads count once.

    Args:
        roster: SCHEDULED_SHIFT rows of one unit and role.
        shift: the shift.
    """
    hours = pd.date_range(shift.start, shift.end, freq="h", inclusive="left").to_numpy("datetime64[us]")
    present = (roster["shift_start"].to_numpy("datetime64[us]") <= hours[:, None]) & (
        hours[:, None] < roster["shift_end"].to_numpy("datetime64[us]")
    )
    heads = np.sort(present @ roster["heads"].to_numpy())
    return int(heads[len(hours) // 2])


def within(roster: pd.DataFrame, shifts: Sequence[PlannedShift]) -> pd.DataFrame:
    """The rows of a roster that overlap the time from the first of the shifts to the last."""
    starts_before = roster["shift_start"] < max(shift.end for shift in shifts)
    ends_after = roster["shift_end"] > min(shift.start for shift in shifts)
    return roster[starts_before & ends_after]
