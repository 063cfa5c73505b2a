"""What the site's own clock and calendar say of an hour."""

from __future__ import annotations

from functools import lru_cache

import holidays
import numpy as np
import pandas as pd

from forecasting.config import Site

HOURS_PER_DAY = 24
HOURS_PER_WEEK = 168
DAYS_PER_YEAR = 365.25
TREND_ORIGIN = pd.Timestamp("2020-01-01", tz="UTC")


def clock_hours(valid_at: pd.DatetimeIndex, site: Site) -> np.ndarray:
    """Whole hours the site's wall clock has advanced since 1970, for each of ``valid_at`` (n,), UTC.

    A difference of 168 is the same hour of the local week. When clocks go back a number repeats, when
    they go forward one is left out.
    """
    wall = valid_at.tz_convert(site.zone).tz_localize(None)
    hours: np.ndarray = wall.as_unit("s").asi8 // 3600
    return hours


def calendar(valid_at: pd.DatetimeIndex, site: Site) -> pd.DataFrame:
    """Calendar features of each hour, in the site's local time; shape (n, 14), no missing values.

    Args:
        valid_at: hours in UTC, (n,).
        site: whose zone, country and subdivision are read.

    Returns:
        local_hour 0..23; weekday 0 (Monday)..6; sine and cosine of the hour of the day, the hour of the
        week and the time of the year; trend in years since 2020; and 0/1 for a public holiday, the day
        before one and the day after one.
    """
    local = valid_at.tz_convert(site.zone)
    hour = local.hour.to_numpy()
    weekday = local.weekday.to_numpy()
    return pd.DataFrame(
        {
            "local_hour": hour,
            "weekday": weekday,
            **_cycle("day", hour / HOURS_PER_DAY),
            **_cycle("week", (weekday * HOURS_PER_DAY + hour) / HOURS_PER_WEEK),
            **_cycle("year", (local.dayofyear.to_numpy() - 1 + hour / HOURS_PER_DAY) / DAYS_PER_YEAR),
            "trend": (valid_at - TREND_ORIGIN) / pd.Timedelta(days=DAYS_PER_YEAR),
            **_holidays(local, site),
        }
    )


def _cycle(name: str, turns: np.ndarray) -> dict[str, np.ndarray]:
    angle = 2 * np.pi * turns
    return {f"{name}_sin": np.sin(angle), f"{name}_cos": np.cos(angle)}


def _holidays(local: pd.DatetimeIndex, site: Site) -> dict[str, np.ndarray]:
    dates = local.tz_localize(None).normalize()
    # A day more at each end: New Year's Eve is the day before a holiday of the next year.
    years = range((dates.min() - pd.Timedelta(days=1)).year, (dates.max() + pd.Timedelta(days=1)).year + 1)
    public = _public_holidays(site.country, site.subdivision, tuple(years))

    def flag(shift_days: int) -> np.ndarray:
        return np.asarray((dates + pd.Timedelta(days=shift_days)).isin(public)).astype(np.int64)

    return {"holiday": flag(0), "day_before_holiday": flag(1), "day_after_holiday": flag(-1)}


@lru_cache(maxsize=64)
def _public_holidays(country: str, subdivision: str | None, years: tuple[int, ...]) -> pd.DatetimeIndex:
    days = holidays.country_holidays(country, subdiv=subdivision, years=years)
    return pd.DatetimeIndex(sorted(days.keys()))
