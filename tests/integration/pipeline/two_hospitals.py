"""Two small simulated hospitals on their first night, and a copy of their installation elsewhere."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import sqlalchemy as sa

from forecasting import pipeline
from forecasting.deployment import Deployment

CONFIG = Path(__file__).parents[2] / "hospital.toml"
NIGHT = date(2026, 6, 10)
SITES = ("north", "west")
PATHS_IN_MLFLOW = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)


def ingest(place: Deployment, run_id: str = "test__1", night: date = NIGHT) -> pipeline.NightKey:
    """Open a night and take up both sites' hours, to where a training or a forecast begins."""
    key = pipeline.open_night(place, night, SITES, run_id, {"airflow.url": "http://airflow/run"})
    for site_id in SITES:
        pipeline.extract_site(place, key, site_id)
        pipeline.validate_site(place, key, site_id)
        pipeline.record_site(place, key, site_id)
    return key


def copied(place: Deployment, var: Path) -> Deployment:
    """The same installation under another folder; MLflow, which notes whole paths, is told of the move."""
    shutil.copytree(place.var, var)
    copy = Deployment(config=place.config, var=var)
    engine = sa.create_engine(copy.mlflow)
    with engine.begin() as connection:
        for table, column in PATHS_IN_MLFLOW:
            moved = sa.text(f"UPDATE {table} SET {column} = replace({column}, :here, :there)")  # noqa: S608
            connection.execute(moved, {"here": place.var.as_uri(), "there": var.as_uri()})
    engine.dispose()
    return copy
