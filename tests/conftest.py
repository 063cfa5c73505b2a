"""Shared fixtures, and the law that every test bears exactly one marker."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as examples
from postgres_databases import postgres_database

from forecasting import warehouse
from forecasting.config import Settings, read_settings

pytest_plugins = ["plain_hospitals", "published_night", "monitored_nights", "whole_files"]

MARKERS = {"unit", "integration", "e2e"}

# How long an example takes is the machine's doing: it may be busy. The suite tries the same examples each
# time, so that it judges a change; `make fuzz` looks for others: what it finds becomes a case of its test.
_ANY_TIME = examples(deadline=None, suppress_health_check=[HealthCheck.too_slow])
examples.register_profile("same", _ANY_TIME, derandomize=True)
examples.register_profile("search", _ANY_TIME, max_examples=10_000)
examples.load_profile("same")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    unmarked = [
        item.nodeid for item in items if len(MARKERS & {mark.name for mark in item.iter_markers()}) != 1
    ]
    if unmarked:
        raise pytest.UsageError(f"needs exactly one of {sorted(MARKERS)}: {', '.join(unmarked)}")


@pytest.fixture(scope="session")
def settings() -> Settings:
    return read_settings(Path(__file__).parent / "hospital.toml")


@pytest.fixture(scope="session")
def blank_mlflow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow's database without runs: its tables take a second to make, and none to copy."""
    from forecasting.tracking import Registry

    file = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    Registry(f"sqlite:///{file}")._client.search_registered_models()
    return file


@pytest.fixture
def mlflow_url(blank_mlflow: Path, tmp_path: Path) -> str:
    """The URL of an MLflow without runs, ``mlflow.db`` in the test's folder."""
    return f"sqlite:///{shutil.copy(blank_mlflow, tmp_path / 'mlflow.db')}"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a real PostgreSQL that lives as long as the test session."""
    from benchmarks import cluster

    with cluster.postgres_server() as url:
        yield url


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """The URL of an empty PostgreSQL database, dropped after the test."""
    with postgres_database(postgres_server) as url:
        yield url


@pytest.fixture(scope="session")
def migrated_postgres(postgres_server: str) -> Iterator[str]:
    """The URL of a migrated, empty warehouse on PostgreSQL, to be copied; nobody stays connected to it."""
    with postgres_database(postgres_server) as url:
        warehouse.migrate(warehouse.connect(url))
        yield url


@pytest.fixture
def postgres_warehouse(postgres_server: str, migrated_postgres: str) -> Iterator[str]:
    """The URL of a migrated, empty warehouse on PostgreSQL, dropped after the test."""
    with postgres_database(postgres_server, template=migrated_postgres) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'database.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url
