"""Files of a hospital are counted as its tables would be, however often and in whatever order they come."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import hospital_files
import pandas as pd
import pytest
import sqlalchemy as sa

from forecasting import pipeline
from forecasting.config import Settings, read_settings
from forecasting.deployment import Deployment
from forecasting.extract import connect, extract
from forecasting.load import LoadRefused
from forecasting.simulate import Hospital, simulate
from forecasting.simulate.source import write_source

pytestmark = pytest.mark.integration

CONFIG = Path(__file__).parents[2] / "hospital.toml"
START = datetime(2026, 3, 4, 5, tzinfo=UTC)
UNTIL = START + timedelta(days=7)
SINCE = START + timedelta(days=1)
"""The night of 8 March 2026 had no hour from two to three in both zones."""


@pytest.fixture(scope="module")
def settings() -> Settings:
    return read_settings(CONFIG)


@pytest.fixture(scope="module")
def hospital(settings: Settings) -> Hospital:
    return simulate(settings, START, UNTIL, seed=5)


@pytest.fixture(scope="module")
def truth(hospital: Hospital, settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> pd.Series:
    url = f"sqlite:///{tmp_path_factory.mktemp('source') / 'source.db'}"
    write_source(hospital, sa.create_engine(url))
    return hours(url, settings)


def hours(url: str, settings: Settings) -> pd.Series:
    frames = [
        extract(connect(url), site, settings, SINCE, UNTIL)["observation"].assign(site_id=site.site_id)
        for site in settings.sites
    ]
    return pd.concat(frames).set_index(["site_id", "unit_id", "target", "valid_at"])["value"].sort_index()


def load(
    place: Deployment, *paths: Path, time_zone: Any = "site", columns: Mapping[str, Any] = {}
) -> pipeline.Loaded:
    return pipeline.load_source(place, paths, time_zone, columns)


@pytest.fixture
def place(tmp_path: Path, database_url: str) -> Deployment:
    return Deployment(config=CONFIG, var=tmp_path, source_url=database_url, load_key="a long random word")


def test_a_feed_of_messages_is_counted_as_the_tables_are(
    hospital: Hospital, settings: Settings, truth: pd.Series, place: Deployment, tmp_path: Path
) -> None:
    told = hospital_files.messages(hospital, settings, seed=1)
    folder = tmp_path / "feed"
    folder.mkdir()
    for number, some in enumerate((told[: len(told) // 2], told[len(told) // 3 :])):
        (folder / f"{number}.hl7").write_text("".join(some), newline="")
        load(place, folder / f"{number}.hl7")
    pd.testing.assert_series_equal(hours(place.source, settings), truth)
    again = load(place, folder)
    assert not again.told.left_out
    pd.testing.assert_series_equal(hours(place.source, settings), truth)
    assert "PLANTED" not in everything(place)
    assert "MRN" not in everything(place)


def test_a_visit_that_changes_its_number_is_one_stay_in_whatever_order_and_however_often_it_is_told(
    place: Deployment, tmp_path: Path
) -> None:
    admitted = hospital_files.message("A01", "V1", "icu", "202603041200")
    renumbered = hospital_files.message("A50", "V2", "icu", "202603041300", prior="V1")
    again = hospital_files.message("A50", "V3", "icu", "202603041400", prior="V2")
    left = hospital_files.message("A03", "V3", "icu", "202603041800")
    for number, told in enumerate((left, renumbered, admitted, again, again)):
        (tmp_path / f"{number}.hl7").write_text(told, newline="")
        loaded = load(place, tmp_path / f"{number}.hl7")
        assert not loaded.told.left_out
    load(place, tmp_path)
    with sa.create_engine(place.source).connect() as connection:
        stays = connection.execute(sa.text("SELECT bed_from, bed_to FROM bed_stay")).fetchall()
    assert [(str(since)[:16], str(until)[:16]) for since, until in stays] == [
        ("2026-03-04 17:00", "2026-03-04 23:00")
    ]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("no url", "HOSPITAL_SOURCE_URL is no database that can be written"),
        ("postgresql+psycopg://loader:hunter2@127.0.0.1:1/adt", "can't be written: connection failed"),
        ("sqlite:////no/such/folder/adt.db", "can't be written: unable to open database file"),
    ],
)
def test_a_database_that_cannot_be_written_is_told_without_its_password(
    tmp_path: Path, url: str, said: str
) -> None:
    (tmp_path / "unit.csv").write_text("site_id,unit_id\nnorth,icu\n")
    place = Deployment(config=CONFIG, var=tmp_path, source_url=url, load_key="word")
    with pytest.raises(LoadRefused, match=said) as refusal:
        load(place, tmp_path)
    assert "hunter2" not in str(refusal.value)


def test_what_postgresql_refuses_to_keep_is_loaded_without_it(place: Deployment, tmp_path: Path) -> None:
    (tmp_path / "unit.csv").write_text(
        "site_id,unit_id,name,staffed_beds\nnorth,i\x00cu,W\x00ard,99999999999\n"
    )
    (tmp_path / "a.hl7").write_text(hospital_files.message("A01", "V1", "x\x00y", "202603041200"), newline="")
    (tmp_path / "a.ndjson").write_text(
        '{"resourceType": "Encounter", "id": "1", "status": "finished", "class": {"code": "IMP"}, '
        '"serviceProvider": {"display": "north"}, "period": {"start": "2026-03-04T12:00:00Z"}, '
        '"location": [{"location": {"display": "w\\u0000z"}}]}'
    )
    loaded = load(place, tmp_path)
    assert not loaded.told.left_out
    with sa.create_engine(place.source).connect() as connection:
        units = {str(unit) for (unit,) in connection.execute(sa.text("SELECT unit_id FROM bed_stay"))}
    assert units == {"xy", "wz"}


def test_an_export_and_what_it_later_withdraws(
    hospital: Hospital, settings: Settings, truth: pd.Series, place: Deployment, tmp_path: Path
) -> None:
    lines = hospital_files.encounters(hospital)
    wrong = lines[0].replace('"id": "', '"id": "wrong-')
    (tmp_path / "Encounter.ndjson").write_text("\n".join([*lines, wrong]))
    load(place, tmp_path)
    withdrawn = wrong.replace("finished", "entered-in-error")
    (tmp_path / "Encounter.ndjson").write_text("\n".join([*lines[:50], withdrawn]))
    load(place, tmp_path)
    pd.testing.assert_series_equal(hours(place.source, settings), truth)


def test_tables_under_other_names_and_clocks(
    hospital: Hospital, settings: Settings, truth: pd.Series, place: Deployment, tmp_path: Path
) -> None:
    hospital_files.tables(hospital, settings, tmp_path)
    columns = {"ed_visit": {"arrived_at": "ARR", "departed_at": "DEP"}}
    loaded = load(place, tmp_path, columns=columns)
    assert loaded.written == {
        "ed_visit": len(hospital.ed_visit),
        "bed_stay": len(hospital.bed_stay),
        "unit": 4,
    }
    load(place, tmp_path, columns=columns)
    pd.testing.assert_series_equal(hours(place.source, settings), truth)


def test_times_without_an_offset_are_read_on_the_clock_that_is_named(
    settings: Settings, place: Deployment, tmp_path: Path
) -> None:
    (tmp_path / "ed_visit.csv").write_text(
        "visit_id,site_id,arrived_at\n1,north,2026-03-01 12:00\n2,west,2026-03-01 12:00\n3,north,noon\n4,,\n"
    )
    loaded = load(place, tmp_path)
    with sa.create_engine(place.source).connect() as connection:
        arrived = connection.execute(sa.text("SELECT site_id, arrived_at FROM ed_visit")).fetchall()
    assert {site: str(at)[:13] for site, at in arrived} == {
        "north": "2026-03-01 17",
        "west": "2026-03-01 20",
    }
    assert sum(loaded.told.left_out.values()) == 2


def test_a_folder_holds_a_table_in_parts_and_what_is_not_read_is_counted(
    place: Deployment, tmp_path: Path
) -> None:
    folder = tmp_path / "feed"
    folder.mkdir()
    head = "visit_id,site_id,arrived_at\n"
    (folder / "ed_visit_2026-03-01.csv").write_text(f"{head}1,north,2026-03-01 12:00\n")
    (folder / "ed_visit.2.csv.gz").write_bytes(gzip.compress(f"{head}2,north,2026-03-02 12:00\n".encode()))
    for name in ("notes.docx", "README", "ed_visit.csv.zip"):
        (folder / name).write_text("not read")
    loaded = load(place, folder)
    assert loaded.written["ed_visit"] == 2
    assert set(loaded.told.left_out) == {
        f"files of another format ({ending})" for ending in (".docx", "no ending", ".zip")
    }


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("visits.csv", "a\n", "no table is called 'visits'; rename it"),
        ("ed_visit.csv", "visit_id,site_id\n1,north\n", "no column 'arrived_at'"),
        ("ed_visit.parquet", "no parquet", "can't be read as parquet"),
        ("ed_visit.csv", "", "can't be read as csv"),
        ("ed_visit.xlsx", "", "nothing to load; allowed endings: .hl7"),
    ],
)
def test_files_that_cannot_be_used_are_told(tmp_path: Path, name: str, content: str, says: str) -> None:
    place = Deployment(config=CONFIG, var=tmp_path, load_key="word")
    (tmp_path / name).write_text(content)
    with pytest.raises(LoadRefused, match=says):
        load(place, tmp_path / name)


def test_loading_refuses_tables_that_it_did_not_make_and_a_missing_key(
    hospital: Hospital, tmp_path: Path
) -> None:
    (tmp_path / "unit.csv").write_text("site_id,unit_id\nnorth,icu\n")
    with pytest.raises(LoadRefused, match="HOSPITAL_LOAD_KEY is not set"):
        load(Deployment(config=CONFIG, var=tmp_path), tmp_path)
    place = Deployment(config=CONFIG, var=tmp_path / "other", load_key="word")
    place.var.mkdir()
    write_source(hospital, sa.create_engine(place.source))
    with pytest.raises(LoadRefused, match="not loaded from files"):
        load(place, tmp_path / "unit.csv")


def everything(place: Deployment) -> str:
    engine = sa.create_engine(place.source)
    with engine.connect() as connection:
        return " ".join(
            str(connection.execute(sa.text(f"SELECT * FROM {name}")).fetchall())  # noqa: S608
            for name in sa.inspect(engine).get_table_names()
        )
