"""Published rosters: the heads scheduled for each unit, shift and role, sometimes one or two short."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd

from forecasting.config import Settings, Shift, Site, Unit, UnitType
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
) -> pd.DataFrame:
    """Rows of ``scheduled_shift`` for every shift that ends after ``start``, published past ``until``.

    A fixed roster: planned heads follow from the beds, their typical occupancy and the role's ratio, and
    differ between workdays and weekends only. Shifts start and end on the local clock; times are UTC.
    """
    ahead = max(timedelta(days=PUBLISHED_DAYS), timedelta(hours=settings.lead_hours + 24))
    slots = _slots(settings, site, start, until + ahead)
    posts = [
        (unit, role_name, role.patients_per_head[unit.unit_type], role.minimum_heads)
        for unit in site.units
        for role_name, role in settings.roles.items()
        if unit.unit_type in role.patients_per_head
    ]
    patients = {
        (unit.unit_id, shift.name): _typical_patients(unit, shift, ed_visits_per_day)
        for unit in site.units
        for shift in settings.shifts
    }
    planned = np.array(
        [
            [
                _planned_heads(patients[unit.unit_id, shift.name], ratio, least, day)
                for unit, _, ratio, least in posts
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
            "unit_id": [unit.unit_id for unit, *_ in posts] * len(slots),
            "role": [role_name for _, role_name, *_ in posts] * len(slots),
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


def _typical_patients(unit: Unit, shift: Shift, ed_visits_per_day: float) -> float:
    if unit.unit_type is not UnitType.ED:
        return unit.beds * CARE[unit.unit_type].occupancy
    hours = (shift.start.hour + np.arange(shift.hours)) % 24
    return float(_ed_load(ed_visits_per_day)[hours].mean())


def _ed_load(visits_per_day: float) -> Reals:
    """Patients present by local hour: m(t) = Σ λ(t-u) P(S > u), stays exponential."""
    arrivals = visits_per_day * WORKDAY_HOURS / WORKDAY_HOURS.sum()
    present = np.exp(-np.arange(24) / ED_STAY_HOURS)
    return np.array([(arrivals[(hour - np.arange(24)) % 24] * present).sum() for hour in range(24)])


def _planned_heads(patients: float, patients_per_head: float, least: int, day: date) -> int:
    expected = patients * (WEEKEND_PATIENTS if day.weekday() >= 5 else 1.0)
    return max(least, int(np.ceil(expected / patients_per_head)))
