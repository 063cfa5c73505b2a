"""A source that counted its hours itself: read on its own clock, and nothing taken for what it is not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from hourly_hospital import hours_of

from forecasting.config import Hourly, Settings
from forecasting.extract import SourceContractBroken, SourceError, connect, extract, extract_flows
from forecasting.profile import Profile
from forecasting.schema import Target

pytestmark = pytest.mark.integration

Write = Callable[[dict[str, pd.DataFrame]], str]
NEW_YORK = ZoneInfo("America/New_York")
ISSUED_AT = datetime(2026, 3, 20, 7, tzinfo=UTC)
SINCE = ISSUED_AT - timedelta(days=20)
SPRING = pd.Timestamp("2026-03-08 07:00", tz="UTC")
"""The first hour of summer time in New York: 03:00, after 01:00."""
AUTUMN_ISSUED_AT = datetime(2026, 11, 9, 8, tzinfo=UTC)
AUTUMN = pd.Timestamp("2026-11-01 05:00", tz="UTC")
"""The first of the two hours that begin at 01:00 in New York."""


def told(tables: dict[str, pd.DataFrame], zone: ZoneInfo | None = None) -> pd.Series:
    """What the tables say, hour by hour, in UTC; an hour told twice is as its rows stand."""
    arrivals = tables["ed_arrivals_hourly"].assign(unit_id="ed", target="ed_arrivals")
    census = tables["bed_census_hourly"].assign(target="bed_census")
    both = pd.concat(
        [arrivals.rename(columns={"arrivals": "value"}), census.rename(columns={"occupied_beds": "value"})]
    )
    both["valid_at"] = both["hour_start"].dt.tz_localize(zone or UTC, ambiguous="NaT").dt.tz_convert(UTC)
    return both.set_index(["unit_id", "target", "valid_at"])["value"].astype(float).sort_index()


def hourly(settings: Settings, source: dict[str, Any] | None = None, **rows: Any) -> Settings:
    changed = {"profile": Profile.HOURLY, "hourly": Hourly(**rows), **(source or {})}
    return settings.model_copy(update={"source": settings.source.model_copy(update=changed)})


def read(
    url: str,
    settings: Settings,
    since: datetime = SINCE,
    issued_at: datetime = ISSUED_AT,
) -> tuple[pd.Series, pd.DataFrame]:
    frames = extract(connect(url), settings.site("north"), settings, since, issued_at)
    values = frames["observation"].set_index(["unit_id", "target", "valid_at"])["value"].sort_index()
    return values, frames["source_defect"]


def same(found: pd.Series, expected: pd.Series) -> None:
    pd.testing.assert_series_equal(found, expected, check_names=False, check_index_type=False)


def between(values: pd.Series, since: datetime = SINCE, issued_at: datetime = ISSUED_AT) -> pd.Series:
    hours = values.index.get_level_values("valid_at")
    return values[(hours >= since) & (hours < issued_at)]


def test_hours_are_read_as_they_stand_up_to_the_issue_time(write_source: Write, settings: Settings) -> None:
    tables = hours_of(ISSUED_AT)
    values, defects = read(write_source(tables), hourly(settings))
    same(values, between(told(tables)))
    assert defects.empty


def test_the_increment_equals_the_same_hours_of_the_full_window(
    write_source: Write, settings: Settings
) -> None:
    tables = hours_of(ISSUED_AT)
    gone = tables["ed_arrivals_hourly"]["hour_start"].between("2026-03-16 20:00", "2026-03-17 12:00")
    tables["ed_arrivals_hourly"] = tables["ed_arrivals_hourly"][~gone]
    url = write_source(tables)
    late = ISSUED_AT - timedelta(days=3)
    same(read(url, hourly(settings), late)[0], between(read(url, hourly(settings))[0], late))


@pytest.mark.parametrize("issued_at", [ISSUED_AT, AUTUMN_ISSUED_AT])
def test_local_times_are_the_same_moments_through_a_clock_change(
    write_source: Write, settings: Settings, issued_at: datetime
) -> None:
    since = issued_at - timedelta(days=20)
    expected = between(told(hours_of(issued_at)), since, issued_at)
    values, defects = read(
        write_source(hours_of(issued_at, zone=NEW_YORK)),
        hourly(settings, time_zone="site"),
        since,
        issued_at,
    )
    # Which of autumn's two rows is the first hour's can't be known: the higher one is taken for it.
    unsure = values.index.get_level_values("valid_at").isin([AUTUMN, AUTUMN + pd.Timedelta(hours=1)])
    same(values[~unsure], expected[~unsure])
    by_series = ["unit_id", "target"]
    same(values[unsure].groupby(by_series).sum(), expected[unsure].groupby(by_series).sum())
    assert defects.empty


def test_an_hour_that_the_clock_shows_twice_and_has_one_row_is_missing(
    write_source: Write, settings: Settings
) -> None:
    tables = hours_of(AUTUMN_ISSUED_AT, zone=NEW_YORK)
    by_label = tables["ed_arrivals_hourly"].groupby(["site_id", "hour_start"])
    tables["ed_arrivals_hourly"] = by_label["arrivals"].sum().reset_index()
    since = AUTUMN_ISSUED_AT - timedelta(days=20)
    values, defects = read(write_source(tables), hourly(settings, time_zone="site"), since, AUTUMN_ISSUED_AT)
    arrivals = values["ed", "ed_arrivals"]
    assert list(arrivals.index[arrivals.isna()]) == [AUTUMN, AUTUMN + pd.Timedelta(hours=1)]
    assert defects[["defect", "source_rows"]].to_numpy().tolist() == [["hour_was_twice", 1]]


def test_patients_in_an_hour_that_the_clock_never_shows_are_a_defect_and_a_zero_is_none(
    write_source: Write, settings: Settings
) -> None:
    tables = hours_of(ISSUED_AT, zone=NEW_YORK)
    never = {"site_id": "north", "hour_start": pd.Timestamp("2026-03-08 02:00")}
    arrivals = tables["ed_arrivals_hourly"]
    expected = between(told(hours_of(ISSUED_AT)))
    for count, defect in ((0, []), (5, ["hour_never_was"])):
        row = pd.DataFrame([never | {"arrivals": count}])
        url = write_source(tables | {"ed_arrivals_hourly": pd.concat([arrivals, row], ignore_index=True)})
        values, defects = read(url, hourly(settings, time_zone="site"))
        same(values, expected)
        assert list(defects["defect"]) == defect
        assert list(defects["valid_at"]) == [SPRING] * len(defect)


def test_a_time_at_an_hours_end_is_the_hour_before(write_source: Write, settings: Settings) -> None:
    tables = hours_of(ISSUED_AT)
    expected = between(told(tables))
    arrivals, census = tables["ed_arrivals_hourly"], tables["bed_census_hourly"]
    hour = pd.Timedelta(hours=1)
    ended = {
        "ed_arrivals_hourly": arrivals.assign(hour_start=arrivals["hour_start"] + hour),
        "bed_census_hourly": census.assign(hour_start=census["hour_start"] - hour),
    }
    meant = hourly(settings, arrivals_hour="end", census_hour="end")
    same(read(write_source(ended), meant)[0], expected)


def test_a_time_with_an_offset_needs_no_clock(postgres_url: str, settings: Settings) -> None:
    tables = hours_of(AUTUMN_ISSUED_AT)
    engine = sa.create_engine(postgres_url)
    for name, frame in tables.items():
        zoned = frame.assign(hour_start=frame["hour_start"].dt.tz_localize(UTC).dt.tz_convert(NEW_YORK))
        zoned.to_sql(name, engine, index=False)
    engine.dispose()
    since = AUTUMN_ISSUED_AT - timedelta(days=20)
    values, _ = read(postgres_url, hourly(settings, time_zone="site"), since, AUTUMN_ISSUED_AT)
    same(values, between(told(tables), since, AUTUMN_ISSUED_AT))


def test_a_missing_row_is_a_missing_hour_unless_it_means_nobody(
    write_source: Write, settings: Settings
) -> None:
    tables = hours_of(ISSUED_AT)
    arrivals = tables["ed_arrivals_hourly"].set_index("hour_start")
    quiet = pd.Timestamp("2026-03-10 04:00")
    outage = pd.date_range("2026-03-14 02:00", periods=9, freq="h")
    tables["ed_arrivals_hourly"] = arrivals.drop([quiet, *outage]).reset_index()
    url = write_source(tables)
    missing = read(url, hourly(settings))[0]["ed", "ed_arrivals"]
    assert list(missing.index[missing.isna()]) == [hour.tz_localize(UTC) for hour in [quiet, *outage]]
    zero = read(url, hourly(settings, absent_is_zero=["ed_arrivals"]))[0]["ed", "ed_arrivals"]
    assert zero[quiet.tz_localize(UTC)] == 0
    assert list(zero.index[zero.isna()]) == [hour.tz_localize(UTC) for hour in outage]


@pytest.mark.parametrize("stuck_at", [0, None])
def test_a_feed_that_stands_still_is_silent(
    write_source: Write, settings: Settings, stuck_at: int | None
) -> None:
    tables = hours_of(ISSUED_AT)
    census = tables["bed_census_hourly"]
    stuck = census["hour_start"].between("2026-03-14 02:00", "2026-03-15 01:00")
    last = census.groupby("unit_id")["occupied_beds"].transform(lambda values: values[stuck].iloc[0])
    tables["bed_census_hourly"] = census.assign(
        occupied_beds=census["occupied_beds"].mask(stuck, last if stuck_at is None else stuck_at)
    )
    values, _ = read(write_source(tables), hourly(settings))
    for unit_id in ("ed", "icu"):
        missing = values[unit_id, "bed_census"]
        gone = missing.index[missing.isna()]
        # The first of the hours that repeat themselves was a true one; of zeros, none was.
        assert len(gone) == (23 if stuck_at is None else 24)
    assert values["ed", "ed_arrivals"].notna().all()


def test_numbers_ten_times_too_high_make_no_quiet_hour_silent(
    write_source: Write, settings: Settings
) -> None:
    tables = hours_of(ISSUED_AT)
    census = tables["bed_census_hourly"]
    hit = np.random.default_rng(3).random(len(census)) < 0.04
    tables["bed_census_hourly"] = census.assign(
        occupied_beds=census["occupied_beds"].where(~hit, census["occupied_beds"] * 10)
    )
    values, _ = read(write_source(tables), hourly(settings))
    assert values.notna().all()


def test_rows_that_cannot_be_right_are_told_by_kind(
    write_source: Write, settings: Settings, database_url: str
) -> None:
    tables = hours_of(ISSUED_AT)
    arrivals, census = tables["ed_arrivals_hourly"], tables["bed_census_hourly"]

    def at(hour: str, **values: Any) -> dict[str, Any]:
        row = {"site_id": "north", "hour_start": pd.Timestamp(f"2026-03-12 {hour}")}
        return row | values

    icu = census[census["unit_id"] == "icu"].set_index("hour_start")["occupied_beds"]
    ten = pd.Timestamp("2026-03-12 10:00")
    more = [
        at("10:00", unit_id="icu", occupied_beds=icu[ten]),
        at("11:00", unit_id="icu", occupied_beds=icu[ten + pd.Timedelta(hours=1)] + 1),
        at("12:30", unit_id="icu", occupied_beds=3),
        at("13:00", unit_id=None, occupied_beds=3),
        {"site_id": "north", "hour_start": None, "unit_id": "icu", "occupied_beds": 3},
    ]
    total = census.groupby(["site_id", "hour_start"], as_index=False)["occupied_beds"].sum()
    words = {ten: "n/a", ten + pd.Timedelta(hours=1): "<5", ten + pd.Timedelta(hours=2): " 7 "}
    url = write_source(
        {
            "ed_arrivals_hourly": arrivals.assign(
                arrivals=[
                    words.get(hour, str(count))
                    for hour, count in zip(arrivals["hour_start"], arrivals["arrivals"], strict=True)
                ]
            ),
            "bed_census_hourly": pd.concat([census, pd.DataFrame(more), total.assign(unit_id="all wards")]),
        }
    )
    values, defects = read(url, hourly(settings))
    counts = defects.groupby(["unit_id", "defect"])["source_rows"].sum().to_dict()
    hours = int((ISSUED_AT - SINCE) / timedelta(hours=1))
    assert counts == {
        ("icu", "duplicate_hour"): 1,
        ("icu", "contradictory_hour"): 2,
        ("icu", "not_on_the_hour"): 1,
        ("", "missing_unit"): 1,
        ("icu", "missing_time"): 1,
        ("all wards", "aggregate_row"): hours,
        ("ed", "not_a_number"): 2,
    }
    moments = [(ten + pd.Timedelta(hours=more)).tz_localize(UTC) for more in range(3)]
    assert values["icu", "bed_census"][moments[0]] == icu[ten]
    assert np.isnan(values["icu", "bed_census"][moments[1]])
    assert list(values["ed", "ed_arrivals"][moments].isna()) == [True, True, False]
    assert values["ed", "ed_arrivals"][moments[2]] == 7
    assert set(values.index.get_level_values("unit_id")) == {"ed", "icu"}


def test_a_census_of_once_a_day_is_left_out_and_told(write_source: Write, settings: Settings) -> None:
    tables = hours_of(ISSUED_AT)
    census = tables["bed_census_hourly"]
    tables["bed_census_hourly"] = census[census["hour_start"].dt.hour == 0]
    values, defects = read(write_source(tables), hourly(settings))
    assert set(values.index.get_level_values("target")) == {"ed_arrivals"}
    assert set(defects["defect"]) == {"once_a_day"}


def test_a_long_table_stands_for_both(write_source: Write, settings: Settings) -> None:
    tables = hours_of(ISSUED_AT)
    long = told(tables).rename("patients").reset_index()
    long["hour_start"] = long["valid_at"].dt.tz_localize(None)
    kind = long["target"].map({"ed_arrivals": "Arrivals: all", "bed_census": "o'clock census"})
    url = write_source({"counts": long.assign(site_id="north", measure=kind)})
    named = {"ed_arrivals": "Arrivals: all", "bed_census": "o'clock census"}
    mapped = hourly(settings, {"tables": {"hourly_count": "counts"}}, measures=named)
    same(read(url, mapped)[0], between(told(tables)))


def test_names_and_numbers_of_the_sources_own_are_ours_in_the_answer(
    write_source: Write, settings: Settings
) -> None:
    tables = hours_of(ISSUED_AT)
    census = tables["bed_census_hourly"]
    theirs = {
        "ed_arrivals_hourly": tables["ed_arrivals_hourly"].assign(site_id=7),
        "bed_census_hourly": census.assign(site_id=7, unit_id=census["unit_id"].map({"ed": 10, "icu": 20})),
    }
    site = settings.site("north")
    units = [
        unit.model_copy(update={"source_id": code})
        for unit, code in zip(site.units, ("10", "20"), strict=True)
    ]
    named = site.model_copy(update={"source_id": "7", "units": tuple(units)})
    ours = hourly(settings).model_copy(update={"sites": (named, *settings.sites[1:])})
    same(read(write_source(theirs), ours)[0], between(told(tables)))


def test_beds_are_those_of_the_last_row_or_of_the_configuration(
    write_source: Write, settings: Settings
) -> None:
    tables = hours_of(ISSUED_AT)
    for frame, beds in ((tables["bed_census_hourly"], [14, 14]), (None, [30, 10])):
        census = tables["bed_census_hourly"].drop(columns="staffed_beds") if frame is None else frame
        url = write_source(tables | {"bed_census_hourly": census})
        unit = extract(connect(url), settings.site("north"), hourly(settings), SINCE, ISSUED_AT)["unit"]
        assert list(unit["staffed_beds"]) == beds


def test_a_roster_is_on_the_same_clock(write_source: Write, settings: Settings) -> None:
    start = pd.Timestamp("2026-03-20 07:00")
    roster = pd.DataFrame(
        {
            "site_id": "north",
            "unit_id": "icu",
            "role": "registered_nurse",
            "shift_start": [start, start],
            "shift_end": start + pd.Timedelta(hours=12),
            "heads": [2, 3],
        }
    )
    url = write_source(hours_of(ISSUED_AT, zone=NEW_YORK) | {"scheduled_shift": roster})
    frames = extract(
        connect(url), settings.site("north"), hourly(settings, time_zone="site"), SINCE, ISSUED_AT
    )
    (shift,) = frames["scheduled_shift"].to_dict("records")
    assert shift["shift_start"] == pd.Timestamp("2026-03-20 11:00", tz="UTC")
    assert shift["heads"] == 5


def test_a_source_of_hours_tells_no_flow(write_source: Write, settings: Settings) -> None:
    engine = connect(write_source(hours_of(ISSUED_AT)))
    with pytest.raises(SourceError, match="profile hourly has no stays"):
        extract_flows(engine, settings.site("north"), hourly(settings), ISSUED_AT)


def test_empty_tables_give_no_hours(write_source: Write, settings: Settings) -> None:
    tables = {name: frame.head(0) for name, frame in hours_of(ISSUED_AT).items()}
    values, defects = read(write_source(tables), hourly(settings))
    assert values.empty
    assert defects.empty


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (
            lambda tables: {"counts": tables["ed_arrivals_hourly"]},
            r"or 'hourly_count'; there are: counts\. .*source\.tables\.ed_arrivals_hourly",
        ),
        (
            lambda tables: (
                tables | {"bed_census_hourly": tables["bed_census_hourly"].drop(columns="site_id")}
            ),
            r"'bed_census_hourly' has no column 'site_id'; .*source\.columns\.bed_census_hourly\.site_id",
        ),
        (
            lambda tables: {
                name: frame.drop(columns="hour_start").assign(day=frame["hour_start"])
                for name, frame in tables.items()
            },
            r"(?s)ed_arrivals_hourly\.hour_start.*bed_census_hourly\.hour_start",
        ),
        (
            lambda tables: {
                name: frame.assign(hour_start=frame["hour_start"].dt.strftime("%d.%m.%Y %H"))
                for name, frame in tables.items()
            },
            "holds no timestamps",
        ),
    ],
    ids=["no table", "no site", "no time in either", "times in words"],
)
def test_a_source_of_another_shape_is_told_with_the_key_that_maps_it(
    write_source: Write, settings: Settings, damage: Any, said: str
) -> None:
    with pytest.raises(SourceContractBroken, match=said):
        read(write_source(damage(hours_of(ISSUED_AT))), hourly(settings))


def test_days_instead_of_hours_are_refused_by_name(
    write_source: Write, settings: Settings, database_url: str
) -> None:
    census = hours_of(ISSUED_AT)["bed_census_hourly"]
    days = census.assign(day=census["hour_start"].dt.date)
    url = write_source({"wards": days.drop(columns="hour_start")})
    mapped = hourly(
        settings,
        {
            "tables": {"bed_census_hourly": "wards"},
            "columns": {"bed_census_hourly": {"hour_start": "day"}},
        },
    )
    with pytest.raises(SourceContractBroken, match=r"'day' of table 'wards' holds dates .*daily data"):
        read(url, mapped)


def test_of_one_target_alone_the_other_is_simply_not_there(write_source: Write, settings: Settings) -> None:
    tables = hours_of(ISSUED_AT)
    values, _ = read(write_source({"ed_arrivals_hourly": tables["ed_arrivals_hourly"]}), hourly(settings))
    assert set(values.index.get_level_values("target")) == {str(Target.ED_ARRIVALS)}
