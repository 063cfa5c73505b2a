"""Patients who come to a ward and go: how many an hour, and the heads that their work takes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from forecasting.config import EventMinutes
from forecasting.staffing.distribution import Reals

HOURS_PER_WEEK = 168
MINUTES_PER_HOUR = 60


@dataclass(frozen=True)
class Turnover:
    """Patients expected to come and go by unit and local hour of the week, Monday 00:00 first."""

    coming: dict[str, Reals]
    """Admitted or transferred in, by unit (168,)."""
    going: dict[str, Reals]
    """Discharged or transferred out, by unit (168,)."""

    def heads(self, unit_id: str, hours: pd.DatetimeIndex, zone: ZoneInfo, minutes: EventMinutes) -> Reals:
        """Heads that the work takes in each hour, in fractions (hours,); 0 where nothing is known.

        Args:
            unit_id: the unit.
            hours: by their start.
            zone: the site's.
            minutes: of the role's work for one patient who comes, and for one who goes.
        """
        local = hours.tz_convert(zone)
        at = local.dayofweek * 24 + local.hour
        unknown = np.zeros(HOURS_PER_WEEK)
        work = self.coming.get(unit_id, unknown) * minutes.patient_in
        work = work + self.going.get(unit_id, unknown) * minutes.patient_out
        return np.asarray(work[at] / MINUTES_PER_HOUR, dtype=float)


NOTHING_KNOWN = Turnover({}, {})


def turnover(inflow: pd.DataFrame, departure: pd.DataFrame, issued_at: datetime, zone: ZoneInfo) -> Turnover:
    """What the flow of the past lets expect of each hour of the week: its mean.

    Args:
        inflow: INFLOW rows of one site, known at the issue time.
        departure: DEPARTURE rows of the site, counted over the same weeks.
        issued_at: UTC; nothing at or after it is looked at.
        zone: the site's.
    """
    known = inflow[inflow["valid_at"] < issued_at]
    if known.empty:
        return NOTHING_KNOWN
    hours = (pd.Timestamp(issued_at) - known["valid_at"].min()) / pd.Timedelta(hours=1)
    weeks = max(hours / HOURS_PER_WEEK, 1.0)
    # Whoever a census counts first at the start of an hour came in the hour before.
    came_at = (known["valid_at"] - pd.Timedelta(hours=1)).dt.tz_convert(zone).dt
    came = known.assign(week_hour=came_at.dayofweek * 24 + came_at.hour)
    went = departure.assign(week_hour=departure["weekday"] * 24 + departure["local_hour"])
    return Turnover(_by_unit(came, "patients", weeks), _by_unit(went, "departures", weeks))


def _by_unit(events: pd.DataFrame, count: str, weeks: float) -> dict[str, Reals]:
    return {
        str(unit_id): np.bincount(of_unit["week_hour"], of_unit[count], HOURS_PER_WEEK) / weeks
        for unit_id, of_unit in events.groupby("unit_id")
    }
