"""Observations to a champion: train, compare with the baseline, promote."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd
import structlog

from forecasting import warehouse
from forecasting.config import Settings, Training, read_settings
from forecasting.deployment import Deployment
from forecasting.outcome import TrainingFailed, TrainingNotNeeded
from forecasting.pipeline.champion import load_champion
from forecasting.pipeline.ingest import recorded
from forecasting.pipeline.night import NightKey, timed
from forecasting.schema import Target
from forecasting.staging import Stage, digest
from forecasting.tracking import Champion, Registry, Runs

if TYPE_CHECKING:
    from forecasting.evaluate import Verdict
    from forecasting.models.tft import TrainedTFT

log = structlog.get_logger()

SCORES = ["wql", "mae", "bias", "coverage_80", "coverage_90", "skill"]
EXAMPLE_ROWS = 48
CHAMPION = "champion"

Retrain = Literal["auto", "always", "refresh", "never"]


def train_target(
    place: Deployment,
    key: NightKey,
    target: Target,
    retrain: Retrain = "auto",
    trial: Mapping[str, int] | None = None,
) -> str:
    """Train the target's TFT over all sites, compare it with the baseline, and let the better one speak.

    Run it in an interpreter of its own: CUDA can't be used again after a fork.

    Args:
        place: this installation.
        key: the night.
        target: what to forecast.
        retrain: whether to train from nothing (``always``), to go on from the champion (``refresh``), or
            not at all. ``auto`` trains where there is no champion or its root is too old, and refreshes it
            on the nights between.
        trial: values of the configuration's ``[training]`` to change for this once.

    Returns:
        One sentence: what was trained, and who speaks now.

    Raises:
        TrainingNotNeeded: the champion is young enough, or ``retrain`` is ``never``, or this is not the first
            of several nodes (``NODE_RANK``).
        TrainingFailed: it diverged, or the history is too short; who spoke before goes on speaking.
    """
    settings = _changed(read_settings(place.config), trial or {})
    issued_at = settings.issued_at(key.night)
    stage = Stage(place.staging, key.night)
    registry, runs = Registry(place.mlflow), Runs(place.mlflow, place.artifacts)
    root = _root(registry, settings, target, issued_at, retrain)
    if node := int(os.environ.get("NODE_RANK", "0")):
        _help(place, key, settings, target, root)
        raise TrainingNotNeeded(f"node {node} has done its part; node 0 compares and promotes")
    with timed(stage, f"train_{target.value}"):
        history = recorded(place, settings, settings.site_ids, target, issued_at)
        run_id = runs.open_training(
            key.mlflow_run_id, f"{target.value} tft", {"target": target.value, "began_from": root.name}
        )
        runs.log_params(run_id, settings.training.model_dump())
        runs.log_dataset(run_id, history, f"{target.value} observations", digest({"history": history}))
        try:
            why = _learn(place, key, settings, target, history, run_id, root)
        except TrainingFailed as error:
            stage.write_record(f"training_{target.value}", f"training failed: {error}")
            runs.tag(run_id, {"why": str(error)})
            runs.close(run_id, succeeded=False)
            raise
        stage.write_record(f"training_{target.value}", why)
        runs.tag(run_id, {"why": why})
        runs.close(run_id, succeeded=True)
    log.info("trained", target=target.value, night=str(key.night), stage="train", why=why)
    return why


def _help(place: Deployment, key: NightKey, settings: Settings, target: Target, root: _Root) -> None:
    """Train on another machine of ``training.nodes``; the first one keeps what comes of it."""
    from forecasting.features import build_panel
    from forecasting.models import tft

    issued_at = settings.issued_at(key.night)
    history = recorded(place, settings, settings.site_ids, target, issued_at)
    panel = build_panel(history, target, settings, issued_at, settings.sites)
    tft.train(panel, settings, issued_at, target, _folder(place, key, target), None, root.network)


def _folder(place: Deployment, key: NightKey, target: Target) -> Path:
    """Where the checkpoints of a training lie."""
    return place.var.absolute() / "training" / f"night={key.night}" / target.value


@dataclass(frozen=True)
class _Root:
    """Where a training begins."""

    at: datetime
    """Issue time of the training from nothing that this one goes back to."""
    version: str = ""
    """The registered version that it goes on from; "" from nothing."""
    network: TrainedTFT | None = None

    @property
    def name(self) -> str:
        """Where it begins, in words."""
        return f"version {self.version}" if self.version else "nothing"


def _learn(
    place: Deployment,
    key: NightKey,
    settings: Settings,
    target: Target,
    history: pd.DataFrame,
    run_id: str,
    root: _Root,
) -> str:
    """Train, score beside the baseline on held-out nights, register, and promote what is better.

    A champion that was refreshed must also be beaten as it was.
    """
    from forecasting import evaluate
    from forecasting.features import build_panel
    from forecasting.models import Climatology, backcast, holdout_issue_times, tft

    issued_at = settings.issued_at(key.night)
    registry, runs = Registry(place.mlflow), Runs(place.mlflow, place.artifacts)
    panel = build_panel(history, target, settings, issued_at, settings.sites)
    folder = _folder(place, key, target)
    with runs.watch(run_id):
        logger = runs.epoch_logger(run_id)
        network = tft.train(panel, settings, issued_at, target, folder, logger, root.network)

    nights = holdout_issue_times(settings, issued_at)
    rivals = {network.name: network.predict, Climatology.name: _climatology(settings, target)}
    if root.network:
        rivals[CHAMPION] = root.network.predict
    spoken = [backcast(rival, panel, nights).assign(model=name) for name, rival in rivals.items()]
    hours = evaluate.scored_hours(pd.concat(spoken, ignore_index=True), history)
    scores = evaluate.score_series(hours)
    verdict = evaluate.better(hours, target)
    if verdict.better and root.network:
        verdict = evaluate.better(hours, target, champion=CHAMPION)
    runs.log_metrics(run_id, {**network.scores, **_overall(scores)})
    runs.log_table(run_id, scores, "held_out_scores.csv")

    network.save(folder / "model")
    version = registry.register(
        target,
        run_id,
        folder / "model",
        loader_module="forecasting.models.tft.serving",
        example=_example(panel, spoken[0]),
        tags={"night": str(key.night), "why": verdict.why},
    )
    if verdict.better:
        registry.promote(target, version, issued_at, root.at)
    decision = _decision(verdict, target, key, version, root, run_id)
    warehouse.record_promotion(warehouse.connect(place.warehouse), decision)
    return verdict.why


def _decision(
    verdict: Verdict, target: Target, key: NightKey, version: str, root: _Root, run_id: str
) -> dict[str, Any]:
    """The verdict as a row of MODEL_PROMOTION."""
    from forecasting.models import Climatology

    refreshed = verdict.champion == CHAMPION
    evidence = verdict.evidence
    return {
        "target": target.value,
        "night": key.night,
        "decided_at": datetime.now(UTC),
        "challenger": verdict.challenger,
        "challenger_version": version,
        "champion": verdict.challenger if refreshed else verdict.champion,
        "champion_version": root.version if refreshed else Climatology.version,
        "promoted": verdict.better,
        "why": verdict.why,
        "challenger_wql": evidence and evidence.challenger_wql,
        "champion_wql": evidence and evidence.champion_wql,
        "difference": evidence and evidence.difference,
        "difference_low": evidence and evidence.low,
        "difference_high": evidence and evidence.high,
        "hours": evidence and evidence.hours,
        "issue_times": evidence and evidence.issue_times,
        "mlflow_run_id": run_id,
    }


def _example(panel: pd.DataFrame, forecast: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A few rows that go in, early and late ones so that what may be missing is, and some that come out."""
    from forecasting.models.tft.serving import without_zones

    ends = pd.concat([panel.head(EXAMPLE_ROWS), panel.tail(EXAMPLE_ROWS)])
    return without_zones(ends), without_zones(forecast.head(EXAMPLE_ROWS))


def _climatology(settings: Settings, target: Target) -> Callable[[pd.DataFrame, datetime], pd.DataFrame]:
    from forecasting.models import Climatology

    return lambda panel, night: Climatology.fit(panel, settings, night, target).predict(panel, night)


def _overall(scores: pd.DataFrame) -> dict[str, float]:
    """The scores over all series, named for a run's metrics."""
    from forecasting.evaluate import ALL

    overall = scores[scores["site_id"] == ALL].melt(["model"], SCORES).dropna()
    names = "held_out/" + overall["model"] + "/" + overall["variable"]
    return dict(zip(names, overall["value"].astype(float), strict=True))


def _changed(settings: Settings, trial: Mapping[str, int]) -> Settings:
    training = Training.model_validate({**settings.training.model_dump(), **trial})
    return settings.model_copy(update={"training": training})


def _root(
    registry: Registry, settings: Settings, target: Target, issued_at: datetime, retrain: Retrain
) -> _Root:
    """Where tonight's training begins.

    Raises:
        TrainingNotNeeded: nowhere.
    """
    if retrain == "never":
        raise TrainingNotNeeded("retrain = never")
    champion = registry.champion(target, issued_at)
    if retrain == "always" or champion is None:
        return _Root(issued_at)
    training = settings.training
    age = issued_at - champion.rooted_at
    if retrain == "auto":
        if age >= timedelta(days=training.retrain_after_days):
            return _Root(issued_at)
        if champion.issued_at == issued_at or not training.refresh_epochs:
            raise TrainingNotNeeded(
                f"version {champion.version} is {age.days} days old; "
                f"it is trained again after {training.retrain_after_days}"
            )
    return _refresh(registry, champion, settings) or _Root(issued_at)


def _refresh(registry: Registry, champion: Champion, settings: Settings) -> _Root | None:
    """The champion as a root, where it is of the size and reach that the settings ask for."""
    from forecasting.models import tft

    network = load_champion(registry, champion)
    if not tft.can_refresh(network, settings):
        return None
    return _Root(champion.rooted_at, champion.version, network)
