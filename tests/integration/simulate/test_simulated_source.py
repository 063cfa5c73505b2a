from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from forecasting.config import Settings
from forecasting.simulate import (
    Hospital,
    SourceInUseError,
    is_simulated,
    simulate,
    simulate_source,
    write_source,
    write_truth,
)

pytestmark = pytest.mark.integration

START = datetime(2024, 1, 1, 5, tzinfo=UTC)
UNTIL = datetime(2024, 3, 20, 7, tzinfo=UTC)
TABLES = ("ed_visit", "bed_stay", "unit", "scheduled_shift")


@pytest.fixture(scope="module")
def hospital(settings: Settings) -> Hospital:
    return simulate(settings, START, UNTIL, seed=3)


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    engine = sa.create_engine(database_url)
    yield engine
    engine.dispose()


def count(engine: sa.Engine, table: str) -> int:
    with engine.connect() as connection:
        return int(connection.scalar(sa.text(f"SELECT count(*) FROM {table}")) or 0)  # noqa: S608


def test_what_is_written_reads_back_the_same(hospital: Hospital, engine: sa.Engine) -> None:
    written = write_source(hospital, engine)
    assert written == {name: len(getattr(hospital, name)) for name in TABLES}
    for name in TABLES:
        expected = getattr(hospital, name).drop(columns=["patient", "visit_id"] if name == "bed_stay" else [])
        instants = list(expected.select_dtypes("datetimetz").columns)
        read = pd.read_sql_query(f"SELECT * FROM {name}", engine, parse_dates=instants)  # noqa: S608
        for column in instants:
            assert read[column].dt.tz is None
            read[column] = read[column].dt.tz_localize("UTC").astype(expected[column].dtype)
        pd.testing.assert_frame_equal(read, expected, check_dtype=False, obj=name)


def test_counts_per_hour_come_out_of_plain_sql(hospital: Hospital, engine: sa.Engine) -> None:
    write_source(hospital, engine)
    day = datetime(2024, 2, 1)  # noqa: DTZ001 - the source's times have no zone
    span = {"first": day, "last": day + timedelta(hours=6)}
    query = sa.text(
        "SELECT count(*) FROM ed_visit WHERE arrived_at >= :first AND arrived_at < :last"
    ).bindparams(sa.bindparam("first", type_=sa.DateTime), sa.bindparam("last", type_=sa.DateTime))
    with engine.connect() as connection:
        counted = connection.scalar(query, span)
    arrived = hospital.ed_visit["arrived_at"].dt.tz_localize(None)
    assert counted == ((arrived >= span["first"]) & (arrived < span["last"])).sum() > 0


def test_writing_again_replaces(hospital: Hospital, engine: sa.Engine) -> None:
    assert not is_simulated(engine)
    write_source(hospital, engine)
    assert is_simulated(engine)
    write_source(hospital, engine)
    assert count(engine, "ed_visit") == len(hospital.ed_visit)
    assert sa.inspect(engine).get_indexes("ed_visit")


def test_a_real_source_is_never_dropped(hospital: Hospital, engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE ed_visit (visit_id TEXT)"))
        connection.execute(sa.text("INSERT INTO ed_visit VALUES ('real')"))
    with pytest.raises(SourceInUseError, match="ed_visit that are not simulated"):
        write_source(hospital, engine)
    assert count(engine, "ed_visit") == 1


def test_a_write_that_broke_off_is_done_anew(hospital: Hospital, engine: sa.Engine) -> None:
    def broken() -> Iterator[Hospital]:
        yield hospital
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        write_source(broken(), engine)
    assert not is_simulated(engine)
    write_source(hospital, engine)
    assert is_simulated(engine)
    assert count(engine, "bed_stay") == len(hospital.bed_stay)


def test_site_by_site_gives_the_same_source_and_truth(
    hospital: Hospital, settings: Settings, engine: sa.Engine, tmp_path: Path
) -> None:
    told: list[tuple[str, int, int]] = []
    path = tmp_path / "var" / "truth.parquet"
    written = simulate_source(
        settings, START, UNTIL, 3, engine, path, lambda what, done, total: told.append((what, done, total))
    )
    assert written == {name: len(getattr(hospital, name)) for name in TABLES}
    assert told[0] == ("writing north", 0, 2)
    assert told[-1] == ("wrote west", 2, 2)
    truth = pd.read_parquet(path)
    pd.testing.assert_frame_equal(truth, hospital.truth, check_dtype=False)
    assert sorted(file.name for file in path.parent.iterdir()) == ["truth.parquet"]
    assert "truth" not in sa.inspect(engine).get_table_names()


def test_a_truth_that_broke_off_leaves_the_last_one(hospital: Hospital, tmp_path: Path) -> None:
    path = tmp_path / "truth.parquet"
    write_truth(hospital, path)
    before = path.read_bytes()

    def broken() -> Iterator[Hospital]:
        yield hospital
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        write_truth(broken(), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
