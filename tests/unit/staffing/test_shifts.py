from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.config import Settings, Shift
from forecasting.staffing.shifts import on_date, planned_shifts

pytestmark = pytest.mark.unit

NIGHT = Shift(name="night", start=time(19), hours=12)
ZONES = [
    "America/New_York",
    "America/Los_Angeles",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Europe/London",
    "Europe/Berlin",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Asia/Tokyo",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
    "Pacific/Chatham",
]
DAYS = st.dates(date(2024, 1, 1), date(2030, 12, 31))


@pytest.mark.parametrize(
    ("day", "zone", "hours"),
    [
        (date(2026, 3, 7), "America/New_York", 11),
        (date(2026, 3, 8), "America/New_York", 12),
        (date(2026, 10, 31), "America/New_York", 13),
        (date(2026, 3, 28), "Europe/Berlin", 11),
        (date(2026, 10, 24), "Europe/Berlin", 13),
        (date(2026, 10, 3), "Australia/Lord_Howe", 11.5),
        (date(2026, 7, 1), "Asia/Kolkata", 12),
    ],
)
def test_a_night_shift_has_its_true_length_across_clock_changes(day: date, zone: str, hours: float) -> None:
    shift = on_date(NIGHT, day, ZoneInfo(zone))
    assert shift.end - shift.start == timedelta(hours=hours)
    assert shift.start.astimezone(ZoneInfo(zone)).time() == time(19)
    assert shift.end.astimezone(ZoneInfo(zone)).time() == time(7)


@given(DAYS, st.sampled_from(ZONES), st.sampled_from([(12, 2), (8, 3), (6, 4), (4, 6)]), st.times())
def test_law_shifts_that_follow_one_another_leave_no_gap(
    day: date, zone: str, pattern: tuple[int, int], start: time
) -> None:
    hours, times = pattern
    first = datetime.combine(day, start.replace(second=0, microsecond=0))
    starts = [first + timedelta(hours=hours * number) for number in range(times * 3)]
    shifts = [
        on_date(Shift(name="s", start=at.time(), hours=hours), at.date(), ZoneInfo(zone)) for at in starts
    ]
    for shift, following in itertools.pairwise(shifts):
        assert shift.start < shift.end == following.start


@given(DAYS, st.sampled_from(ZONES), st.times(), st.integers(4, 24))
def test_law_the_hours_of_a_shift_cover_it_and_no_more(day: date, zone: str, start: time, hours: int) -> None:
    shift = on_date(
        Shift(name="s", start=start.replace(second=0, microsecond=0), hours=hours), day, ZoneInfo(zone)
    )
    touched = shift.hours
    assert touched[0] <= shift.start < touched[0] + timedelta(hours=1)
    assert touched[-1] < shift.end <= touched[-1] + timedelta(hours=1)
    assert all(touched == touched.floor("h"))
    assert str(touched.dtype) == "datetime64[us, UTC]"


@given(st.datetimes(datetime(2024, 1, 1), datetime(2030, 12, 31), timezones=st.just(UTC)))  # noqa: DTZ001
def test_law_the_plan_begins_after_the_issue_time_and_holds_every_shift_once(
    settings: Settings, issued_at: datetime
) -> None:
    for site in settings.sites:
        shifts = planned_shifts(settings, site, issued_at)
        assert all(shift.start >= issued_at for shift in shifts)
        assert min(shift.start for shift in shifts) - issued_at <= timedelta(hours=37)
        assert len({(shift.date, shift.name) for shift in shifts}) == 7 * len(settings.shifts) == len(shifts)


def test_every_shift_of_the_plan_lies_within_the_lead_hours(settings: Settings) -> None:
    for day in range(730):
        issued_at = settings.issued_at(date(2026, 1, 1) + timedelta(days=day))
        for site in settings.sites:
            last = max(shift.end for shift in planned_shifts(settings, site, issued_at))
            assert last - issued_at <= timedelta(hours=settings.lead_hours)
