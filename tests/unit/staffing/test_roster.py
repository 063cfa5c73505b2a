from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from forecasting.config import Shift
from forecasting.schema import SCHEDULED_SHIFT
from forecasting.staffing.roster import heads_by_shift, heads_on, within
from forecasting.staffing.shifts import PlannedShift, on_date

pytestmark = pytest.mark.unit

NEW_YORK = ZoneInfo("America/New_York")


def shift(name: str = "day", day: date = date(2026, 6, 1)) -> PlannedShift:
    return on_date(Shift(name=name, start=time(7) if name == "day" else time(19), hours=12), day, NEW_YORK)


def roster(*rows: tuple[str, str, int]) -> pd.DataFrame:
    """Heads from one New York wall time to another."""
    columns = {
        "site_id": "north",
        "unit_id": "ed",
        "role": "registered_nurse",
        "shift_start": [_utc(start) for start, _, _ in rows],
        "shift_end": [_utc(end) for _, end, _ in rows],
        "heads": [heads for _, _, heads in rows],
    }
    return SCHEDULED_SHIFT.conform(pd.DataFrame(columns)) if rows else SCHEDULED_SHIFT.empty()


def _utc(wall: str) -> datetime:
    return datetime.fromisoformat(f"2026-{wall}").replace(tzinfo=NEW_YORK).astimezone(UTC)


@pytest.mark.parametrize(
    ("rows", "heads"),
    [
        ([("06-01T07:00", "06-01T19:00", 7)], 7),
        ([("06-01T07:00", "06-01T19:00", 7), ("06-01T07:00", "06-01T15:00", 2)], 9),
        ([("06-01T07:00", "06-01T19:00", 7), ("06-01T11:00", "06-01T23:00", 2)], 9),
        ([("06-01T07:00", "06-01T19:00", 7), ("06-01T03:00", "06-01T11:00", 2)], 7),
        ([("06-01T07:00", "06-01T13:00", 5), ("06-01T13:00", "06-01T19:00", 5)], 5),
        ([("06-01T19:00", "06-02T07:00", 4)], 0),
        ([], 0),
    ],
    ids=["exact", "short shift", "mid shift", "edge", "two halves", "other shift", "nobody"],
)
def test_heads_present_for_at_least_half_of_the_shift_count(
    rows: list[tuple[str, str, int]], heads: int
) -> None:
    assert heads_on(roster(*rows), shift()) == heads


@pytest.mark.parametrize(("day", "rostered_hours"), [(date(2026, 3, 7), 12), (date(2026, 10, 31), 12)])
def test_a_roster_that_ignores_the_clock_change_still_matches(day: date, rostered_hours: int) -> None:
    night = shift("night", day)
    rows = pd.DataFrame(
        {
            "site_id": "north",
            "unit_id": "ed",
            "role": "registered_nurse",
            "shift_start": [night.start],
            "shift_end": [night.start + pd.Timedelta(hours=rostered_hours)],
            "heads": [6],
        }
    )
    assert heads_on(SCHEDULED_SHIFT.conform(rows), night) == 6
    assert heads_on(SCHEDULED_SHIFT.conform(rows), shift("day", day)) == 0


def test_within_keeps_what_overlaps_the_plan() -> None:
    rows = roster(
        ("05-31T19:00", "06-01T07:00", 1),
        ("06-01T03:00", "06-01T11:00", 2),
        ("06-02T07:00", "06-02T19:00", 3),
        ("06-02T19:00", "06-03T07:00", 4),
    )
    assert within(rows, [shift(), shift(day=date(2026, 6, 2))])["heads"].tolist() == [2, 3]


def test_where_shifts_overlap_a_row_counts_in_the_one_most_like_it_alone() -> None:
    middle = on_date(Shift(name="middle", start=time(11), hours=8), date(2026, 6, 1), NEW_YORK)
    known = roster(
        ("06-01T07:00", "06-01T19:00", 4),
        ("06-01T12:00", "06-01T19:00", 2),
        ("06-01T07:00", "06-01T10:00", 1),
    )
    assert heads_by_shift(known, [shift(), middle]) == (4, 2)
    assert heads_by_shift(known, [shift(), shift("night")]) == (heads_on(known, shift()), 0)
