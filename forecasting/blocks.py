"""Blocks of hours on a site's clock: what a value of a period longer than an hour sums or averages over."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

import numpy as np
import pandas as pd

from forecasting.config import Settings, Shift, Site

HOUR = "PT1H"
BLOCK_HOURS = {"PT8H": 8, "PT12H": 12, "P1D": 24}
"""Length of each period on the wall clock; the clock changes make some blocks an hour shorter or longer."""

_MIDNIGHT = time(0)
_MINUTES_PER_DAY = 24 * 60


@dataclass(frozen=True)
class Blocks:
    """Blocks that lie whole in a run of hours."""

    valid_at: pd.DatetimeIndex
    """The first hour of each block, in UTC (blocks,)."""
    first: np.ndarray
    """Place of that hour in the run (blocks,)."""
    end: np.ndarray
    """Place of the hour after the block's last (blocks,)."""

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Sum of each block over the last axis (..., hours) -> (..., blocks); NaN where an hour is NaN."""
        missing = np.isnan(values)
        total = self._between(np.where(missing, 0, values))
        return np.where(self._between(missing.astype(np.int64)) > 0, np.nan, total)

    @property
    def hours(self) -> np.ndarray:
        """How many hours each block has (blocks,)."""
        return np.asarray(self.end - self.first)

    def _between(self, values: np.ndarray) -> np.ndarray:
        total = np.zeros((*values.shape[:-1], values.shape[-1] + 1), dtype=values.dtype)
        np.cumsum(values, axis=-1, out=total[..., 1:])
        return np.asarray(total[..., self.end] - total[..., self.first])


def block_starts(period: str, shifts: Iterable[Shift]) -> tuple[time, ...]:
    """Local times at which the blocks of a period start.

    Where there are shifts of that length, their starts; else midnight and every block length after it.
    A day always starts at midnight.

    Raises:
        ValueError: the period is not one of :data:`BLOCK_HOURS`.
    """
    if period not in BLOCK_HOURS:
        raise ValueError(f"period {period!r} has no blocks; allowed: {', '.join(BLOCK_HOURS)}")
    length = BLOCK_HOURS[period]
    if length == 24:
        return (_MIDNIGHT,)
    starts = {shift.start for shift in shifts if shift.hours == length}
    return tuple(sorted(starts or {time(hour) for hour in range(0, 24, length)}))


def whole_blocks(hours: pd.DatetimeIndex, site: Site, period: str, shifts: Sequence[Shift]) -> Blocks:
    """The blocks of a period all of whose hours are among ``hours``, by their start.

    Blocks start and end by the clock on the wall: a day has 23, 24 or 25 hours. An hour belongs to the
    block in which it starts.

    Args:
        hours: in UTC, hour after hour without a gap.
        site: gives the zone.
        period: one of :data:`BLOCK_HOURS`.
        shifts: give the blocks' starts, see :func:`block_starts`.
    """
    starts = block_starts(period, shifts)
    if not len(hours):
        return Blocks(hours, np.array([], dtype=np.int64), np.array([], dtype=np.int64))
    local = hours[[0, -1]].tz_convert(site.zone)
    edges = _edges(site, starts, BLOCK_HOURS[period], local[0].date(), local[1].date())
    stamps = hours.as_unit("s").asi8
    first, end = np.searchsorted(stamps, edges[:, 0]), np.searchsorted(stamps, edges[:, 1])
    whole = (edges[:, 0] > stamps[0] - 3600) & (edges[:, 1] <= stamps[-1] + 3600)
    return Blocks(hours[first[whole]], first[whole], end[whole])


def shift_names(valid_at: pd.Series[pd.Timestamp], site_id: pd.Series[str], settings: Settings) -> np.ndarray:
    """The shift in which each hour starts on its site's clock (n,); "" where none is on.

    Where shifts overlap, the one that is configured first counts.

    Args:
        valid_at: hours in UTC (n,).
        site_id: the site of each (n,).
        settings: gives the shifts, and each site's zone.

    Raises:
        ConfigError: a site is not configured.
    """
    names = np.full(len(valid_at), "", dtype=object)
    zones = site_id.map({site: settings.site(site).time_zone for site in site_id.unique()})
    for zone in zones.unique():
        here = (zones == zone).to_numpy()
        local = valid_at[here].dt.tz_convert(zone).dt
        names[here] = _on_shift((local.hour * 60 + local.minute).to_numpy(), settings.shifts)
    return names


def _on_shift(minute_of_day: np.ndarray, shifts: Sequence[Shift]) -> np.ndarray:
    since = [
        (minute_of_day - shift.start.hour * 60 - shift.start.minute) % _MINUTES_PER_DAY for shift in shifts
    ]
    on = [minutes < shift.hours * 60 for minutes, shift in zip(since, shifts, strict=True)]
    return np.select(on, [np.array(shift.name, dtype=object) for shift in shifts], np.array("", dtype=object))


@lru_cache(maxsize=256)
def _edges(site: Site, starts: tuple[time, ...], length: int, first: date, last: date) -> np.ndarray:
    """Start and end of the blocks of these local dates and of the day before, in seconds (blocks, 2)."""
    days = [first + timedelta(days=day) for day in range(-1, (last - first).days + 1)]
    walls = [datetime.combine(day, start) for day in days for start in starts]
    ends = [wall + timedelta(hours=length) for wall in walls]
    return np.array([[_seconds(wall, site) for wall in walls], [_seconds(wall, site) for wall in ends]]).T


def _seconds(wall: datetime, site: Site) -> int:
    # As shifts are read: of a wall time that comes twice the first counts.
    return int(wall.replace(tzinfo=site.zone).astimezone(UTC).timestamp())
