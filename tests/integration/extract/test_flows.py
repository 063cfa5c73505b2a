"""The flow that is extracted is that of a patient-by-patient count, and what was known at the time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from forecasting.config import Settings
from forecasting.extract import connect, extract, extract_flow_record, extract_flows, flows_at
from forecasting.schema import DEPARTURE, ELAPSED_HOURS, INFLOW, PASSAGE, PRESENT, Target

pytestmark = pytest.mark.integration

Tables = dict[str, pd.DataFrame]
Write = Callable[[Tables], str]
Patients = Callable[..., Tables]

START = datetime(2026, 2, 24)  # noqa: DTZ001  (sources hold UTC without a zone)
HOURS = 20 * 24
ISSUED_AT = START.replace(tzinfo=UTC) + timedelta(hours=HOURS)
ED_HOURS, WARD_HOURS = 96, 5760
DAYS = 15  # New York's clock goes forward within them
EARLIER = [ISSUED_AT - timedelta(days=days, hours=1) for days in (10, 6)] + [ISSUED_AT - timedelta(days=4)]
NEVER: Any = pd.NaT
KEY = ["unit_id", "weekday", "local_hour", "elapsed_from"]


def flows_of(url: str, settings: Settings) -> dict[str, pd.DataFrame]:
    return extract_flows(connect(url), settings.site("north"), settings, ISSUED_AT, DAYS)


def stays_in_hours(tables: Tables) -> pd.DataFrame:
    """Each stay once: the first hour that counts it, the first that doesn't, as known then."""
    now = pd.Timestamp(ISSUED_AT).tz_convert(None)
    visits = tables["ed_visit"].assign(unit_id="ed")
    named = visits.rename(columns={"visit_id": "stay_id", "arrived_at": "bed_from", "departed_at": "bed_to"})
    rows = pd.concat([named, tables["bed_stay"]])[["stay_id", "unit_id", "bed_from", "bed_to"]]
    rows = rows[(rows["bed_from"] < now) & ~(rows["bed_to"] < rows["bed_from"])]
    known = rows.assign(bed_to=rows["bed_to"].where(rows["bed_to"] < now))
    known = known.sort_values("bed_to").drop_duplicates(["stay_id", "bed_from"])
    first, gone = known["bed_from"].dt.ceil("h"), known["bed_to"].dt.ceil("h")
    limit = first + pd.to_timedelta(np.where(known["unit_id"] == "ed", ED_HOURS, WARD_HOURS), unit="h")
    gone = gone.fillna(limit.where(limit <= now)).clip(upper=limit)
    counted: pd.DataFrame = known.assign(first=first, gone=gone)[~(gone <= first)]
    return counted


def elapsed_bin(hours: int) -> int:
    return max(edge for edge in ELAPSED_HOURS if edge <= hours)


def counted_departures(stays: pd.DataFrame, zone: str) -> pd.DataFrame:
    now, hour = pd.Timestamp(ISSUED_AT).tz_convert(None), pd.Timedelta(hours=1)
    since = now - pd.Timedelta(days=DAYS)
    rows = []
    for unit_id, first, gone in zip(stays["unit_id"], stays["first"], stays["gone"], strict=True):
        for at in pd.date_range(max(first, since), (now if pd.isna(gone) else gone) - hour, freq="h"):
            local = at.tz_localize("UTC").tz_convert(zone)
            elapsed = elapsed_bin(int((at - first) / hour))
            rows.append((unit_id, local.weekday(), local.hour, elapsed, 1, int(at + hour == gone)))
    frame = pd.DataFrame(rows, columns=[*KEY, "patient_hours", "departures"])
    return frame.groupby(KEY, as_index=False).sum()


@pytest.mark.parametrize("seed", [1, 2])
def test_patient_hours_and_departures_are_those_of_a_count_hour_by_hour(
    write_source: Write, patients: Patients, settings: Settings, seed: int
) -> None:
    tables = patients(START, HOURS + 48, seed=seed, per_hour=1.0)
    found = flows_of(write_source(tables), settings)["departure"]
    expected = counted_departures(stays_in_hours(tables), "America/New_York")
    pd.testing.assert_frame_equal(found[expected.columns], expected, check_dtype=False)


def test_inflow_and_who_is_present_are_counted(
    write_source: Write, patients: Patients, settings: Settings
) -> None:
    tables = patients(START, HOURS + 48)
    found = flows_of(write_source(tables), settings)
    stays = stays_in_hours(tables).assign(first=lambda rows: rows["first"].dt.tz_localize("UTC"))
    came = stays.groupby(["unit_id", "first"]).size()
    inflow = found["inflow"].set_index(["unit_id", "valid_at"])["patients"]
    in_window = came[
        (came.index.get_level_values("first") >= ISSUED_AT - timedelta(days=DAYS))
        & (came.index.get_level_values("first") < ISSUED_AT)
    ]
    pd.testing.assert_series_equal(inflow, in_window, check_names=False, check_dtype=False)
    here = stays[stays["gone"].isna()]
    bins = (ISSUED_AT - here["first"]).dt.total_seconds().floordiv(3600).astype(int).map(elapsed_bin)
    present = found["present"][found["present"]["valid_at"] == ISSUED_AT]
    expected = bins.groupby([here["unit_id"], bins]).count()
    pd.testing.assert_series_equal(
        present.set_index(["unit_id", "elapsed_from"])["patients"],
        expected,
        check_names=False,
        check_dtype=False,
    )


def test_who_was_present_adds_up_to_the_census(
    write_source: Write, patients: Patients, settings: Settings
) -> None:
    url = write_source(patients(START, HOURS))
    since = ISSUED_AT - timedelta(days=10)
    hours = extract(connect(url), settings.site("north"), settings, since, ISSUED_AT)["observation"]
    census = hours[hours["target"] == Target.BED_CENSUS].set_index(["unit_id", "valid_at"])["value"]
    present = flows_of(url, settings)["present"].groupby(["unit_id", "valid_at"])["patients"].sum()
    both = census.to_frame().join(present, how="inner")
    assert len(both) == 20
    np.testing.assert_array_equal(both["value"], both["patients"])


def test_nothing_after_the_issue_time_changes_anything(
    write_source: Write, patients: Patients, settings: Settings
) -> None:
    tables = patients(START, HOURS + 200)
    now = pd.Timestamp(ISSUED_AT).tz_convert(None)
    known = dict(tables)
    for name, start, end in (("ed_visit", "arrived_at", "departed_at"), ("bed_stay", "bed_from", "bed_to")):
        rows = tables[name][tables[name][start] < now].copy()
        rows[end] = rows[end].where(rows[end] < now)
        known[name] = rows
    with_future = flows_of(write_source(tables), settings)
    as_known = flows_of(write_source(known), settings)
    for name in with_future:
        pd.testing.assert_frame_equal(with_future[name], as_known[name])


def record_of(tables: Tables, write_source: Write, settings: Settings) -> dict[str, pd.DataFrame]:
    source = connect(write_source(tables))
    return extract_flow_record(source, settings.site("north"), settings, [*EARLIER, ISSUED_AT], DAYS)


def test_a_record_tells_the_flow_as_it_was_known_at_each_of_its_issue_times(
    write_source: Write, patients: Patients, settings: Settings
) -> None:
    tables = patients(START, HOURS + 48)
    record = record_of(tables, write_source, settings)
    source = connect(write_source(tables))
    # On whole days before, so that both begin at the same hour.
    for issued_at in (EARLIER[-1], ISSUED_AT):
        days = DAYS - (ISSUED_AT - issued_at).days
        then = extract_flows(source, settings.site("north"), settings, issued_at, days)
        told = flows_at(record, issued_at)
        for name, frame in then.items():
            pd.testing.assert_frame_equal(told[name], frame)


@pytest.mark.parametrize("issued_at", EARLIER)
def test_a_record_tells_an_issue_time_nothing_that_came_later(
    write_source: Write, patients: Patients, settings: Settings, issued_at: datetime
) -> None:
    tables = patients(START, HOURS + 48)
    now = pd.Timestamp(issued_at).tz_convert(None)
    without = dict(tables)
    for name, start, end in (("ed_visit", "arrived_at", "departed_at"), ("bed_stay", "bed_from", "bed_to")):
        rows = tables[name][tables[name][start] < now].copy()
        rows[end] = rows[end].where(rows[end] < now)
        without[name] = rows
    told = flows_at(record_of(tables, write_source, settings), issued_at)
    as_known = flows_at(record_of(without, write_source, settings), issued_at)
    for name, frame in as_known.items():
        pd.testing.assert_frame_equal(told[name], frame)


def test_nobody_is_present_at_a_time_that_was_not_asked(
    write_source: Write, patients: Patients, settings: Settings
) -> None:
    record = record_of(patients(START, HOURS), write_source, settings)
    other = ISSUED_AT - timedelta(days=2)
    assert flows_at(record, other)["present"]["valid_at"].max() < other


def test_a_record_needs_an_issue_time(write_source: Write, patients: Patients, settings: Settings) -> None:
    source = connect(write_source(patients(START, 48)))
    with pytest.raises(ValueError, match="issue time"):
        extract_flow_record(source, settings.site("north"), settings, [])


def test_repeated_rows_count_once(write_source: Write, patients: Patients, settings: Settings) -> None:
    clean = patients(START, HOURS)
    dirty = {
        **clean,
        "bed_stay": pd.concat([clean["bed_stay"], clean["bed_stay"].iloc[::7].assign(bed_to=NEVER)]),
        "ed_visit": pd.concat([clean["ed_visit"], clean["ed_visit"].iloc[::5]]),
    }
    expected = flows_of(write_source(clean), settings)
    found = flows_of(write_source(dirty), settings)
    for name in expected:
        pd.testing.assert_frame_equal(found[name], expected[name])


def test_every_table_conforms_to_its_schema_where_the_source_is_empty(
    write_source: Write, patients: Patients, settings: Settings
) -> None:
    nobody = {name: rows.head(0) for name, rows in patients(START, 48).items()}
    frames = flows_of(write_source(nobody), settings)
    for table in (INFLOW, DEPARTURE, PRESENT):
        pd.testing.assert_frame_equal(frames[table.name], table.empty())


def test_only_counts_leave_the_source() -> None:
    shown = {
        table.name: set(table.columns.names) - {"site_id", "unit_id"}
        for table in (INFLOW, DEPARTURE, PASSAGE, PRESENT)
    }
    assert shown == {
        "inflow": {"valid_at", "patients"},
        "departure": {"weekday", "local_hour", "elapsed_from", "patient_hours", "departures"},
        "passage": {
            "known_at", "weekday", "local_hour", "elapsed_from", "patient_hours", "departures",
        },
        "present": {"valid_at", "elapsed_from", "patients"},
    }  # fmt: skip
