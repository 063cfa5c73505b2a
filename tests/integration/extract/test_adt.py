"""Extraction counts what a patient count would, on both databases, and nothing it must not know."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from forecasting.config import Settings
from forecasting.extract import connect, extract, extract_roster
from forecasting.schema import OBSERVATION, SCHEDULED_SHIFT, SOURCE_COLUMN, SOURCE_DEFECT, UNIT, Target

pytestmark = pytest.mark.integration

Tables = dict[str, pd.DataFrame]
Write = Callable[[Tables], str]
Patients = Callable[..., Tables]

NEVER: Any = pd.NaT
START = datetime(2026, 3, 1)  # noqa: DTZ001  (sources hold UTC without a zone)
HOURS = 20 * 24
ISSUED_AT = START.replace(tzinfo=UTC) + timedelta(hours=HOURS)
ED_HOURS, WARD_HOURS = 96, 5760
SINCE = ISSUED_AT - timedelta(days=6)


def observe(
    url: str, settings: Settings, since: datetime = SINCE, issued_at: datetime = ISSUED_AT
) -> pd.Series:
    frame = extract(connect(url), settings.site("north"), settings, since, issued_at)["observation"]
    return frame.set_index(["unit_id", "target", "valid_at"])["value"]


def count_patients(tables: Tables, since: datetime, issued_at: datetime) -> pd.Series:
    """Every hour counted on its own, patient by patient."""
    visits = once(tables["ed_visit"], "visit_id", "arrived_at", "departed_at", issued_at, ED_HOURS)
    stays = once(tables["bed_stay"], "stay_id", "bed_from", "bed_to", issued_at, WARD_HOURS)
    counts: dict[tuple[str, str, pd.Timestamp], float] = {}
    for hour in pd.date_range(since, issued_at, freq="h", inclusive="left"):
        start = hour.tz_convert(None)
        came = visits["start"].between(start, start + pd.Timedelta(hours=1), inclusive="left")
        counts["ed", Target.ED_ARRIVALS, hour] = came.sum()
        counts["ed", Target.BED_CENSUS, hour] = present(visits, start)
        for unit_id, rows in stays.groupby("unit_id"):
            counts[str(unit_id), Target.BED_CENSUS, hour] = present(rows, start)
    return pd.Series(counts).rename_axis(["unit_id", "target", "valid_at"]).sort_index()


def once(
    frame: pd.DataFrame, identifier: str, start: str, end: str, issued_at: datetime, counted_hours: int
) -> pd.DataFrame:
    now = pd.Timestamp(issued_at).tz_convert(None)
    known = frame[frame[start] < now].rename(columns={start: "start", end: "end"})
    limit = known["start"].dt.ceil("h") + pd.Timedelta(hours=counted_hours)
    known["end"] = known["end"].where(known["end"] < now).fillna(limit).clip(upper=limit)
    known["backward"] = frame[end] < frame[start]
    return known.sort_values("backward").drop_duplicates([identifier, "start"])


def present(rows: pd.DataFrame, hour: pd.Timestamp) -> int:
    forward = rows[~rows["backward"]]
    return int(((forward["start"] <= hour) & ~(forward["end"] <= hour)).sum())


def same(left: pd.Series, right: pd.Series) -> None:
    pd.testing.assert_series_equal(
        left.sort_index(), right.sort_index(), check_names=False, check_dtype=False, check_index_type=False
    )


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_counts_are_those_of_a_patient_by_patient_count(
    write_source: Write, patients: Patients, settings: Settings, seed: int
) -> None:
    tables = patients(START, HOURS + 48, seed=seed)
    observed = observe(write_source(tables), settings)
    same(observed, count_patients(tables, SINCE, ISSUED_AT))


def test_every_table_conforms_to_its_schema(
    write_source: Write, patients: Patients, settings: Settings
) -> None:
    url = write_source(patients(START, HOURS))
    frames = extract(connect(url), settings.site("north"), settings, SINCE, ISSUED_AT)
    for table in (OBSERVATION, UNIT, SCHEDULED_SHIFT, SOURCE_DEFECT):
        pd.testing.assert_frame_equal(frames[table.name], table.conform(frames[table.name]))
    assert set(frames["source_defect"]["defect"]) == {"never_ended"}


def test_the_increment_equals_the_same_hours_of_the_full_window(
    write_source: Write, patients: Patients, settings: Settings
) -> None:
    tables = patients(START, HOURS)
    tables["ed_visit"] = repeated(tables["ed_visit"])
    tables["bed_stay"] = repeated(tables["bed_stay"])
    url = write_source(tables)
    full = observe(url, settings, since=ISSUED_AT - timedelta(days=19))
    increment = observe(url, settings, since=ISSUED_AT - timedelta(days=2))
    same(increment, full[full.index.get_level_values("valid_at") >= ISSUED_AT - timedelta(days=2)])


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
    issued_at = ISSUED_AT
    site = settings.site("north")
    with_future = extract(connect(write_source(tables)), site, settings, SINCE, issued_at)
    as_known = extract(connect(write_source(known)), site, settings, SINCE, issued_at)
    for name in with_future:
        pd.testing.assert_frame_equal(with_future[name], as_known[name])


def defects_of(url: str, settings: Settings) -> pd.DataFrame:
    """What is wrong besides the fixture's own stays that never end."""
    defects = extract(connect(url), settings.site("north"), settings, SINCE, ISSUED_AT)["source_defect"]
    return defects[defects["defect"] != "never_ended"]


def repeated(frame: pd.DataFrame) -> pd.DataFrame:
    """Some rows twice, some of them once more without their end, as a careless loader leaves them."""
    again = frame.iloc[::7]
    end = "departed_at" if "departed_at" in frame else "bed_to"
    still_open = frame.iloc[::11].copy()
    still_open[end] = NEVER
    return pd.concat([frame, again, still_open], ignore_index=True)


def test_repeated_rows_count_once_and_are_reported(
    write_source: Write, patients: Patients, settings: Settings
) -> None:
    clean = patients(START, HOURS)
    dirty = {**clean, "ed_visit": repeated(clean["ed_visit"]), "bed_stay": repeated(clean["bed_stay"])}
    expected = observe(write_source(clean), settings)
    url = write_source(dirty)
    same(observe(url, settings), expected)
    defects = defects_of(url, settings)
    assert set(defects["defect"]) == {"duplicate_id"}
    now, since = pd.Timestamp(ISSUED_AT).tz_convert(None), pd.Timestamp(SINCE).tz_convert(None)
    for name, start, target in (
        ("ed_visit", "arrived_at", Target.ED_ARRIVALS), ("bed_stay", "bed_from", Target.BED_CENSUS),
    ):  # fmt: skip
        rows = dirty[name][dirty[name][start].between(since, now, inclusive="left")]
        assert (
            defects.loc[defects["target"] == target, "source_rows"].sum()
            == rows.iloc[:, 0].duplicated().sum()
        )


def test_a_stay_that_ends_before_it_starts_has_no_census_and_is_reported(
    write_source: Write, patients: Patients, settings: Settings
) -> None:
    tables = patients(START, HOURS)
    at = pd.Timestamp(ISSUED_AT).tz_convert(None) - pd.Timedelta(hours=30)
    late_stay = (
        tables["bed_stay"].iloc[[0]].assign(stay_id="x", bed_from=at, bed_to=at - pd.Timedelta(hours=9))
    )
    late_visit = (
        tables["ed_visit"]
        .iloc[[0]]
        .assign(visit_id="x", arrived_at=at, departed_at=at - pd.Timedelta(hours=9))
    )
    expected = observe(write_source(tables), settings)
    tables["bed_stay"] = pd.concat([tables["bed_stay"], late_stay])
    tables["ed_visit"] = pd.concat([tables["ed_visit"], late_visit])
    url = write_source(tables)
    observed = observe(url, settings)
    same(observed.xs(Target.BED_CENSUS, level="target"), expected.xs(Target.BED_CENSUS, level="target"))
    arrivals = observed.xs(Target.ED_ARRIVALS, level="target") - expected.xs(
        Target.ED_ARRIVALS, level="target"
    )
    assert arrivals.sum() == 1, "the visit did arrive"
    defects = defects_of(url, settings)
    assert sorted(defects["unit_id"]) == ["ed", "icu"]
    assert set(defects["defect"]) == {"ends_before_start"}


def test_rows_without_a_time_or_unit_are_left_out_and_reported(
    write_source: Write, patients: Patients, settings: Settings
) -> None:
    tables = patients(START, HOURS)
    expected = observe(write_source(tables), settings)
    visits, stays = tables["ed_visit"].iloc[-40:], tables["bed_stay"].iloc[-40:]
    recently = pd.Timestamp(ISSUED_AT).tz_convert(None) - pd.Timedelta(hours=5, minutes=10)
    tables["ed_visit"] = pd.concat([
        tables["ed_visit"],
        visits.iloc[[0]].assign(visit_id="x", arrived_at=NEVER, departed_at=NEVER),
    ])  # fmt: skip
    tables["bed_stay"] = pd.concat([
        tables["bed_stay"],
        stays.iloc[[0]].assign(stay_id="x", bed_from=NEVER, bed_to=recently),
        stays.iloc[[0]].assign(stay_id="y", unit_id=None, bed_from=recently, bed_to=NEVER),
    ])  # fmt: skip
    url = write_source(tables)
    same(observe(url, settings), expected)
    defects = defects_of(url, settings)
    found = set(zip(defects["unit_id"], defects["defect"], defects["valid_at"], strict=True))
    assert found == {
        ("ed", "missing_time", pd.Timestamp(ISSUED_AT - timedelta(hours=1))),
        ("icu", "missing_time", pd.Timestamp(ISSUED_AT - timedelta(hours=6))),
        ("", "missing_unit", pd.Timestamp(ISSUED_AT - timedelta(hours=6))),
    }


def test_a_silent_source_is_missing_and_a_quiet_hour_is_zero(
    write_source: Write, patients: Patients, settings: Settings
) -> None:
    tables = patients(START, HOURS, per_hour=3.0)
    down_from = pd.Timestamp(START) + pd.Timedelta(hours=HOURS - 60)
    down_to = down_from + pd.Timedelta(hours=12)
    for name, start, end in (("ed_visit", "arrived_at", "departed_at"), ("bed_stay", "bed_from", "bed_to")):
        frame = tables[name]
        fell = frame[start].between(down_from, down_to, inclusive="left")
        frame.loc[frame[end].between(down_from, down_to, inclusive="left"), end] = down_to
        tables[name] = frame[~fell]
    observed = observe(write_source(tables), settings)
    silent = pd.date_range(down_from, down_to, freq="h", inclusive="left", tz="UTC")
    in_silence = observed.index.get_level_values("valid_at").isin(silent)
    assert observed[in_silence].isna().all()
    assert observed[~in_silence].notna().all()
    assert (observed.loc["ed", Target.ED_ARRIVALS] == 0).any()


def test_one_silent_table_leaves_the_others_series(
    write_source: Write, patients: Patients, settings: Settings
) -> None:
    tables = patients(START, HOURS)
    stopped = pd.Timestamp(ISSUED_AT).tz_convert(None) - pd.Timedelta(hours=30)
    visits = tables["ed_visit"]
    tables["ed_visit"] = visits[visits["arrived_at"] < stopped].assign(
        departed_at=visits["departed_at"].where(visits["departed_at"] < stopped)
    )
    recent = observe(write_source(tables), settings, since=ISSUED_AT - timedelta(hours=24))
    assert recent.loc["ed"].isna().all()
    assert recent.loc["icu"].notna().all()


def test_a_source_begins_with_its_first_event(
    write_source: Write, patients: Patients, settings: Settings
) -> None:
    url = write_source(patients(START, HOURS))
    observed = observe(url, settings, since=ISSUED_AT - timedelta(days=100))
    assert observed.index.get_level_values("valid_at").min() == pd.Timestamp(START, tz="UTC")
    assert observed.notna().all()


def test_a_site_without_rows_gives_no_hours(
    write_source: Write, patients: Patients, settings: Settings
) -> None:
    url = write_source(patients(START, HOURS, site_id="elsewhere"))
    frames = extract(connect(url), settings.site("north"), settings, SINCE, ISSUED_AT)
    assert all(frame.empty for name, frame in frames.items() if name != SOURCE_COLUMN.name)


def test_a_unit_the_configuration_does_not_know_comes_out_as_well(
    write_source: Write, patients: Patients, settings: Settings
) -> None:
    tables = patients(START, HOURS)
    tables["bed_stay"].loc[::3, "unit_id"] = "x9"
    observed = observe(write_source(tables), settings)
    same(observed, count_patients(tables, SINCE, ISSUED_AT))


def test_a_listed_unit_without_patients_is_zero_and_an_unlisted_one_has_no_series(
    write_source: Write, patients: Patients, settings: Settings
) -> None:
    tables = patients(START, HOURS)
    tables["bed_stay"]["unit_id"] = "other"
    assert (observe(write_source(tables), settings).loc["icu"] == 0).all()
    tables["unit"] = tables["unit"].query("unit_id != 'icu'")
    assert "icu" not in observe(write_source(tables), settings).index


def test_the_roster_of_the_horizon_adds_up_per_shift(
    write_source: Write, patients: Patients, settings: Settings
) -> None:
    tables = patients(START, HOURS)
    frames = extract(connect(write_source(tables)), settings.site("north"), settings, SINCE, ISSUED_AT)
    roster = frames["scheduled_shift"]
    assert roster[["unit_id", "heads"]].to_dict("records") == [{"unit_id": "ed", "heads": 7}]
    assert roster["shift_start"].item() == pd.Timestamp(ISSUED_AT + timedelta(hours=4))


def test_a_source_without_a_roster_has_an_empty_one(
    write_source: Write, patients: Patients, settings: Settings, database_url: str
) -> None:
    tables = patients(START, HOURS)
    del tables["scheduled_shift"]
    frames = extract(connect(write_source(tables)), settings.site("north"), settings, SINCE, ISSUED_AT)
    pd.testing.assert_frame_equal(frames["scheduled_shift"], SCHEDULED_SHIFT.empty())
    of_the_past = extract_roster(connect(database_url), settings.site("north"), settings, SINCE, ISSUED_AT)
    pd.testing.assert_frame_equal(of_the_past, SCHEDULED_SHIFT.empty())


def test_a_past_roster_is_read_between_two_times(
    write_source: Write, patients: Patients, settings: Settings
) -> None:
    source, north = connect(write_source(patients(START, HOURS))), settings.site("north")
    shift = ISSUED_AT + timedelta(hours=4)
    (known,) = extract_roster(source, north, settings, shift, shift + timedelta(hours=1)).to_dict("records")
    assert (known["unit_id"], known["heads"]) == ("ed", 7)
    (past,) = extract_roster(source, north, settings, SINCE, shift).to_dict("records")
    assert (past["unit_id"], past["heads"]) == ("icu", 3)
    assert extract_roster(source, north, settings, shift + timedelta(days=2), shift + timedelta(days=3)).empty


def test_mapped_names_are_read_the_same(
    write_source: Write, patients: Patients, settings: Settings, database_url: str
) -> None:
    tables = patients(START, HOURS)
    expected = observe(write_source(tables), settings)
    schema = "main" if database_url.startswith("sqlite") else "public"
    renamed = {
        "ED Encounters": tables.pop("ed_visit").rename(
            columns={"arrived_at": "ARRIVAL_DTTM", "visit_id": "order"}
        ),
        **tables,
    }
    engine = sa.create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE ed_visit"))
    engine.dispose()
    source = settings.source.model_copy(
        update={
            "tables": {"ed_visit": f"{schema}.ED Encounters"},
            "columns": {"ed_visit": {"arrived_at": "ARRIVAL_DTTM", "visit_id": "order"}},
        }
    )
    mapped = settings.model_copy(update={"source": source})
    same(observe(write_source(renamed), mapped), expected)


def test_a_time_with_a_zone_is_the_same_moment(
    postgres_url: str, patients: Patients, settings: Settings
) -> None:
    tables = patients(START, HOURS)
    engine = sa.create_engine(postgres_url)
    for name, frame in tables.items():
        zoned = frame.copy()
        for column in frame.columns[frame.dtypes.map(lambda kind: kind.kind == "M")]:
            zoned[column] = frame[column].dt.tz_localize("UTC").dt.tz_convert("Asia/Kolkata")
        zoned.to_sql(name, engine, index=False)
    engine.dispose()
    same(observe(postgres_url, settings), count_patients(tables, SINCE, ISSUED_AT))


def test_an_hour_that_is_none_is_refused(write_source: Write, patients: Patients, settings: Settings) -> None:
    engine = connect(write_source(patients(START, 48)))
    site = settings.site("north")
    with pytest.raises(ValueError, match="not an aware time on the hour"):
        extract(engine, site, settings, SINCE, ISSUED_AT + timedelta(minutes=1))
    with pytest.raises(ValueError, match="nothing to extract"):
        extract(engine, site, settings, ISSUED_AT, ISSUED_AT)


def test_only_counts_leave_the_database(
    write_source: Write, patients: Patients, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = patients(START, HOURS)
    engine = connect(write_source(tables))
    asked: list[str] = []
    sa.event.listen(engine, "before_cursor_execute", lambda *event: asked.append(event[2]))
    frames = extract(engine, settings.site("north"), settings, SINCE, ISSUED_AT)
    identifiers = {*tables["ed_visit"]["visit_id"], *tables["bed_stay"]["stay_id"]}
    for frame in frames.values():
        assert not np.isin(frame.select_dtypes("str").to_numpy().ravel(), list(identifiers)).any()
    assert not [
        query
        for query in asked
        if query.lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE", "CREATE"))
    ]
