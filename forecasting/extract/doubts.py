"""What a series says against what its configuration says of it. Pure functions on hours in UTC.

Each gives a sentence for a data engineer, or nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, timedelta
from itertools import pairwise

import holidays
import numpy as np
import pandas as pd

from forecasting.config import Site
from forecasting.extract.clock import SourceClock

HOUR = pd.Timedelta(hours=1)
DAY = pd.Timedelta(days=1)
WEEKS = (-2, -1, 1, 2)
"""Of which weeks the same hour, or day, says what was to be expected."""

EVIDENCE = np.log(1000.0)
"""One clock is believed over another when the hours are a thousand times as likely on it."""
ODD_ROWS = np.log(100.0)
"""What an hour's missing or doubled row counts for: one hour in a hundred has as much wrong by chance."""
HARDLY_ANY = 0.05
"""Arrivals to be expected in an hour that there was not."""

FROZEN_HOURS = 24
FROZEN_CHANGES = 15.0
"""A value that stands still is doubted when more changes than these were to be expected meanwhile."""

HOURS_PER_DAY = 24
SHORTEST_DAY = 23
"""Hours of the day on which summer time begins."""
CHRISTMAS, THANKSGIVING = (12, 25), "Thanksgiving"
LATE_SCORE = 4.0
"""Standard deviations by which the days after holidays must be quieter than the holidays themselves."""
DAILY_DISPERSION = 1.5

MIDWAY = pd.Timedelta(days=7)

MIDNIGHT_SHARE = 0.5
"""More of a series' events than this in the hour after midnight are dates without a time of day."""
FEWEST_EVENTS = 20

ARRIVALS_A_DAY = 1.0
"""With fewer, no hour's arrivals can be told from chance."""
FEWEST_ENDED = 100
NEARLY_ALL = 0.999
FEWEST_FORGOTTEN = 5.0
"""So many more stays than there should be, open for longer than nearly all that ended, were never ended."""
LONGEST_YEARS = 30
"""No hospital's database reaches over so many years; dates that were shifted or made up do."""


def clock_doubt(
    values: pd.Series, repeated: pd.DatetimeIndex, site: Site, clock: SourceClock, shift_hours: int
) -> str | None:
    """Whether times look like the site's local clock though they were read on another.

    Each spring such a source has no arrivals in the hour that the local clock skips; each autumn twice as
    many in the one that it shows twice, or two rows. Both are weighed as a ratio of Poisson likelihoods.

    Args:
        values: arrivals by hour as read; missing where not known.
        repeated: hours of which there were several rows.
        site: gives the local clock.
        clock: on which the source was read.
        shift_hours: from a row's time to its hour.
    """
    if clock.zone == site.zone or values.empty:
        return None
    evidence, springs, autumns = 0.0, 0, 0
    for label, skipped in _changed_labels(site, values.index[0], values.index[-1]):
        hour = pd.Timestamp(label, tz=clock.zone).tz_convert(UTC) + shift_hours * HOUR
        usual = _usual(values, hour, timedelta(weeks=1))
        if np.isnan(usual) or hour not in values.index:
            continue
        found = values[hour]
        if np.isnan(found) or hour in repeated:
            neighbours = values.reindex([hour - HOUR, hour + HOUR])
            evidence += ODD_ROWS if neighbours.notna().all() else 0.0
        elif skipped:
            evidence += found * np.log(HARDLY_ANY / max(usual, HARDLY_ANY)) + usual - HARDLY_ANY
        else:
            evidence += found * np.log(2.0) - usual
        springs, autumns = springs + skipped, autumns + (not skipped)
    if evidence <= EVIDENCE:
        return None
    return (
        f"the hour that the clocks of {site.time_zone} skip is empty ({springs} springs), the one that they "
        f"show twice is doubled ({autumns} autumns): the times look local, not {clock.zone.key}"
    )


def late_doubt(arrivals: pd.Series, site: Site) -> str | None:
    """Whether days sit one day late: then not Christmas Day and Thanksgiving are quiet, but the days after.

    Of all holidays these keep people from an ED the most; a country without them is not doubted.
    """
    local = arrivals.tz_convert(site.zone)
    by_day = local.groupby(pd.DatetimeIndex(local.index).tz_localize(None).normalize())
    days = by_day.sum()[by_day.count() >= SHORTEST_DAY]
    if days.empty:
        return None
    public = holidays.country_holidays(
        site.country, subdiv=site.subdivision, years=range(days.index[0].year, days.index[-1].year + 1)
    )
    fewer, variance = np.zeros(2), np.zeros(2)
    quiet = [
        date for date, name in public.items() if (date.month, date.day) == CHRISTMAS or THANKSGIVING in name
    ]
    for date in map(pd.Timestamp, quiet):
        usual = [_usual(days, date + later * DAY, timedelta(weeks=1)) for later in range(2)]
        found = days.reindex([date, date + DAY]).to_numpy()
        if np.isfinite([*usual, *found]).all():
            fewer += np.asarray(usual) - found
            variance += DAILY_DISPERSION * np.maximum(usual, 1.0)
    if not variance.all():
        return None
    on_time, late = fewer / np.sqrt(variance)
    if late < LATE_SCORE or late - on_time < LATE_SCORE:
        return None
    return "not the great holidays are quiet but the days after them: days seem to sit one day late"


def frozen_doubt(values: pd.Series) -> str | None:
    """Whether a value stood still for a day or more while changes were to be expected."""
    known = values.dropna()
    changed = known.diff().ne(0)
    if known.empty:
        return None
    run = changed.cumsum()
    longest = int(run.value_counts().max())
    if longest < FROZEN_HOURS or longest * changed.mean() < FROZEN_CHANGES:
        return None
    still = known[run == run.value_counts().idxmax()]
    return (
        f"the same value, {still.iloc[0]:.0f}, for {longest} h from {_minute(still.index[0])}: a frozen feed?"
    )


def beds_doubt(census: pd.Series, beds: int) -> str | None:
    """Whether more patients were counted than the unit has beds."""
    over = census[census > beds]
    if over.empty:
        return None
    return (
        f"above its {beds} beds in {len(over)} h ({len(over) / census.count():.1%}), at most {over.max():.0f}"
    )


def forgotten_doubt(lengths: pd.DataFrame, counted_hours: int, window_hours: int) -> str | None:
    """Whether stays were forgotten to be ended, and which limit would count them best.

    At a limit, patients who truly stay longer lose what is beyond it, and stays that nobody ended gain what
    they didn't last. Both together are least where as many of the one as of the other reach it.

    Args:
        lengths: of a unit's stays that began in the window: ``stay_hours``, ``has_ended`` and how many
            ``stays``; hours until now where it has not.
        counted_hours: for how long a stay is counted today.
        window_hours: how long the window is.
    """
    ended = lengths[lengths["has_ended"] == 1].sort_values("stay_hours")
    stays = int(ended["stays"].sum())
    if stays < FEWEST_ENDED:
        return None
    hours, ended_by = ended["stay_hours"], ended["stays"].cumsum() / stays
    long = int(hours[ended_by >= NEARLY_ALL].min())
    is_open = (lengths["has_ended"] == 0) & (lengths["stay_hours"] > long)
    # By Little's law, so many are there at any time who truly stay longer.
    truly = float(((hours - long).clip(lower=0) * ended["stays"]).sum()) / window_hours
    found = int(lengths.loc[is_open, "stays"].sum())
    if found - truly < max(FEWEST_FORGOTTEN, truly):
        return None
    share = (found - truly) / (stays * max(1 - long / window_hours, 0.0) + found - truly)
    best = math.ceil(hours[ended_by >= 1 - share].min() / HOURS_PER_DAY) * HOURS_PER_DAY
    told = (
        f"{found} stays are open for more than {long} h, in which {NEARLY_ALL:.1%} of {stays} others ended: "
        f"nobody ended them ({share:.1%} of all), and each is counted for {counted_hours} h"
    )
    if best >= counted_hours:
        return told
    return f"{told}. The census is wrong by least with longest_stay_hours = {best} (under [[sites]] units)"


def midnight_doubt(events: pd.Series, clock: SourceClock) -> str | None:
    """Whether events have dates, but no time of day: most lie in the hour that begins at midnight.

    Args:
        events: how many in each hour, UTC.
        clock: on which their times are stored.
    """
    total = events.sum()
    at_midnight = events[pd.DatetimeIndex(events.index).tz_convert(clock.zone).hour == 0].sum()
    if total < FEWEST_EVENTS or at_midnight <= MIDNIGHT_SHARE * total:
        return None
    times = "all times are" if at_midnight == total else f"{at_midnight / total:.0%} of the times are"
    return f"{times} in the hour after midnight: dates without a time of day, and hours can't be told"


def scattered_doubt(arrivals: int, first: pd.Timestamp, last: pd.Timestamp) -> str | None:
    """Whether a source's arrivals are too few, or its dates no calendar's.

    Args:
        arrivals: how many it has at all.
        first: the hour of the first of them.
        last: that of the last.
    """
    days = (last - first) / DAY + 1
    if arrivals >= ARRIVALS_A_DAY * days:
        return None
    found = f"{arrivals} arrivals between {first:%Y-%m-%d} and {last:%Y-%m-%d}"
    if days <= LONGEST_YEARS * 366:
        return f"{found}, fewer than one a day: too few to tell the arrivals of an hour"
    return (
        f"{found}: dates that were made up, or shifted for each patient apart as MIMIC's are, say nothing "
        "together: neither how many arrive in an hour nor who is there at once"
    )


def span_doubts(values: pd.Series, site_first: pd.Timestamp, site_last: pd.Timestamp) -> Iterator[str]:
    """Whether a series begins or ends while others of its site go on."""
    known = values.dropna()
    if known.empty:
        return
    if known.index[0] - site_first > MIDWAY:
        yield f"begins on {known.index[0]:%Y-%m-%d}, others on {site_first:%Y-%m-%d}"
    if site_last - known.index[-1] > DAY:
        yield f"ends at {_minute(known.index[-1])}, others at {_minute(site_last)}"


def longest_gap(values: pd.Series) -> tuple[int, pd.Timestamp | None]:
    """The most hours in a row that are missing, and where they begin."""
    missing = values.isna()
    if not missing.any():
        return 0, None
    run = (missing & ~missing.shift(fill_value=False)).cumsum()[missing]
    longest = run.value_counts()
    return int(longest.iloc[0]), run.index[run == longest.index[0]][0]


def _changed_labels(
    site: Site, first: pd.Timestamp, last: pd.Timestamp
) -> Iterator[tuple[pd.Timestamp, bool]]:
    """Hours of the local clock that it skips (True) or shows twice (False), without an offset."""
    hours = pd.date_range(first.floor("h"), last, freq="h", tz=UTC)
    naive = hours.tz_convert(site.zone).tz_localize(None)
    ahead = naive - hours.tz_localize(None)
    for (hour, before), (_, after) in pairwise(zip(hours.tz_localize(None), ahead, strict=True)):
        change = hour + HOUR
        for number in range(int(abs(after - before) / HOUR)):
            yield change + min(before, after) + number * HOUR, bool(after > before)


def _usual(values: pd.Series, at: pd.Timestamp, week: timedelta) -> float:
    """The mean of the same time in the weeks around."""
    return float(values.reindex([at + number * week for number in WEEKS]).mean())


def _minute(hour: pd.Timestamp) -> str:
    return f"{hour:%Y-%m-%d %H:%M} UTC"
