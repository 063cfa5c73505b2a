"""Training as a stage of the night: tracked, compared, promoted, and never seen by earlier nights."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from pickle import UnpicklingError

import mlflow
import pandas as pd
import pytest
import torch
from integration.pipeline.two_hospitals import NIGHT, SITES, copied, ingest
from mlflow import MlflowClient

from forecasting import pipeline, warehouse
from forecasting.config import Settings
from forecasting.deployment import Deployment
from forecasting.features import build_panel
from forecasting.models.nightly.serving import without_zones
from forecasting.outcome import TrainingFailed, TrainingNotNeeded
from forecasting.schema import FORECAST, Target
from forecasting.tracking import Registry

pytestmark = pytest.mark.integration

CENSUS = Target.BED_CENSUS


Ingested = tuple[Deployment, pipeline.NightKey]


@dataclass(frozen=True)
class Trained:
    """An installation on its first night whose census was trained and registered as version 1."""

    place: Deployment
    key: pipeline.NightKey
    said: str


@pytest.fixture(scope="module")
def first_trained(first_ingested: Ingested, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    place, key = first_ingested
    copy = copied(place, tmp_path_factory.mktemp("trained") / "var")
    return Trained(copy, key, pipeline.train_target(copy, key, CENSUS, "auto", {"seed": 11}))


@pytest.fixture
def trained(first_trained: Trained, tmp_path: Path) -> Trained:
    """That training in an installation of the test's own."""
    return replace(first_trained, place=copied(first_trained.place, tmp_path / "var"))


def _plan(place: Deployment, key: pipeline.NightKey) -> None:
    for site_id in SITES:
        pipeline.forecast_site(place, key, site_id)
        pipeline.staff_site(place, key, site_id)
        pipeline.publish_site(place, key, site_id)


def _census_of(place: Deployment) -> pd.DataFrame:
    forecast = warehouse.forecasts(warehouse.connect(place.warehouse), NIGHT)
    return forecast[forecast["target"] == "bed_census"]


def test_a_training_is_tracked_scored_and_registered(trained: Trained, settings: Settings) -> None:
    place, key, said = trained.place, trained.key, trained.said
    assert "held-out WQL of ensemble" in said

    client = MlflowClient(place.mlflow)
    (run,) = client.search_runs(
        [client.get_run(key.mlflow_run_id).info.experiment_id], "tags.kind = 'training'"
    )
    assert run.data.tags["mlflow.parentRunId"] == key.mlflow_run_id
    assert run.data.tags["airflow.url"] == "http://airflow/run"
    assert pipeline.training_run(place, key, CENSUS) == run.info.run_id
    assert pipeline.training_run(place, key, Target.ED_ARRIVALS) == key.mlflow_run_id
    assert run.data.tags["why"] == said
    assert run.info.status == "FINISHED"
    assert run.data.params["seed"] == "11"
    assert run.data.params["hidden_size"] == str(settings.training.hidden_size)
    assert {"train_loss", "validation_loss"} <= set(run.data.metrics)
    members = {"glm", "gbm", "tft", "flow"}
    told = {f"held_out/{name}/wql" for name in ("ensemble", "climatology", *members)}
    assert told <= set(run.data.metrics)
    assert sum(run.data.metrics[f"weight/{name}"] for name in members) == pytest.approx(1)
    tables = {item.path for item in client.list_artifacts(run.info.run_id)}
    assert {"held_out_scores.csv", "weights_by_lead.csv", "series_lost.csv"} <= tables

    decisions = warehouse.promotions(warehouse.connect(place.warehouse), CENSUS.value)
    (decision,) = decisions.to_dict("records")
    assert decision["why"] == said
    assert decision["mlflow_run_id"] == run.info.run_id
    assert (decision["champion"], decision["challenger"]) == ("climatology", "ensemble")
    assert decision["challenger_version"] == "1"
    assert decision["promoted"] == (decision["difference_low"] > 0)
    assert decision["challenger_wql"] == pytest.approx(run.data.metrics["held_out/ensemble/wql"])
    assert decision["champion_wql"] == pytest.approx(run.data.metrics["held_out/climatology/wql"])

    issued_at = settings.issued_at(NIGHT)
    history = warehouse.observations(
        warehouse.connect(place.warehouse), SITES, CENSUS.value, issued_at - timedelta(days=140), issued_at
    )
    panel = build_panel(history, CENSUS, settings, issued_at, settings.sites)
    mlflow.set_tracking_uri(place.mlflow)
    served = mlflow.pyfunc.load_model("models:/hospital_bed_census/1").predict(without_zones(panel))
    assert list(served.columns) == FORECAST.columns.names
    assert served["issued_at"].eq(issued_at).all()


class Bomb:
    """What would make a folder when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[..., None], tuple[str]]:
        return os.mkdir, (str(self.mark),)


def test_code_in_a_models_files_is_not_run_and_the_night_ends_by_who_is_left(
    trained: Trained, settings: Settings, tmp_path: Path
) -> None:
    place, key, mark = trained.place, trained.key, tmp_path / "code_has_run"
    Registry(place.mlflow).promote(CENSUS, "1", settings.issued_at(NIGHT))
    (weights,) = (file for file in place.var.glob("**/tft/weights.pt") if "training" not in file.parts)
    whole = weights.parents[1] / "ensemble.json"
    torch.save([Bomb(mark)], weights)
    torch.load(weights, weights_only=False)
    mark.rmdir()

    _plan(place, key)
    assert not mark.exists()
    assert set(_census_of(place)["model"]) == {"ensemble"}
    assert set(_census_of(place)["note"]) == {"The trained model speaks without the neural network."}

    whole.write_bytes(weights.read_bytes())
    _plan(place, key)
    assert not mark.exists()
    assert set(_census_of(place)["model"]) == {"climatology"}
    assert _census_of(place)["note"].str.contains("the trained model failed tonight").all()


def test_code_in_a_checkpoint_is_not_run(trained: Trained, tmp_path: Path) -> None:
    mark = tmp_path / "code_has_run"
    checkpoints = list((trained.place.var / "training").rglob("last.ckpt"))
    assert checkpoints
    for checkpoint in checkpoints:
        torch.save({"state_dict": Bomb(mark)}, checkpoint)
    with pytest.raises(UnpicklingError, match="Weights only load failed"):
        pipeline.train_target(trained.place, trained.key, CENSUS, "always", {"seed": 11})
    assert not mark.exists()


def test_the_promoted_model_speaks_and_is_not_trained_again_until_it_is_old(
    trained: Trained, settings: Settings
) -> None:
    place, key = trained.place, trained.key
    Registry(place.mlflow).promote(CENSUS, "1", settings.issued_at(NIGHT))
    with pytest.raises(TrainingNotNeeded, match="version 1 is 0 days old"):
        pipeline.train_target(place, key, CENSUS)
    with pytest.raises(TrainingNotNeeded, match="never"):
        pipeline.train_target(place, key, CENSUS, "never")
    _plan(place, key)
    forecast = warehouse.forecasts(warehouse.connect(place.warehouse), NIGHT)
    spoken = forecast.groupby("target")[["model", "model_version"]].agg(set)
    assert spoken.loc["bed_census", "model"] == {"ensemble"}
    assert spoken.loc["bed_census", "model_version"] == {"1"}
    assert spoken.loc["ed_arrivals", "model"] == {"climatology"}

    earlier = ingest(place, "test__0", NIGHT - timedelta(days=1))
    _plan(place, earlier)
    before = warehouse.forecasts(warehouse.connect(place.warehouse), earlier.night)
    assert set(before["model"]) == {"climatology"}


def test_on_the_nights_between_the_champion_is_refreshed_until_its_root_is_old(
    trained: Trained, settings: Settings
) -> None:
    place = trained.place
    registry, client = Registry(place.mlflow), MlflowClient(place.mlflow)
    registry.promote(CENSUS, "1", settings.issued_at(NIGHT))

    following = NIGHT + timedelta(days=1)
    key = ingest(place, "test__2", following)
    pipeline.train_target(place, key, CENSUS)
    (run,) = client.search_runs(
        [client.get_run(key.mlflow_run_id).info.experiment_id],
        f"tags.kind = 'training' and tags.`mlflow.parentRunId` = '{key.mlflow_run_id}'",
    )
    assert run.data.tags["began_from"] == "version 1"
    assert run.data.metrics["epochs"] == settings.training.refresh_epochs
    assert {"held_out/champion/wql", "windows_per_second", "peak_memory_mib"} <= set(run.data.metrics)
    decisions = warehouse.promotions(warehouse.connect(place.warehouse), CENSUS.value)
    assert decisions["challenger_version"].tolist() == ["1", "2"]
    assert decisions["champion"].tolist() == ["climatology", "ensemble"]
    assert decisions["champion_version"].iloc[1] == "1"
    assert decisions["champion_wql"].iloc[1] == pytest.approx(run.data.metrics["held_out/champion/wql"])
    beaten = bool(decisions["promoted"].iloc[1])
    champion = registry.champion(CENSUS, settings.issued_at(following))
    assert champion is not None
    assert champion.version == ("2" if beaten else "1")

    old = settings.issued_at(NIGHT - timedelta(days=settings.training.retrain_after_days))
    registry.promote(CENSUS, "1", settings.issued_at(NIGHT), rooted_at=old)
    registry.promote(CENSUS, "2", settings.issued_at(following), rooted_at=old)
    key = ingest(place, "test__3", NIGHT + timedelta(days=2))
    pipeline.train_target(place, key, CENSUS)
    runs = client.search_runs(
        [client.get_run(key.mlflow_run_id).info.experiment_id],
        f"tags.kind = 'training' and tags.`mlflow.parentRunId` = '{key.mlflow_run_id}'",
    )
    assert [run.data.tags["began_from"] for run in runs] == ["nothing"]
    assert "held_out/champion/wql" in runs[0].data.metrics


def test_a_torn_network_leaves_its_say_to_the_others_and_an_older_version_still_speaks(
    trained: Trained, settings: Settings
) -> None:
    place, key = trained.place, trained.key
    registry = Registry(place.mlflow)
    issued_at = settings.issued_at(NIGHT)
    registry.promote(CENSUS, "1", issued_at)
    (weights,) = (file for file in place.var.glob("**/tft/weights.pt") if "training" not in file.parts)
    whole = weights.read_bytes()
    weights.write_bytes(whole[:1000])
    _plan(place, key)
    census = _census_of(place)
    assert set(census["model"]) == {"ensemble"}
    assert census["note"].str.contains("The trained model speaks without the neural network.").all()

    weights.write_bytes(whole)
    frame = pd.DataFrame({"value": [1.0]})
    registry.register(
        CENSUS,
        registry.champion(CENSUS, issued_at).run_id,  # type: ignore[union-attr]
        weights.parent,
        "forecasting.models.tft.serving",
        (frame, frame),
        {},
        issued_at,
    )
    registry.promote(CENSUS, "2", issued_at)
    MlflowClient(place.mlflow).set_registered_model_alias("hospital_bed_census", "champion", "2")
    _plan(place, key)
    alone = _census_of(place)
    assert set(alone["model"] + " " + alone["model_version"] + alone["note"]) == {"tft 2"}
    assert mlflow.pyfunc.load_model("models:/hospital_bed_census/2") is not None


def test_where_the_network_diverges_the_other_members_are_judged(ingested: Ingested) -> None:
    place, key = ingested
    said = pipeline.train_target(place, key, CENSUS, "always", {"learning_rate": 10**30})
    assert "held-out WQL of ensemble" in said
    assert "without tft (bed_census: diverged" in said
    client = MlflowClient(place.mlflow)
    (run,) = client.search_runs(
        [client.get_run(key.mlflow_run_id).info.experiment_id], "tags.kind = 'training'"
    )
    assert run.info.status == "FINISHED"
    assert "held_out/glm/wql" in run.data.metrics
    assert "held_out/tft/wql" not in run.data.metrics
    (decision,) = warehouse.promotions(warehouse.connect(place.warehouse), CENSUS.value).to_dict("records")
    assert decision["why"] == said


def test_another_node_helps_and_leaves_the_deciding_to_the_first(
    ingested: Ingested, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, key = ingested
    monkeypatch.setenv("NODE_RANK", "1")
    with pytest.raises(TrainingNotNeeded, match="node 1 has done its part"):
        pipeline.train_target(place, key, CENSUS)
    client = MlflowClient(place.mlflow)
    experiment = client.get_run(key.mlflow_run_id).info.experiment_id
    assert not client.search_runs([experiment], "tags.kind = 'training'")
    assert not client.search_registered_models()
    assert list(place.var.glob("training/night=*/bed_census/checkpoints-*"))


def test_a_training_that_fails_is_recorded_and_the_baseline_says_so(
    place: Deployment, damage: Callable[..., None], settings: Settings
) -> None:
    first = (settings.issued_at(NIGHT) - timedelta(days=21)).strftime("%Y-%m-%d %H:%M:%S")
    damage(
        "DELETE FROM ed_visit WHERE arrived_at < :first",
        "DELETE FROM bed_stay WHERE bed_from < :first",
        first=first,
    )
    key = ingest(place)
    with pytest.raises(TrainingFailed, match="history too short"):
        pipeline.train_target(place, key, CENSUS)
    _plan(place, key)
    forecast = warehouse.forecasts(warehouse.connect(place.warehouse), NIGHT)
    notes = forecast.loc[forecast["target"] == "bed_census", "note"]
    assert notes.str.contains("too little of the past is known to train a model").all()
    assert not notes.str.contains("bed_census").any()
    client = MlflowClient(place.mlflow)
    (run,) = client.search_runs(
        [client.get_run(key.mlflow_run_id).info.experiment_id], "tags.kind = 'training'"
    )
    assert run.info.status == "FAILED"
