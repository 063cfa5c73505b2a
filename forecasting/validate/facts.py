"""What the observations say of themselves: how fresh, how complete, how usual. Pure functions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from forecasting.config import Site
from forecasting.profile import Profile
from forecasting.schema import Target
from forecasting.validate.clock_shift import hours_late
from forecasting.validate.level import level_of

PAST_WEEKS = 8
FEWEST_WEEKS = 4
PEAK_DAYS = 28
DISPERSION = {Target.ED_ARRIVALS: 2.0, Target.BED_CENSUS: 1.0}
"""Variance over mean: of a day's arrivals, which differ more than Poisson, and of a census, which doesn't."""

HOUR = pd.Timedelta(hours=1)
KEY = ["unit_id", "target", "valid_at"]


def configured_series(site: Site) -> Iterator[tuple[str, Target]]:
    """Every (unit, target) that the site should have."""
    for unit in site.units:
        yield unit.unit_id, Target.BED_CENSUS
        if unit == site.ed:
            yield unit.unit_id, Target.ED_ARRIVALS


def feed_of(site: Site, profile: Profile, unit_id: str, target: str) -> str:
    """The source table that a series' hours come from."""
    of_ed = site.ed is not None and unit_id == site.ed.unit_id
    return profile.feed(of_ed=of_ed, of_arrivals=target == Target.ED_ARRIVALS)


def known_hours(
    observation: pd.DataFrame, history: pd.DataFrame, site: Site, profile: Profile, issued_at: datetime
) -> pd.DataFrame:
    """The observed hours before the issue time, tonight's reading over what was known before."""
    both = pd.concat([history[history["site_id"] == site.site_id], observation], ignore_index=True)
    both = both[both["valid_at"] < issued_at].drop_duplicates(KEY, keep="last").dropna(subset=["value"])
    return both.assign(feed=_feeds(both, site, profile))


def site_facts(known: pd.DataFrame) -> pd.DataFrame:
    """One row: ``observed_hours``, in which anything was observed, and the ``history_days`` they make."""
    hours = known["valid_at"].nunique()
    return pd.DataFrame({"observed_hours": [hours], "history_days": [hours // 24]})


def feed_facts(known: pd.DataFrame, issued_at: datetime) -> pd.DataFrame:
    """Per source table with any observed hour: ``feed, last_hour, age_hours``."""
    last = known.groupby("feed")["valid_at"].max()
    age = (pd.Timestamp(issued_at) - last).dt.total_seconds() / 3600
    return pd.DataFrame({"feed": last.index.astype(str), "last_hour": last.array, "age_hours": age.array})


def series_facts(
    observation: pd.DataFrame, known: pd.DataFrame, site: Site, profile: Profile, issued_at: datetime
) -> pd.DataFrame:
    """Per configured series: rows, gaps and how usual its last day is.

    Returns:
        ``unit_id, target``; ``hours``, the rows read tonight; ``absent_hours``, rows that should
        be there and aren't; ``silent_hours``, rows without a value, from ``silent_from`` to ``silent_to``;
        ``peak``, the highest of four weeks; ``usual`` and ``found``, the last day's total (census: mean)
        in past weeks and now; ``volume_score``, their distance in standard deviations; ``level_change``,
        ``lately`` and ``before``, see :class:`~forecasting.validate.level.Level`. Missing if unknown.
        ``hours_late``, by how many hours arrivals are stamped later than they used to be.
    """
    begins = observation.groupby(_feeds(observation, site, profile))["valid_at"].min()
    rows = []
    for unit_id, target in configured_series(site):
        tonight = _series(observation, unit_id, target)
        past = _series(known, unit_id, target)
        begin = begins.get(feed_of(site, profile, unit_id, target))
        should = 0 if begin is None else int((pd.Timestamp(issued_at) - begin) / HOUR)
        silent = tonight[tonight.isna()].index
        usual, found = usual_and_found(past, target, issued_at)
        level = level_of(past, site.zone, issued_at)
        rows.append(
            {
                "unit_id": unit_id,
                "target": str(target),
                "hours": len(tonight),
                "absent_hours": max(should - len(tonight), 0) if len(tonight) else 0,
                "silent_hours": len(silent),
                "silent_from": silent.min(),
                "silent_to": silent.max() + HOUR,
                "peak": past[past.index >= issued_at - timedelta(days=PEAK_DAYS)].max(),
                "usual": usual,
                "found": found,
                "volume_score": volume_score(usual, found, target),
                "level_change": level.change,
                "lately": level.lately,
                "before": level.before,
                "hours_late": hours_late(past, site.zone, issued_at) if target is Target.ED_ARRIVALS else 0,
            }
        )
    return pd.DataFrame(rows)


def usual_and_found(known: pd.Series, target: Target, issued_at: datetime) -> tuple[float, float]:
    """The last day's volume in the same hours of past weeks, and now.

    Args:
        known: observed values by hour.
        target: arrivals are summed, the census is averaged.
        issued_at: end of the last day.

    Returns:
        Both volumes; missing where fewer than half the day's hours or four of eight weeks are known.
    """
    last_day = pd.date_range(issued_at - timedelta(hours=24), periods=24, freq="h")
    now = known.reindex(last_day).dropna()
    weeks = pd.DataFrame(
        {
            week: known.reindex(pd.DatetimeIndex(now.index) - pd.Timedelta(weeks=week)).set_axis(now.index)
            for week in range(1, PAST_WEEKS + 1)
        }
    ).dropna(axis="columns")
    if len(now) < len(last_day) / 2 or weeks.shape[1] < FEWEST_WEEKS:
        return np.nan, np.nan
    hours = len(now) if target is Target.ED_ARRIVALS else 1
    return float(weeks.mean(axis="columns").mean() * hours), float(now.mean() * hours)


def volume_score(usual: float, found: float, target: Target) -> float:
    """By how many standard deviations a day's volume differs from the usual.

    The variance is ``dispersion * usual``, once for the day and an eighth of it for the mean of eight weeks.
    """
    variance = DISPERSION[target] * max(usual, 1.0) * (1 + 1 / PAST_WEEKS)
    return float((found - usual) / np.sqrt(variance))


def _feeds(rows: pd.DataFrame, site: Site, profile: Profile) -> list[str]:
    return [
        feed_of(site, profile, unit_id, target)
        for unit_id, target in zip(rows["unit_id"], rows["target"], strict=True)
    ]


def _series(frame: pd.DataFrame, unit_id: str, target: Target) -> pd.Series:
    rows = frame[(frame["unit_id"] == unit_id) & (frame["target"] == str(target))]
    return rows.set_index("valid_at")["value"].sort_index()
