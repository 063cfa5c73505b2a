"""Two small simulated hospitals, copied for each test, and a place to run their nights."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from forecasting import pipeline
from forecasting.config import Settings
from forecasting.deployment import Deployment

CONFIG = Path(__file__).parents[2] / "hospital.toml"
NIGHT = date(2026, 6, 10)


@pytest.fixture(scope="session")
def hospitals(tmp_path_factory: pytest.TempPathFactory, settings: Settings) -> Path:
    """A simulated source that tells four days beyond the night, an empty MLflow and an empty warehouse."""
    folder = tmp_path_factory.mktemp("hospitals")
    place = Deployment(config=CONFIG, var=folder)
    issued_at = settings.issued_at(NIGHT)
    start = issued_at - timedelta(days=settings.source.history_days)
    pipeline.simulate_source(place, start, issued_at + timedelta(days=4), seed=5)
    pipeline.migrate(place)
    # The first connection makes MLflow's tables, which takes seconds; no test needs to wait for it again.
    from forecasting.tracking import Registry

    Registry(place.mlflow)._client.search_registered_models()
    return folder


@pytest.fixture
def place(hospitals: Path, tmp_path: Path) -> Deployment:
    """An installation of its own over a copy of the hospitals."""
    var = tmp_path / "var"
    shutil.copytree(hospitals, var)
    return Deployment(config=CONFIG, var=var)


@pytest.fixture
def damage(place: Deployment) -> Callable[..., None]:
    """Run statements on the source, as a hospital's bad day would."""

    def run(*statements: str, **values: object) -> None:
        engine = sa.create_engine(place.source)
        with engine.begin() as connection:
            for statement in statements:
                connection.execute(sa.text(statement), values)
        engine.dispose()

    return run
