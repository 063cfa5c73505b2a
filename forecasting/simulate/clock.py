"""The hours of a simulation and what a site's clock on the wall says in each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

Reals = npt.NDArray[np.float64]
Wholes = npt.NDArray[np.int64]

HOUR = 3600
DAY = 24 * HOUR


@dataclass(frozen=True)
class Clock:
    """Consecutive UTC hours, and the local calendar over them.

    Instants inside a simulation are whole seconds since ``origin``. The local day of an hour is the one in
    which the hour starts; days are numbered from 0, the day of the first hour.
    """

    origin: pd.Timestamp
    offset: Wholes  # seconds by which local time is ahead of UTC, per hour
    local_hour: Wholes  # 0..23, per hour
    day: Wholes  # number of the local day, per hour
    dates: pd.DatetimeIndex  # the local days, without a zone
    day_start: Wholes  # local midnight in seconds since origin, per day

    @property
    def hours(self) -> pd.DatetimeIndex:
        """The start of every hour, UTC."""
        return pd.date_range(self.origin, periods=len(self.offset), freq="h", unit="us")

    @property
    def weekday(self) -> Wholes:
        """0 (Monday) to 6, per local day."""
        return self.dates.dayofweek.to_numpy(dtype=np.int64)

    @property
    def day_of_year(self) -> Reals:
        """1 to 366, per local day."""
        return self.dates.dayofyear.to_numpy(dtype=np.float64)

    def seconds(self, instant: datetime | pd.Timestamp) -> int:
        """An instant as seconds since ``origin``."""
        return int((pd.Timestamp(instant) - self.origin).total_seconds())

    def at_local(self, day: Wholes, second_of_day: Wholes) -> Wholes:
        """Seconds since ``origin`` at which the wall clock shows ``second_of_day`` on a local day."""
        elapsed = self.day_start[day] + second_of_day
        last = len(self.offset) - 1
        then = self.offset[np.clip(elapsed // HOUR, 0, last)]
        at_midnight = self.offset[np.clip(self.day_start[day] // HOUR, 0, last)]
        shifted: Wholes = elapsed - (then - at_midnight)
        return shifted

    def instants(self, seconds: Wholes) -> pd.DatetimeIndex:
        """Seconds since ``origin`` as UTC timestamps."""
        return pd.DatetimeIndex(self.origin + pd.to_timedelta(seconds, unit="s")).as_unit("us")


def wall_clock(zone: ZoneInfo, first: pd.Timestamp, last: pd.Timestamp) -> Clock:
    """The clock of a zone, from the local midnight before ``first`` to the one after ``last``."""
    origin = first.tz_convert(zone).normalize().tz_convert("UTC").floor("h")
    end = (last.tz_convert(zone).normalize() + pd.DateOffset(days=1)).tz_convert("UTC").ceil("h")
    hours = pd.date_range(origin, end, freq="h", inclusive="left", unit="us")
    local = hours.tz_convert(zone)
    naive = local.tz_localize(None)
    day, dates = pd.factorize(naive.normalize())
    dates = pd.DatetimeIndex(dates)
    midnights = dates.tz_localize(
        zone, ambiguous=np.ones(len(dates), dtype=bool), nonexistent="shift_forward"
    )
    return Clock(
        origin=origin,
        offset=_whole_seconds(naive - hours.tz_localize(None)),
        local_hour=local.hour.to_numpy(dtype=np.int64),
        day=day.astype(np.int64),
        dates=dates,
        day_start=_whole_seconds(midnights.tz_convert("UTC") - origin),
    )


def _whole_seconds(spans: pd.TimedeltaIndex) -> Wholes:
    return spans.total_seconds().to_numpy().astype(np.int64)
