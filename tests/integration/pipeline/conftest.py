"""Two small simulated hospitals before, in and after their first night, copied for each test that goes on."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from integration.pipeline.two_hospitals import CONFIG, NIGHT, SITES, copied, ingest

from forecasting import pipeline
from forecasting.config import Settings
from forecasting.deployment import Deployment

Ingested = tuple[Deployment, pipeline.NightKey]


@pytest.fixture(scope="session")
def hospitals(tmp_path_factory: pytest.TempPathFactory, blank_mlflow: Path, settings: Settings) -> Deployment:
    """A simulated source that tells four days beyond the night, an empty MLflow and an empty warehouse."""
    place = Deployment(config=CONFIG, var=tmp_path_factory.mktemp("hospitals"))
    issued_at = settings.issued_at(NIGHT)
    start = issued_at - timedelta(days=settings.source.history_days)
    pipeline.simulate_source(place, start, issued_at + timedelta(days=4), seed=5)
    pipeline.migrate(place)
    shutil.copy(blank_mlflow, place.var / "mlflow.db")
    return place


@pytest.fixture(scope="session")
def first_ingested(hospitals: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Ingested:
    """The hospitals with the first night's hours in the warehouse, and with them their whole history."""
    place = copied(hospitals, tmp_path_factory.mktemp("ingested") / "var")
    return place, ingest(place)


@pytest.fixture(scope="session")
def published(hospitals: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """The hospitals after their first night, walked as ``test__1`` without training; only to be looked at."""
    place = copied(hospitals, tmp_path_factory.mktemp("published") / "var")
    pipeline.walk(place, NIGHT, SITES, "test__1", "never")
    return place


@pytest.fixture
def place(hospitals: Deployment, tmp_path: Path) -> Deployment:
    """An installation of its own before the first night."""
    return copied(hospitals, tmp_path / "var")


@pytest.fixture
def ingested(first_ingested: Ingested, tmp_path: Path) -> Ingested:
    """An installation of its own in the first night, whose hours are recorded, and that night's key."""
    place, key = first_ingested
    return copied(place, tmp_path / "var"), key


@pytest.fixture
def next_day(published: Deployment, tmp_path: Path) -> Deployment:
    """An installation of its own after the first night."""
    return copied(published, tmp_path / "var")


@pytest.fixture
def damage(tmp_path: Path) -> Callable[..., None]:
    """Run statements on the source of the test's installation, as a hospital's bad day would."""

    def run(*statements: str, **values: object) -> None:
        engine = sa.create_engine(Deployment(config=CONFIG, var=tmp_path / "var").source)
        with engine.begin() as connection:
            for statement in statements:
                connection.execute(sa.text(statement), values)
        engine.dispose()

    return run
