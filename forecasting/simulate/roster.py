"""Published rosters: the heads scheduled for each unit, shift and role, sometimes one or two short."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

import numpy as np
import pandas as pd

from forecasting.config import RuleKind, Settings, Shift, Site, Unit, UnitType
from forecasting.rules import NoRule, RuleBook, UnitRule
from forecasting.simulate.arrivals import WORKDAY_HOURS
from forecasting.simulate.care import CARE
from forecasting.simulate.clock import Reals
from forecasting.simulate.streams import Streams

PUBLISHED_DAYS = 10  # rosters are known at least that far ahead
WEEKEND_PATIENTS = 0.94
VACANT_SHARE = 0.03  # of the planned heads that nobody fills
ONE_MORE_SHARE = 0.05  # of shifts with an orientee or a float nurse on top
ED_STAY_HOURS = 4.0


def draw_roster(
    settings: Settings,
    site: Site,
    ed_visits_per_day: float,
    start: datetime,
    until: datetime,
    streams: Streams,
    rules: RuleBook,
) -> pd.DataFrame:
    """Rows of ``scheduled_shift`` for every shift that ends after ``start``, published past ``until``.

    A fixed roster: planned heads follow from the beds, their typical occupancy, the ED's visits and the
    rules, and differ between workdays and weekends only. Shifts start and end on the local clock; times are
    UTC.
    """
    ahead = max(timedelta(days=PUBLISHED_DAYS), timedelta(hours=settings.lead_hours + 24))
    slots = _slots(settings, site, start, until + ahead)
    posts = [
        (unit, role_id)
        for unit in site.units
        for role_id, role in settings.roles.items()
        if unit.unit_type in role.unit_types
    ]
    planned = np.array(
        [
            [
                _planned_heads(rules.asks(site, unit, role_id, day), unit, shift, ed_visits_per_day, day)
                for unit, role_id in posts
            ]
            for day, shift, _, _ in slots
        ],
        dtype=np.int64,
    ).reshape(len(slots), len(posts))
    vacant = streams.named("vacant posts").binomial(planned, VACANT_SHARE)
    one_more = streams.named("one more").random(planned.shape) < ONE_MORE_SHARE
    return pd.DataFrame(
        {
            "site_id": site.site_id,
            "unit_id": [unit.unit_id for unit, _ in posts] * len(slots),
            "role": [role_id for _, role_id in posts] * len(slots),
            "shift_start": pd.DatetimeIndex([s[2] for s in slots for _ in posts], tz="UTC").as_unit("us"),
            "shift_end": pd.DatetimeIndex([s[3] for s in slots for _ in posts], tz="UTC").as_unit("us"),
            "heads": (planned - vacant + one_more).ravel(),
        }
    )


def _slots(
    settings: Settings, site: Site, start: datetime, end: datetime
) -> list[tuple[date, Shift, datetime, datetime]]:
    """Every shift on the local calendar that touches the time between, with its start and end in UTC."""
    first = start.astimezone(site.zone).date() - timedelta(days=1)
    days = (end.astimezone(site.zone).date() - first).days + 1
    slots = []
    for day in (first + timedelta(days=number) for number in range(days)):
        for shift in settings.shifts:
            begins = datetime.combine(day, shift.start)  # the wall clock, by which a shift ends too
            ends = begins + timedelta(hours=shift.hours)
            slots.append((day, shift, _utc(begins, site), _utc(ends, site)))
    return [slot for slot in slots if slot[3] > start and slot[2] < end]


def _utc(wall: datetime, site: Site) -> datetime:
    return wall.replace(tzinfo=site.zone).astimezone(UTC)


def _planned_heads(
    rule: UnitRule | NoRule | None, unit: Unit, shift: Shift, ed_visits_per_day: float, day: date
) -> int:
    """Heads for a typical day; nobody is planned where no rule says how many."""
    if not isinstance(rule, UnitRule):
        return 0
    counts_arrivals = rule.rule.kind is RuleKind.ARRIVALS_PER_HEAD_HOUR
    load = _typical_load(unit, shift, ed_visits_per_day, counts_arrivals=counts_arrivals)
    expected = load * (WEEKEND_PATIENTS if day.weekday() >= 5 else 1.0)
    return rule.heads(expected * rule.heads_per_load(shift.name))


@lru_cache(maxsize=1024)
def _typical_load(unit: Unit, shift: Shift, ed_visits_per_day: float, *, counts_arrivals: bool) -> float:
    """Patients present, or arrivals an hour, over a shift."""
    if unit.unit_type is not UnitType.ED:
        return unit.beds * CARE[unit.unit_type].occupancy
    hours = (shift.start.hour + np.arange(shift.hours)) % 24
    arrivals = _ed_arrivals(ed_visits_per_day)
    return float((arrivals if counts_arrivals else _ed_load(arrivals))[hours].mean())


def _ed_arrivals(visits_per_day: float) -> Reals:
    return np.asarray(visits_per_day * WORKDAY_HOURS / WORKDAY_HOURS.sum())


def _ed_load(arrivals: Reals) -> Reals:
    """Patients present by local hour: m(t) = Σ λ(t-u) P(S > u), stays exponential."""
    present = np.exp(-np.arange(24) / ED_STAY_HOURS)
    return np.array([(arrivals[(hour - np.arange(24)) % 24] * present).sum() for hour in range(24)])
