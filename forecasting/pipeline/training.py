"""Observations to a champion: train, compare with the baseline, promote."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Literal

import pandas as pd
import structlog

from forecasting.config import Settings, Training, read_settings
from forecasting.deployment import Deployment
from forecasting.outcome import TrainingFailed, TrainingNotNeeded
from forecasting.pipeline.ingest import recorded
from forecasting.pipeline.night import NightKey, timed
from forecasting.schema import Target
from forecasting.staging import Stage, digest
from forecasting.tracking import Champion, Registry, Runs

log = structlog.get_logger()

SCORES = ["wql", "mae", "bias", "coverage_80", "coverage_90", "skill"]
EXAMPLE_ROWS = 48

Retrain = Literal["auto", "always", "never"]


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
        retrain: whether to train at all; ``auto`` does when there is no champion or it is too old.
        trial: values of the configuration's ``[training]`` to change for this once.

    Returns:
        One sentence: what was trained, and who speaks now.

    Raises:
        TrainingNotNeeded: the champion is young enough, or ``retrain`` is ``never``.
        TrainingFailed: it diverged, or the history is too short; who spoke before goes on speaking.
    """
    settings = _changed(read_settings(place.config), trial or {})
    issued_at = settings.issued_at(key.night)
    stage = Stage(place.staging, key.night)
    registry, runs = Registry(place.mlflow), Runs(place.mlflow, place.artifacts)
    _refuse_needless(registry.champion(target, issued_at), settings, issued_at, retrain)
    with timed(stage, f"train_{target.value}"):
        history = recorded(place, settings, settings.site_ids, target, issued_at)
        run_id = runs.open_training(key.mlflow_run_id, f"{target.value} tft", {"target": target.value})
        runs.log_params(run_id, settings.training.model_dump())
        runs.log_dataset(run_id, history, f"{target.value} observations", digest({"history": history}))
        try:
            why = _learn(place, key, settings, target, history, run_id)
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


def _learn(
    place: Deployment, key: NightKey, settings: Settings, target: Target, history: pd.DataFrame, run_id: str
) -> str:
    """Train, score beside the baseline on held-out nights, register, and promote what is better."""
    from forecasting import evaluate
    from forecasting.features import build_panel
    from forecasting.models import backcast, holdout_issue_times, tft

    issued_at = settings.issued_at(key.night)
    registry, runs = Registry(place.mlflow), Runs(place.mlflow, place.artifacts)
    panel = build_panel(history, target, settings, issued_at, settings.sites)
    folder = place.var.absolute() / "training" / f"night={key.night}" / target.value
    network = tft.train(panel, settings, issued_at, target, folder, runs.epoch_logger(run_id))

    nights = holdout_issue_times(settings, issued_at)
    rivals = (network.predict, _climatology(settings, target))
    spoken = [backcast(forecast, panel, nights) for forecast in rivals]
    scores = evaluate.score(pd.concat(spoken, ignore_index=True), history)
    verdict = evaluate.better(scores, target)
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
        registry.promote(target, version, issued_at)
    return verdict.why


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


def _refuse_needless(
    champion: Champion | None, settings: Settings, issued_at: datetime, retrain: Retrain
) -> None:
    if retrain == "never":
        raise TrainingNotNeeded("retrain = never")
    if retrain == "auto" and champion is not None:
        age = issued_at - champion.issued_at
        if age < timedelta(days=settings.training.retrain_after_days):
            raise TrainingNotNeeded(
                f"version {champion.version} is {age.days} days old; "
                f"it is trained again after {settings.training.retrain_after_days}"
            )
