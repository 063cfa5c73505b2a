"""Hours that contradict what was said of them are noticed, and honest ones are not."""

from __future__ import annotations

from datetime import UTC
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from forecasting.config import Settings, Site
from forecasting.extract.clock import UTC_CLOCK, SourceClock
from forecasting.extract.doubts import (
    beds_doubt,
    clock_doubt,
    forgotten_doubt,
    frozen_doubt,
    late_doubt,
    longest_gap,
    midnight_doubt,
    scattered_doubt,
    span_doubts,
)

pytestmark = pytest.mark.unit

NEW_YORK = SourceClock(ZoneInfo("America/New_York"))
NONE_TWICE = pd.DatetimeIndex([])


@pytest.fixture
def site(settings: Settings) -> Site:
    return settings.site("north")


def arrivals(seed: int = 1, days: int = 800, mean: float = 5.0) -> pd.Series:
    """True hours, with fewer patients on Christmas and Thanksgiving."""
    hours = pd.date_range("2024-01-01", periods=days * 24, freq="h", tz=UTC)
    local = hours.tz_convert(NEW_YORK.zone).strftime("%m-%d")
    quiet = local.isin(["12-25"]) | hours.tz_convert(NEW_YORK.zone).strftime("%Y-%m-%d").isin(
        ["2024-11-28", "2025-11-27"]
    )
    rates = mean * np.where(quiet, 0.6, 1.0)
    return pd.Series(np.random.default_rng(seed).poisson(rates).astype(float), hours)


def as_local_labels(true: pd.Series) -> pd.Series:
    """The same arrivals by the local clock's hours, taken for UTC, the skipped hours as zeros."""
    labels = pd.DatetimeIndex(true.index).tz_convert(NEW_YORK.zone).tz_localize(None).tz_localize(UTC)
    by_label = true.groupby(labels).sum()
    return by_label.asfreq("h", fill_value=0.0)


@pytest.mark.parametrize("seed", range(5))
def test_local_hours_taken_for_utc_are_noticed_and_true_ones_are_not(site: Site, seed: int) -> None:
    true = arrivals(seed)
    assert clock_doubt(true, NONE_TWICE, site, UTC_CLOCK, 0) is None
    says = clock_doubt(as_local_labels(true), NONE_TWICE, site, UTC_CLOCK, 0)
    assert says is not None
    assert "look local, not UTC" in says
    assert clock_doubt(true, NONE_TWICE, site, NEW_YORK, 0) is None


def test_local_hours_without_the_skipped_ones_and_with_two_rows_are_noticed(site: Site) -> None:
    labelled = as_local_labels(arrivals())
    springs = pd.DatetimeIndex(["2024-03-10 02:00", "2025-03-09 02:00"], tz=UTC)
    autumns = pd.DatetimeIndex(["2024-11-03 01:00", "2025-11-02 01:00"], tz=UTC)
    odd = labelled.drop(springs).asfreq("h").mask(labelled.index.isin(autumns))
    assert clock_doubt(odd, autumns, site, UTC_CLOCK, 0) is not None


def test_an_outage_over_a_clock_change_is_no_doubt(site: Site) -> None:
    true = arrivals()
    out = (true.index >= pd.Timestamp("2024-03-09", tz=UTC)) & (
        true.index < pd.Timestamp("2024-03-12", tz=UTC)
    )
    assert clock_doubt(true.mask(out), NONE_TWICE, site, UTC_CLOCK, 0) is None


def test_hours_named_by_their_end_are_looked_at_where_they_stand(site: Site) -> None:
    labelled = as_local_labels(arrivals())
    hour = pd.Timedelta(hours=1)
    ended = labelled.set_axis(pd.DatetimeIndex(labelled.index) - hour)
    assert clock_doubt(ended, NONE_TWICE, site, UTC_CLOCK, -1) is not None


@pytest.mark.parametrize("seed", range(3))
def test_days_one_day_late_are_noticed_by_their_holidays(site: Site, seed: int) -> None:
    true = arrivals(seed, mean=8.0)
    assert late_doubt(true, site) is None
    late = true.set_axis(pd.DatetimeIndex(true.index) + pd.Timedelta(days=1))
    assert late_doubt(late, site) is not None


def test_a_value_that_stands_still_is_noticed_unless_it_often_does() -> None:
    hours = pd.date_range("2026-01-01", periods=1000, freq="h", tz=UTC)
    random = np.random.default_rng(2)
    lively = pd.Series(10.0 + random.integers(0, 4, 1000), hours)
    assert frozen_doubt(lively) is None
    stuck = lively.copy()
    stuck.iloc[500:530] = stuck.iloc[500]
    says = frozen_doubt(stuck)
    assert says is not None
    assert "2026-01-21 20:00" in says
    assert frozen_doubt(pd.Series(np.repeat(random.permutation(25), 40).astype(float), hours)) is None
    assert frozen_doubt(lively * np.nan) is None


def test_more_patients_than_beds_are_counted() -> None:
    census = pd.Series([8.0, 11.0, 13.0, np.nan])
    assert beds_doubt(census, 10) == "above its 10 beds in 2 h (66.7%), at most 13"
    assert beds_doubt(census, 13) is None


def test_a_series_that_begins_or_ends_midway_is_told() -> None:
    hours = pd.date_range("2026-01-01", periods=720, freq="h", tz=UTC)
    midway = pd.Series(1.0, hours).mask((hours < hours[240]) | (hours > hours[600]))
    begins, ends = span_doubts(midway, hours[0], hours[-1])
    assert begins == "begins on 2026-01-11, others on 2026-01-01"
    assert ends.startswith("ends at 2026-01-26 00:00 UTC")
    assert not list(span_doubts(pd.Series(1.0, hours), hours[0], hours[-1]))
    assert not list(span_doubts(pd.Series(np.nan, hours), hours[0], hours[-1]))


def test_the_longest_gap_is_found_with_its_beginning() -> None:
    hours = pd.date_range("2026-01-01", periods=10, freq="h", tz=UTC)
    values = pd.Series([1, np.nan, 1, np.nan, np.nan, np.nan, 1, np.nan, np.nan, 1.0], hours)
    assert longest_gap(values) == (3, hours[3])
    assert longest_gap(values.fillna(0)) == (0, None)


def test_events_without_a_time_of_day_are_doubted() -> None:
    hours = pd.date_range("2026-03-01", periods=240, freq="h", tz="UTC")
    days = pd.Series(0.0, index=hours).mask(hours.tz_convert(NEW_YORK.zone).hour == 0, 30.0)
    says = midnight_doubt(days, NEW_YORK)
    assert says is not None
    assert says.startswith("all times are in the hour after midnight")
    assert midnight_doubt(days, UTC_CLOCK) is None
    assert midnight_doubt(pd.Series(3.0, index=hours), UTC_CLOCK) is None


def test_dates_of_no_calendar_and_too_few_arrivals_are_doubted() -> None:
    first = pd.Timestamp("2112-09-17", tz="UTC")
    shifted = scattered_doubt(222, first, pd.Timestamp("2201-10-30", tz="UTC"))
    assert shifted is not None
    assert "shifted for each patient apart" in shifted
    few = scattered_doubt(9, first, first + pd.Timedelta(days=30))
    assert few is not None
    assert "fewer than one a day" in few
    assert scattered_doubt(900, first, first + pd.Timedelta(days=30)) is None


YEAR = 365 * 24


def ended_and_open(never: float, long: int = 0, seed: int = 1) -> pd.DataFrame:
    """A year of 10,000 stays of four days in the mean; some never ended, some truly long."""
    random = np.random.default_rng(seed)
    hours = (96 * random.lognormal(-0.28, 0.75, 10_000)).astype(int)
    hours[:long] = random.integers(60 * 24, 200 * 24, long)
    age = random.integers(0, YEAR, len(hours))
    has_ended = (hours < age) & (random.random(len(hours)) >= never)
    lengths = pd.DataFrame(
        {"stay_hours": np.where(has_ended, hours, age), "has_ended": has_ended.astype(int)}
    )
    return lengths.groupby(["stay_hours", "has_ended"]).size().rename("stays").reset_index()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("long", [0, 30])
@pytest.mark.parametrize("never", [0.01, 0.05])
def test_stays_that_nobody_ended_are_told_from_long_ones(seed: int, long: int, never: float) -> None:
    assert forgotten_doubt(ended_and_open(0.0, long, seed), 2880, YEAR) is None
    says = forgotten_doubt(ended_and_open(never, long, seed), 2880, YEAR)
    assert says is not None
    assert "each is counted for 2880 h" in says


def test_the_limit_lets_go_as_many_as_it_holds_too_long() -> None:
    lengths = ended_and_open(0.01)
    says = forgotten_doubt(lengths, 2880, YEAR)
    assert says is not None
    limit = int(says.partition("longest_stay_hours = ")[2].split()[0])
    ended = lengths[lengths["has_ended"] == 1]
    beyond = ended.loc[ended["stay_hours"] > limit, "stays"].sum() / ended["stays"].sum()
    assert beyond == pytest.approx(0.01, abs=0.003)
    lower = forgotten_doubt(lengths, limit - 24, YEAR)
    assert lower is not None
    assert "longest_stay_hours" not in lower


def test_too_few_stays_say_nothing_of_forgotten_ones() -> None:
    few = pd.DataFrame({"stay_hours": [10, 5000], "has_ended": [1, 0], "stays": [90, 9]})
    assert forgotten_doubt(few, 2880, YEAR) is None
    assert forgotten_doubt(few.assign(stays=[200, 4]), 2880, YEAR) is None
    assert forgotten_doubt(few.assign(stays=[200, 9]), 2880, YEAR) is not None
    assert forgotten_doubt(few.head(0), 2880, YEAR) is None
