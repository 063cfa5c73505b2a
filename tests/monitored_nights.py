"""Nights of the plain hospitals, published as known then by a champion that is wrong about two units."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest

from forecasting import pipeline, warehouse
from forecasting.config import Settings, read_settings
from forecasting.deployment import Deployment
from forecasting.models import Climatology
from forecasting.models.calibration import Calibration
from forecasting.models.ensemble import Learnt, Weights
from forecasting.models.nightly.members import refitted
from forecasting.models.nightly.trained import TrainedEnsemble
from forecasting.models.quantile_table import LEAD_BUCKETS
from forecasting.pipeline.night import as_row
from forecasting.schema import (
    FORECAST,
    OBSERVATION,
    SHADOW_FORECAST,
    STAFFING_RECOMMENDATION,
    Target,
)
from forecasting.staging import Stage
from forecasting.tracking import Registry

CONFIG = Path(__file__).parent / "hospital.toml"
SHORTER = {"days = 7": "days = 1", "history_days = 140": "history_days = 140\nlookback_days = 1"}
"""What is changed of that configuration: outcomes are final sooner, and less is forecast."""
LAST_NIGHT = date(2026, 6, 10)
FIRST_NIGHT = LAST_NIGHT - timedelta(days=11)
WRONG = (("north", "icu"), ("west", "ward"))
DAYS_BEFORE = 100


@pytest.fixture(scope="session")
def monitored_hospitals(
    tmp_path_factory: pytest.TempPathFactory,
    blank_mlflow: Path,
    observations: Callable[..., pd.DataFrame],
) -> Path:
    """The folder of an installation that published twelve nights; don't write to it."""
    place = _installation(tmp_path_factory.mktemp("monitored"))
    text = CONFIG.read_text()
    for stands, changed in SHORTER.items():
        text = text.replace(stands, changed)
    place.config.write_text(text)
    settings = read_settings(place.config)
    shutil.copy(blank_mlflow, place.var / "mlflow.db")
    pipeline.migrate(place)
    register_wrong_champion(place, settings)
    history = observations(DAYS_BEFORE, days_after=3)
    for night in pd.date_range(FIRST_NIGHT, LAST_NIGHT):
        publish_night(place, settings, night.date(), history)
    return place.var


@pytest.fixture
def monitored(monitored_hospitals: Path, tmp_path: Path) -> Deployment:
    """An installation of its own over a copy of the monitored nights, under the same MLflow files."""
    var = tmp_path / "var"
    shutil.copytree(monitored_hospitals, var)
    return _installation(var)


def _installation(var: Path) -> Deployment:
    return Deployment(config=var / "hospital.toml", var=var)


def register_wrong_champion(place: Deployment, settings: Settings) -> None:
    """Let a model speak for the census that is climatology, but far too high in the units of ``WRONG``."""
    levels = settings.horizon.quantile_levels
    far = np.full((LEAD_BUCKETS, len(levels)), 1.5)
    learnt = Learnt(Weights.equal([Climatology.name]), Calibration(levels, dict.fromkeys(WRONG, far)))
    census = Target.BED_CENSUS
    issued_at = settings.issued_at(FIRST_NIGHT - timedelta(days=1))
    member = refitted(Climatology.name, census, settings)
    folder = place.var / "wrong"
    TrainedEnsemble(census, {Climatology.name: member}, learnt, issued_at).save(folder, settings)
    registry = Registry(place.mlflow)
    mlflow.set_experiment(experiment_id=_experiment(place))
    with mlflow.start_run() as run:
        pass
    frame = pd.DataFrame({"value": [1.0]})
    loader = "forecasting.models.nightly.serving"
    version = registry.register(census, run.info.run_id, folder, loader, (frame, frame), {}, issued_at)
    registry.promote(census, version, issued_at)


def publish_night(
    place: Deployment,
    settings: Settings,
    night: date,
    history: pd.DataFrame,
    site_ids: Sequence[str] = ("north", "west"),
) -> None:
    """Record what the night reads of these hours, forecast, and publish without a staffing plan."""
    issued_at = settings.issued_at(night)
    engine = warehouse.connect(place.warehouse)
    key = pipeline.NightKey(night, f"scheduled__{night}", "")
    for site_id in site_ids:
        last = warehouse.last_observed(engine, site_id, issued_at)
        known = history[(history["site_id"] == site_id) & (history["valid_at"] < issued_at)]
        if last is not None:
            known = known[known["valid_at"] >= last - timedelta(days=settings.source.lookback_days)]
        warehouse.record_observations(engine, site_id, issued_at, OBSERVATION.conform(known))
        warehouse.open_night(engine, as_row(settings, key, site_id))
        stage = Stage(place.staging, night, site_id)
        stage.write_record("verdict", {"state": "passed", "why": "", "data_digest": "d41d"})
        stage.write_record("recorded", "d41d")
        pipeline.forecast_site(place, key, site_id)
        forecast, shadow = stage.read(FORECAST), stage.read(SHADOW_FORECAST)
        digest = f"{site_id} {night} {forecast['model_version'].max()}"
        warehouse.publish(
            engine,
            replace(as_row(settings, key, site_id), output_digest=digest),
            forecast,
            STAFFING_RECOMMENDATION.empty(),
            shadow,
        )


def _experiment(place: Deployment) -> str:
    mlflow.set_tracking_uri(place.mlflow)
    return str(mlflow.create_experiment("champions", (place.var / "mlflow").as_uri()))
