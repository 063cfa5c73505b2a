"""Past weeks as they were decided: each shift once, by the last night that could, from what it knew.

A night decides the shifts of as many local dates as lie between it and the next one, so many days after the
first date that it plans for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import cast

import numpy as np
import pandas as pd

from forecasting.blocks import HOUR
from forecasting.config import Settings, Site
from forecasting.models import dependence, sample_paths
from forecasting.outcome import BacktestRefused
from forecasting.pipeline.backtest.history import known_at, outcomes
from forecasting.rules import RuleBook
from forecasting.schema import FORECAST, Target
from forecasting.staffing import OfferedLoad, SamplePaths, Turnover
from forecasting.staffing.outlook import Outlook
from forecasting.staffing.place import Outlooks, Place, places_of
from forecasting.staffing.role_case import RoleCase, role_cases
from forecasting.staffing.shifts import PlannedShift, on_date
from forecasting.staffing.worth import Needs

DAYS_PER_WEEK = 7
PAST_WEEKS = 26
"""Whole weeks that climatology and the weekday's average look back."""
LEAST_KNOWN = 0.5
"""Share of a past week's hours that lie before the first night."""
PATHS = 400

PathsTold = dict[tuple[str, Target], pd.DataFrame]
"""Sample paths (hours x paths) by unit and target; none of units of which an hour is not told."""


LoadAt = Callable[[date], OfferedLoad | None]
"""(night) -> the load of the ED that tells its patients; None where its census does."""


@dataclass(frozen=True)
class Decided:
    """A local date and the night that decides its shifts."""

    day: date
    night: date


@dataclass(frozen=True)
class PastSite:
    """What is known of a site's past, and what was forecast of it."""

    settings: Settings
    site: Site
    rules: RuleBook
    versions: pd.DataFrame
    """OBSERVATION_VERSION rows of the site, sorted by key."""
    roster: pd.DataFrame
    """SCHEDULED_SHIFT rows."""
    turnover: Turnover
    paths: Callable[[date, pd.DatetimeIndex], PathsTold]
    """(night, hours) -> what the night tells of those hours."""


@dataclass(frozen=True)
class DecidedWeek:
    """A week of a role: the case at its prices, and the needs of each unit that all ways know of."""

    first: date
    role_id: str
    case: RoleCase
    needs: dict[str, Needs]
    places: tuple[Place, ...]
    """Of its units, with what came for outlook."""


def decided_dates(nights: Sequence[date], settings: Settings, site: Site, lead_days: int) -> list[Decided]:
    """Which night decides which date, in whole weeks.

    Args:
        nights: of the issue times, the same number of days from one to the next.
        settings: gives the issue hour, shifts and how many days a night plans.
        site: gives the zone.
        lead_days: 0 where a night decides from the first date on all of whose shifts start after it.

    Raises:
        BacktestRefused: a night does not plan so far, or the nights decide no whole week.
    """
    steps = {(after - before).days for before, after in pairwise(nights)}
    step = steps.pop() if steps else DAYS_PER_WEEK
    reach = settings.horizon.days
    if not 0 <= lead_days <= reach - step:
        raise BacktestRefused(
            f"nights {step} days apart that each plan {reach} days can decide {lead_days} days ahead of none "
            f"of them; allowed are leads from 0 to {reach - step}, or a smaller --step"
        )
    decided = [
        Decided(settings.first_plan_date(site, settings.issued_at(night)) + timedelta(days=day), night)
        for night in nights
        for day in range(lead_days, lead_days + step)
    ]
    weeks = len(decided) // DAYS_PER_WEEK
    if not weeks:
        raise BacktestRefused(
            f"the nights decide {len(decided)} days; a week has {DAYS_PER_WEEK}: choose a later --last"
        )
    return decided[: weeks * DAYS_PER_WEEK]


def decided_week(past: PastSite, dates: Sequence[Decided]) -> list[DecidedWeek]:
    """The week of each role, as every way to plan sees it.

    Left out are a unit of which an hour that came is unknown, of which a night told nothing, or that was
    never observed before, and one without a roster.

    Args:
        past: of the site.
        dates: of the week, in order.
    """
    shifts = [on_date(shift, one.day, past.site.zone) for one in dates for shift in past.settings.shifts]
    came, weeks, told = _came(past, shifts), _past_weeks(past, shifts, dates), _told(past, dates)
    known = came.keys() & weeks.keys() & told.keys()
    every = [_places(past, shifts, {key: seen[key] for key in known}) for seen in (came, weeks, told)]
    cases = [role_cases(places, past.site, past.roster) for places in every]
    found = []
    for role_id, case in cases[0].items():
        by_way = [{unit.unit_id: unit.requirement for unit in one[role_id].site.units} for one in cases]
        needs = {
            unit_id: Needs(came=by_way[0][unit_id][0], past=by_way[1][unit_id], paths=by_way[2][unit_id])
            for unit_id in by_way[0]
        }
        if needs:
            places = tuple(place for place in every[0] if place.role_id == role_id)
            found.append(DecidedWeek(dates[0].day, role_id, case, needs, places))
    return found


def census_tells(_: date) -> None:
    """No offered load, at any night."""


def forecast_paths(
    settings: Settings,
    versions: pd.DataFrame,
    hourly: Callable[[date, Target], pd.DataFrame],
    night: date,
    hours: pd.DatetimeIndex,
    load: LoadAt = census_tells,
) -> PathsTold:
    """Paths of a night's forecasts, with the dependence between hours of weeks that were over.

    Args:
        settings: the configuration.
        versions: OBSERVATION_VERSION rows of the site, sorted by key.
        hourly: (night, target) -> FORECAST rows of the site, of hours.
        night: of the issue time.
        hours: those asked for.
        load: by which the ED's patients are told.
    """
    known, issued_at = known_at(versions, settings.issued_at(night)), settings.issued_at(night)
    told: PathsTold = {}
    for target in Target:
        paths = _joint_paths(settings, known, hourly(night, target), night.toordinal(), hours)
        if paths is not None:
            told |= {
                (unit_id, target): pd.DataFrame(paths.counts[:, place].T, index=paths.valid_at)
                for place, unit_id in enumerate(paths.units)
            }
    of_ed = load(night)
    if of_ed is not None:
        since = pd.date_range(issued_at, hours[-1], freq="h", unit="us")
        rows = hourly(night, Target.ED_ARRIVALS)
        arrivals = _joint_paths(settings, known, rows, night.toordinal(), since)
        if arrivals is not None and of_ed.unit_id in arrivals.units:
            patients = pd.DataFrame(of_ed.patients(arrivals).T, index=arrivals.valid_at)
            told[of_ed.unit_id, Target.BED_CENSUS] = patients.loc[hours]
    return told


def _joint_paths(
    settings: Settings, known: pd.DataFrame, rows: pd.DataFrame, seed: int, hours: pd.DatetimeIndex
) -> SamplePaths | None:
    """Paths of the units of which every one of the hours is forecast; None where there is no such unit."""
    within = rows[(rows["period"] == HOUR) & rows["valid_at"].isin(hours)]
    count = within.groupby("unit_id")["valid_at"].nunique()
    whole = within[within["unit_id"].isin(count.index[count == len(hours)])]
    if whole.empty:
        return None
    template = dependence(whole, FORECAST.empty(), known, settings, PATHS, seed)
    paths = sample_paths(whole, template, PATHS, seed)
    return SamplePaths(tuple(paths.forecast["unit_id"]), paths.valid_at, paths.counts)


def _places(past: PastSite, shifts: Sequence[PlannedShift], seen: Outlooks) -> list[Place]:
    nothing = Outlook(shifts[0].hours[:0], np.zeros((0, 1)), None)
    outlooks = {
        (unit.unit_id, target): seen.get((unit.unit_id, target), nothing)
        for unit in past.site.units
        for target in Target
    }
    return places_of(past.settings, past.site, shifts, past.roster, past.rules, outlooks, past.turnover)


def _came(past: PastSite, shifts: Sequence[PlannedShift]) -> dict[tuple[str, Target], Outlook]:
    hours = _hours(shifts)
    here = past.versions[past.versions["valid_at"].isin(hours)]
    wide = _wide(outcomes(here)).reindex(hours)
    return {
        key: Outlook(hours, np.asarray(values, dtype=float)[:, None], None)
        for key, values in _series(wide)
        if values.notna().all()
    }


def _past_weeks(
    past: PastSite, shifts: Sequence[PlannedShift], dates: Sequence[Decided]
) -> dict[tuple[str, Target], Outlook]:
    """The same local hours of past weeks as the first night knew them; a gap has the other weeks' values."""
    hours, issued_at = _hours(shifts), past.settings.issued_at(dates[0].night)
    wide = _wide(known_at(past.versions, issued_at))
    local = hours.tz_convert(past.site.zone).tz_localize(None)
    ago = range(1, PAST_WEEKS + 2 + (dates[-1].day - dates[0].night).days // DAYS_PER_WEEK)
    weeks = [_same_hours(local, weeks, past.site) for weeks in reversed(ago)]
    now = pd.Timestamp(issued_at)
    before = [then for then in weeks if (then < now).mean() >= LEAST_KNOWN][-PAST_WEEKS:]
    found = {}
    for key, values in _series(wide):
        seen = np.stack([values.reindex(then).to_numpy(dtype=float) for then in before], axis=1)
        unknown = np.isnan(seen)
        if unknown.all(axis=1).any():
            continue
        for hour in np.flatnonzero(unknown.any(axis=1)):
            gap = unknown[hour]
            seen[hour, gap] = np.resize(seen[hour, ~gap], gap.sum())
        found[key] = Outlook(hours, np.asarray(seen, dtype=float), None)
    return found


def _told(past: PastSite, dates: Sequence[Decided]) -> dict[tuple[str, Target], Outlook]:
    """Paths of the whole week, each date's from the night that decides it; an hour of two, the earlier's."""
    by_date = []
    for one in dates:
        shifts = [on_date(shift, one.day, past.site.zone) for shift in past.settings.shifts]
        by_date.append(past.paths(one.night, _hours(shifts)))
    everywhere = set.intersection(*(set(of_date) for of_date in by_date))
    found = {}
    for key in everywhere:
        whole = pd.concat([of_date[key] for of_date in by_date])
        whole = whole[~whole.index.duplicated(keep="first")].sort_index()
        found[key] = Outlook(pd.DatetimeIndex(whole.index), whole.to_numpy(dtype=float), None)
    return found


def _hours(shifts: Sequence[PlannedShift]) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(sorted({hour for shift in shifts for hour in shift.hours})).as_unit("us")


def _same_hours(local: pd.DatetimeIndex, weeks: int, site: Site) -> pd.DatetimeIndex:
    then = local - pd.Timedelta(weeks=weeks)
    once = np.ones(len(then), dtype=bool)
    return then.tz_localize(site.time_zone, ambiguous=once, nonexistent="shift_forward").tz_convert("UTC")


def _wide(observed: pd.DataFrame) -> pd.DataFrame:
    return observed.pivot_table(index="valid_at", columns=["unit_id", "target"], values="value")


def _series(wide: pd.DataFrame) -> list[tuple[tuple[str, Target], pd.Series[float]]]:
    keys = cast("list[tuple[str, str]]", wide.columns.tolist())
    return [((unit_id, Target(target)), wide[unit_id, target]) for unit_id, target in keys]
