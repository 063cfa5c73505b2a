from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from forecasting.config import Site, Unit
from forecasting.features.calendar import calendar, clock_hours

pytestmark = pytest.mark.unit


def site(zone: str = "America/New_York", country: str = "US", subdivision: str | None = "MA") -> Site:
    bed = Unit(unit_id="ed", name="ED", unit_type="ed", beds=10)
    return Site(site_id="a", name="A", time_zone=zone, country=country, subdivision=subdivision, units=(bed,))


def local_day(day: date, at: Site) -> pd.DatetimeIndex:
    """The UTC hours of a local day: 23, 24 or 25 of them."""
    start = pd.Timestamp(day).tz_localize(at.zone)
    end = (pd.Timestamp(day) + pd.Timedelta(days=1)).tz_localize(at.zone)
    return pd.date_range(start, end, freq="h", inclusive="left").tz_convert("UTC")


def test_in_spring_the_local_day_has_23_hours_and_skips_two_o_clock() -> None:
    hours = local_day(date(2026, 3, 8), site())
    assert calendar(hours, site())["local_hour"].tolist() == [0, 1, *range(3, 24)]


def test_in_autumn_the_local_day_has_25_hours_and_repeats_one_o_clock() -> None:
    hours = local_day(date(2026, 11, 1), site())
    assert calendar(hours, site())["local_hour"].tolist() == [0, 1, 1, *range(2, 24)]


@pytest.mark.parametrize("changes", [date(2026, 3, 8), date(2026, 11, 1)])
def test_a_week_of_wall_clock_hours_lies_between_the_same_local_hours_across_a_clock_change(
    changes: date,
) -> None:
    noon = pd.Timestamp(changes) + pd.Timedelta(hours=12)
    both = pd.DatetimeIndex([noon - pd.Timedelta(days=7), noon]).tz_localize(site().zone).tz_convert("UTC")
    assert (both[1] - both[0]) != pd.Timedelta(days=7)
    assert np.diff(clock_hours(both, site())).tolist() == [168]


def test_weekday_turns_at_local_midnight_not_at_utc_midnight() -> None:
    west = site("America/Los_Angeles", subdivision="CA")
    hours = pd.DatetimeIndex(["2026-06-08 06:00", "2026-06-08 07:00"], tz="UTC")
    assert calendar(hours, west)["weekday"].tolist() == [6, 0]


def test_a_holiday_and_the_days_beside_it_are_flagged_for_the_whole_local_day() -> None:
    thanksgiving = date(2025, 11, 27)
    for name, day in [("day_before_holiday", 26), ("holiday", 27), ("day_after_holiday", 28)]:
        hours = pd.date_range("2025-11-25", "2025-11-30", freq="h", tz="UTC")
        flagged = hours[calendar(hours, site())[name] == 1]
        assert flagged.equals(local_day(thanksgiving.replace(day=day), site()))


def test_new_years_eve_is_the_day_before_a_holiday_of_the_next_year() -> None:
    hours = pd.DatetimeIndex(["2025-12-31 17:00"], tz="UTC")
    assert calendar(hours, site())["day_before_holiday"].tolist() == [1]


def test_holidays_are_those_of_the_subdivision() -> None:
    patriots_day = pd.DatetimeIndex(["2026-04-20 16:00"], tz="UTC")
    assert calendar(patriots_day, site())["holiday"].tolist() == [1]
    assert calendar(patriots_day, site("America/Los_Angeles", subdivision="CA"))["holiday"].tolist() == [0]


def test_half_hour_zones_are_read_by_the_hour_that_began() -> None:
    kolkata = site("Asia/Kolkata", "IN", None)
    hours = pd.DatetimeIndex(["2026-06-08 00:00"], tz="UTC")
    assert calendar(hours, kolkata)["local_hour"].tolist() == [5]


def test_cycles_close() -> None:
    hours = pd.DatetimeIndex(["2026-06-01 12:00", "2026-06-08 12:00"], tz="UTC")
    week = calendar(hours, site())[["day_sin", "day_cos", "week_sin", "week_cos"]]
    np.testing.assert_allclose(week.iloc[0], week.iloc[1], atol=1e-12)
