from __future__ import annotations

from datetime import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from forecasting.blocks import block_starts, shift_names, whole_blocks
from forecasting.config import ConfigError, Settings, Shift, Site

pytestmark = pytest.mark.unit


def hours(first: str, count: int) -> pd.DatetimeIndex:
    return pd.date_range(pd.Timestamp(first, tz="UTC"), periods=count, freq="h", unit="us")


@pytest.fixture
def north(settings: Settings) -> Site:
    return settings.site("north")


@pytest.mark.parametrize(
    ("day", "length"),
    [("2026-03-08", 23), ("2026-06-01", 24), ("2026-11-01", 25)],
    ids=["spring", "june", "fall"],
)
def test_a_day_starts_at_local_midnight_and_is_as_long_as_the_clock_makes_it(
    north: Site, settings: Settings, day: str, length: int
) -> None:
    blocks = whole_blocks(hours(day, 72), north, "P1D", settings.shifts)
    local = blocks.valid_at.tz_convert(north.zone)
    assert local[0] == pd.Timestamp(day, tz=north.time_zone)
    assert blocks.hours[0] == length
    assert set(local.hour) == {0}


def test_half_days_are_the_shifts_of_that_length_and_thirds_start_at_midnight(
    north: Site, settings: Settings
) -> None:
    half = whole_blocks(hours("2026-06-01", 72), north, "PT12H", settings.shifts)
    third = whole_blocks(hours("2026-06-01", 72), north, "PT8H", settings.shifts)
    assert set(half.valid_at.tz_convert(north.zone).hour) == {7, 19}
    assert set(third.valid_at.tz_convert(north.zone).hour) == {0, 8, 16}


def test_the_night_shift_of_a_clock_change_has_its_true_length(north: Site, settings: Settings) -> None:
    for day, length in (("2026-03-07", 11), ("2026-10-31", 13)):
        blocks = whole_blocks(hours(day, 72), north, "PT12H", settings.shifts)
        start = pd.Timestamp(f"{day} 19:00", tz=north.time_zone)
        assert blocks.hours[blocks.valid_at == start].tolist() == [length]


def test_shifts_that_overlap_each_have_their_hours(north: Site) -> None:
    shifts = [Shift(name="day", start=time(7), hours=12), Shift(name="middle", start=time(11), hours=12)]
    blocks = whole_blocks(hours("2026-06-01 04:00", 48), north, "PT12H", shifts)
    sums = blocks.sums(np.ones(48))
    assert sums.tolist() == [12.0] * len(sums)
    assert blocks.valid_at.tz_convert(north.zone).hour.tolist() == [7, 11, 7, 11]


def test_a_zone_that_is_half_an_hour_off_counts_each_hour_once(settings: Settings) -> None:
    delhi = settings.site("north").model_copy(update={"time_zone": "Asia/Kolkata"})
    blocks = whole_blocks(hours("2026-06-01", 96), delhi, "P1D", settings.shifts)
    assert blocks.hours.tolist() == [24] * len(blocks.hours)
    assert set(blocks.valid_at.hour) == {19}


def test_a_block_with_an_unknown_hour_has_no_sum(north: Site, settings: Settings) -> None:
    values = np.ones(72)
    values[30] = np.nan
    sums = whole_blocks(hours("2026-06-01 04:00", 72), north, "P1D", settings.shifts).sums(values)
    np.testing.assert_array_equal(sums, [24.0, np.nan, 24.0])


def test_no_hours_have_no_blocks(north: Site, settings: Settings) -> None:
    assert not len(whole_blocks(hours("2026-06-01", 0), north, "P1D", settings.shifts).valid_at)


def test_an_unknown_period_is_named_with_those_allowed() -> None:
    with pytest.raises(ValueError, match="period 'P1W' has no blocks; allowed: PT8H, PT12H, P1D"):
        block_starts("P1W", [])


@examples(max_examples=60, deadline=None)
@given(
    start=st.integers(0, 24 * 365),
    count=st.integers(1, 400),
    period=st.sampled_from(["PT8H", "PT12H", "P1D"]),
    site_id=st.sampled_from(["north", "west"]),
)
def test_law_blocks_follow_one_another_and_only_whole_ones_are_told(
    settings: Settings, start: int, count: int, period: str, site_id: str
) -> None:
    run = hours("2026-01-01", 24 * 365 + 400)
    site = settings.site(site_id)
    everywhere = whole_blocks(run, site, period, settings.shifts)
    assert everywhere.first[1:].tolist() == everywhere.end[:-1].tolist()
    part = run[start : start + count]
    inside = [
        at
        for at, first, end in zip(everywhere.valid_at, everywhere.first, everywhere.end, strict=True)
        if first >= start and end <= start + len(part)
    ]
    assert whole_blocks(part, site, period, settings.shifts).valid_at.tolist() == inside


def test_an_hour_is_of_the_shift_on_its_sites_clock(settings: Settings) -> None:
    at = pd.Series(
        [pd.Timestamp("2026-06-01 12:00", tz="UTC")] * 2
    )  # 08:00 in New York, 05:00 in Los Angeles
    assert shift_names(at, pd.Series(["north", "west"]), settings).tolist() == ["day", "night"]


def test_an_hour_without_a_shift_has_no_name_and_of_two_the_first_counts(settings: Settings) -> None:
    shifts = (Shift(name="early", start=time(6), hours=8), Shift(name="day", start=time(7), hours=12))
    local = pd.date_range("2026-06-01", periods=24, freq="h", tz="America/New_York")
    at = pd.Series(local.tz_convert("UTC"))
    names = shift_names(at, pd.Series(["north"] * 24), settings.model_copy(update={"shifts": shifts}))
    assert names.tolist() == [""] * 6 + ["early"] * 8 + ["day"] * 5 + [""] * 5


def test_a_site_that_is_not_configured_is_named(settings: Settings) -> None:
    with pytest.raises(ConfigError, match="site 'east' is not configured"):
        shift_names(pd.Series(hours("2026-06-01", 1)), pd.Series(["east"]), settings)
