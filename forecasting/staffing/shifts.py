"""Shifts on the local clock, as stretches of UTC."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from forecasting.config import Settings, Shift, Site


@dataclass(frozen=True)
class PlannedShift:
    """A shift on one local date; it holds its start, in UTC, and not its end."""

    name: str
    date: date
    start: datetime
    end: datetime

    @cached_property
    def hours(self) -> pd.DatetimeIndex:
        """The hours, by their start in UTC, that the shift touches."""
        return pd.date_range(
            pd.Timestamp(self.start).floor("h"), self.end, freq="h", inclusive="left", unit="us"
        )


def planned_shifts(settings: Settings, site: Site, issued_at: datetime) -> list[PlannedShift]:
    """Every shift of the local dates that a night plans for, by date and then as configured.

    Args:
        settings: gives the shifts and the number of days.
        site: gives the zone.
        issued_at: UTC; the first date is the first one all of whose shifts start at or after it.
    """
    first = settings.first_plan_date(site, issued_at)
    days = (first + timedelta(days=number) for number in range(settings.horizon.days))
    return [on_date(shift, day, site.zone) for day in days for shift in settings.shifts]


def on_date(shift: Shift, day: date, zone: ZoneInfo) -> PlannedShift:
    """A shift on a local date.

    It starts and ends by the clock on the wall: 19:00 to 07:00 is 11 hours long when the clock goes forward
    in between, and 13 when it goes back. A wall time that the clock skips is as long after midnight as it
    says; of one that comes twice, the first counts. So shifts that follow one another leave no gap.
    """
    wall = datetime.combine(day, shift.start)
    return PlannedShift(shift.name, day, _utc(wall, zone), _utc(wall + timedelta(hours=shift.hours), zone))


def overlapping(shifts: Sequence[PlannedShift]) -> bool:
    """Whether one of some shifts starts before another has ended."""
    in_order = sorted(shifts, key=lambda shift: shift.start)
    return any(other.start < one.end for one, other in pairwise(in_order))


def on_duty(shifts: Sequence[PlannedShift], heads: Sequence[int]) -> tuple[int, ...]:
    """Heads on duty for at least half of each shift, from heads who work each; the same where none overlap.

    Args:
        shifts: of one or more dates.
        heads: of each.
    """
    if not overlapping(shifts):
        return tuple(heads)
    starts, ends = (np.array([getattr(shift, edge) for shift in shifts]) for edge in ("start", "end"))
    there = []
    for shift in shifts:
        hours = shift.hours.to_pydatetime()[:, None]
        present = ((starts <= hours) & (hours < ends)) @ np.array(heads)
        there.append(int(np.sort(present)[len(hours) // 2]))
    return tuple(there)


def _utc(wall: datetime, zone: ZoneInfo) -> datetime:
    return wall.replace(tzinfo=zone).astimezone(UTC)
