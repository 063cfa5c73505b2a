"""Heads that the roster already has for a shift."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from forecasting.staffing.shifts import PlannedShift, overlapping

SAME_SHIFT = 0.5
"""Share of their hours that a row and a shift have in common, from which on it is a row of that shift."""


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


def heads_by_shift(roster: pd.DataFrame, shifts: Sequence[PlannedShift]) -> tuple[int, ...]:
    """Heads rostered for each of some shifts.

    Where none of them overlap, they are those on each. Where some do, whoever is on duty in one may work
    another: a row then counts in the shift alone with which it has most in common, hours that both have over
    hours that either has, if that is at least half.

    Args:
        roster: SCHEDULED_SHIFT rows of one unit and role.
        shifts: of one or more dates.
    """
    if not overlapping(shifts):
        return tuple(heads_on(roster, shift) for shift in shifts)
    starts, ends = (roster[edge].to_numpy("datetime64[us]") for edge in ("shift_start", "shift_end"))
    edges = pd.DataFrame([(shift.start, shift.end) for shift in shifts]).astype("datetime64[us, UTC]")
    first, last = (edges[side].to_numpy("datetime64[us]")[:, None] for side in edges)
    both = np.minimum(ends, last) - np.maximum(starts, first)
    either = np.maximum(ends, last) - np.minimum(starts, first)
    alike = both / either
    own = (alike == alike.max(axis=0)) & (alike >= SAME_SHIFT)
    # Of two shifts that are as much like a row the first has it.
    own &= np.cumsum(own, axis=0) == 1
    return tuple((own @ roster["heads"].to_numpy()).tolist())


def within(roster: pd.DataFrame, shifts: Sequence[PlannedShift]) -> pd.DataFrame:
    """The rows of a roster that overlap the time from the first of the shifts to the last."""
    starts_before = roster["shift_start"] < max(shift.end for shift in shifts)
    ends_after = roster["shift_end"] > min(shift.start for shift in shifts)
    return roster[starts_before & ends_after]
