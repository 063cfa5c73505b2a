"""Observations to a champion: train, compare with who speaks now, promote the better."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import structlog

from forecasting import warehouse
from forecasting.config import Settings, Training, read_settings
from forecasting.deployment import Deployment
from forecasting.outcome import HistoryTooShort, NightIncomplete, TrainingFailed, TrainingNotNeeded
from forecasting.pipeline.flows import staged_flows
from forecasting.pipeline.ingest import recorded
from forecasting.pipeline.night import NightKey, timed
from forecasting.pipeline.root import Retrain, Root, Standing, find_root
from forecasting.pipeline.tracked import NO_RUN
from forecasting.pipeline.weather import staged_weather
from forecasting.schema import Target
from forecasting.staging import Stage, digest
from forecasting.tracking import Registry, Runs

if TYPE_CHECKING:
    from lightning.pytorch.loggers import Logger

    from forecasting.evaluate import Verdict
    from forecasting.models.nightly.members import KnownFlows
    from forecasting.models.nightly.trained import TrainedEnsemble
    from forecasting.models.tft import TrainedTFT

log = structlog.get_logger()

SCORES = ["wql", "mae", "bias", "coverage_80", "coverage_90", "skill"]
EXAMPLE_ROWS = 48


def train_target(
    place: Deployment,
    key: NightKey,
    target: Target,
    retrain: Retrain = "auto",
    trial: Mapping[str, int] | None = None,
) -> str:
    """Train the target's ensemble over all sites, compare it with who speaks now, and let the better speak.

    Run it in an interpreter of its own: CUDA can't be used again after a fork.

    Args:
        place: this installation.
        key: the night.
        target: what to forecast.
        retrain: whether to train the TFT from nothing (``always``), to go on from the champion's
            (``refresh``), or not at all. ``auto`` trains from nothing where there is no champion, the
            last such try is too old or the monitor asked for it since, and refreshes the champion on the
            nights between.
        trial: values of the configuration's ``[training]`` to change for this once.

    Returns:
        One sentence: what was trained, and who speaks now.

    Raises:
        TrainingNotNeeded: the champion is young enough, or ``retrain`` is ``never``, or this is not the first
            of several nodes (``NODE_RANK``), or MLflow does not know the night.
        TrainingFailed: no member could be trained, as where the history is too short; who spoke before
            goes on speaking. A TFT alone that failed leaves the ensemble to the other members.
    """
    if key.mlflow_run_id == NO_RUN:
        raise TrainingNotNeeded("MLflow did not answer when the night was opened; the next one trains")
    settings = _changed(read_settings(place.config), trial or {})
    issued_at = settings.issued_at(key.night)
    stage = Stage(place.staging, key.night)
    registry, runs = Registry(place.mlflow), Runs(place.mlflow, place.artifacts)
    asked_at = warehouse.training_asked(warehouse.connect(place.warehouse), target, key.night)
    root = find_root(registry, settings, target, issued_at, retrain, asked_at)
    if node := int(os.environ.get("NODE_RANK", "0")):
        _help(place, key, settings, target, root)
        raise TrainingNotNeeded(f"node {node} has done its part; node 0 compares and promotes")
    with timed(stage, f"train_{target.value}"):
        history = recorded(place, settings, settings.site_ids, target, issued_at)
        run_id = runs.open_training(
            key.mlflow_run_id,
            f"{target.value} ensemble {key.night}",
            {"target": target.value, "began_from": root.name},
        )
        stage.write_record(_run_record(key, target), run_id)
        runs.log_params(run_id, settings.training.model_dump())
        runs.log_dataset(run_id, history, f"{target.value} observations", digest({"history": history}))
        try:
            why, plainly = _learn(place, key, settings, target, history, run_id, root)
        except TrainingFailed as error:
            stage.write_record(f"training_{target.value}", _plainly(error))
            runs.tag(run_id, {"why": str(error)})
            runs.close(run_id, succeeded=False)
            raise
        stage.write_record(f"training_{target.value}", plainly)
        runs.tag(run_id, {"why": why})
        runs.close(run_id, succeeded=True)
    log.info("trained", target_name=target.value, night=str(key.night), stage="train", why=why)
    return why


def training_run(place: Deployment, key: NightKey, target: Target) -> str:
    """The MLflow run of the target's training, however it ended; the night's own where none began."""
    stage, record = Stage(place.staging, key.night), _run_record(key, target)
    return str(stage.read_record(record)) if stage.has(f"{record}.json") else key.mlflow_run_id


def open_training(place: Deployment, dag_run_id: str, tags: Mapping[str, str]) -> NightKey:
    """Begin a training outside the night, on what the last night that every site published knew.

    Raises:
        NightIncomplete: there is no such night.
    """
    settings = read_settings(place.config)
    night = warehouse.last_published(warehouse.connect(place.warehouse), settings.site_ids)
    if night is None:
        raise NightIncomplete("no night is published by every site: run hospital_nightly first")
    runs = Runs(place.mlflow, place.artifacts)
    identity = {"kind": "trainings", "dag_run_id": dag_run_id}
    run_id = runs.reopened(f"training {night}", identity, {**tags, "night": str(night)})
    # It only holds the trainings' runs together; each of those tells how it went.
    runs.close(run_id, succeeded=True)
    return NightKey(night, dag_run_id, run_id)


def _run_record(key: NightKey, target: Target) -> str:
    """What the stage calls the id of the training's run; a night may be trained on more than once."""
    return f"training_run_{key.mlflow_run_id}_{target.value}"


def _help(place: Deployment, key: NightKey, settings: Settings, target: Target, root: Root) -> None:
    """Train on another machine of ``training.nodes``; the first one keeps what comes of it."""
    from forecasting.features import build_panel
    from forecasting.models import tft

    issued_at = settings.issued_at(key.night)
    history = recorded(place, settings, settings.site_ids, target, issued_at)
    panel = build_panel(history, target, settings, issued_at, settings.sites, _weather(place, key, settings))
    tft.train(panel, settings, issued_at, target, _folder(place, key, target), None, root.network)


def _folder(place: Deployment, key: NightKey, target: Target) -> Path:
    """Where the checkpoints of a training lie."""
    return place.var.absolute() / "training" / f"night={key.night}" / target.value


def _learn(
    place: Deployment,
    key: NightKey,
    settings: Settings,
    target: Target,
    history: pd.DataFrame,
    run_id: str,
    root: Root,
) -> tuple[str, str]:
    """Train, let the ensemble speak of held-out nights beside its rivals, register, and promote the better.

    Returns:
        How the comparison with who speaks now ended, and which members were missing; and the same in a clause
        for a nurse manager, about climatology.
    """
    from forecasting import evaluate
    from forecasting.features import build_panel
    from forecasting.models import Climatology
    from forecasting.models.ensemble import Ensemble
    from forecasting.pipeline.challenger import CHAMPION, challenge

    issued_at = settings.issued_at(key.night)
    registry, runs = Registry(place.mlflow), Runs(place.mlflow, place.artifacts)
    panel = build_panel(history, target, settings, issued_at, settings.sites, _weather(place, key, settings))
    folder = _folder(place, key, target)
    with runs.watch(run_id):
        network = _train_network(panel, settings, issued_at, target, folder, runs.epoch_logger(run_id), root)
        standing = root.standing.model if root.standing else None
        challenger = challenge(
            panel, settings, issued_at, target, network, standing, _flows(place, key, settings)
        )

    hours = evaluate.scored_hours(challenger.spoken, history)
    verdict = evaluate.better(
        hours, target, Ensemble.name, Climatology.name if standing is None else CHAMPION
    )
    lost = evaluate.series_lost(hours, target, Ensemble.name)
    why = "; ".join(
        [verdict.why, *(f"without {name} ({reason})" for name, reason in challenger.missing.items())]
    )
    _tell(runs, run_id, challenger.model, evaluate.score_series(hours), lost)
    if challenger.model.network is not None:
        _draw(runs, run_id, challenger.model.network, panel, issued_at)

    shutil.rmtree(folder / "model", ignore_errors=True)
    days = settings.training.holdout_days
    silenced = dict.fromkeys(
        zip(lost["site_id"], lost["unit_id"], strict=True), evaluate.lost_in_plain_words(days)
    )
    replace(challenger.model, silenced=silenced).save(folder / "model", settings)
    version = registry.register(
        target,
        run_id,
        folder / "model",
        loader_module="forecasting.models.nightly.serving",
        example=_example(panel, challenger.spoken),
        tags={"night": str(key.night), "why": why},
        rooted_at=root.at,
    )
    if verdict.better:
        registry.promote(target, version, issued_at, root.at)
    decision = _decision(verdict, why, target, key, version, root.standing, run_id)
    warehouse.record_promotion(warehouse.connect(place.warehouse), decision)
    return why, evaluate.in_plain_words(verdict, days)


def _flows(place: Deployment, key: NightKey, settings: Settings) -> KnownFlows:
    """What the night's extraction told of the flow of patients, all sites together, at an issue time."""
    from forecasting.models import Flows

    stages = [Stage(place.staging, key.night, site_id) for site_id in settings.site_ids]
    return lambda issued_at: Flows.together(staged_flows(stage, issued_at) for stage in stages)


def _weather(place: Deployment, key: NightKey, settings: Settings) -> pd.DataFrame | None:
    """What the night's extraction told of the weather, all sites together; None where none is configured."""
    stages = [Stage(place.staging, key.night, site_id) for site_id in settings.site_ids]
    return staged_weather(stages, settings)


def _train_network(
    panel: pd.DataFrame,
    settings: Settings,
    issued_at: datetime,
    target: Target,
    folder: Path,
    logger: Logger,
    root: Root,
) -> TrainedTFT | TrainingFailed:
    """The network, or why there is none: the other members may still be better than who speaks now."""
    from forecasting.models import tft

    try:
        return tft.train(panel, settings, issued_at, target, folder, logger, root.network)
    except TrainingFailed as error:
        log.warning("no network", target_name=target.value, stage="train", why=str(error))
        return error


def _tell(runs: Runs, run_id: str, model: TrainedEnsemble, scores: pd.DataFrame, lost: pd.DataFrame) -> None:
    """Write to the run what each member and the ensemble are worth, and how much each counts."""
    weights = model.learnt.weights.table()
    trained = model.network.scores if model.network else {}
    runs.log_metrics(run_id, {**trained, **_overall(scores)})
    curves = {
        f"weight/{name}": dict(zip(weights["lead_from"], weights[name], strict=True))
        for name in model.learnt.weights.members
    }
    runs.log_curves(run_id, curves)
    runs.log_table(run_id, scores, "held_out_scores.csv")
    runs.log_table(run_id, weights, "weights_by_lead.csv")
    runs.log_table(run_id, lost, "series_lost.csv")


def _draw(runs: Runs, run_id: str, network: TrainedTFT, panel: pd.DataFrame, issued_at: datetime) -> None:
    """Draw for the run what the network looks at."""
    from forecasting import report
    from forecasting.models.tft.interpretation import interpret

    try:
        told = interpret(network, panel, issued_at)
    except Exception:
        # The ensemble stands without it; the plots are what is missing.
        log.exception("the network could not be interpreted", target_name=network.target, stage="train")
        return
    title, subtitle = report.MEASURE[network.target], f"all sites, issued {issued_at:%Y-%m-%d %H:%M} UTC"
    figures = report.interpretation_figures(told.variables, told.attention, title, subtitle)
    for name, figure in figures.items():
        runs.log_figure(run_id, figure, f"plots/{name}.png")


def _plainly(error: TrainingFailed) -> str:
    """Why climatology goes on speaking, in a clause that a nurse manager may read."""
    if isinstance(error, HistoryTooShort):
        return "too little of the past is known to train a model"
    return "no model could be trained, and the log says why"


def _decision(
    verdict: Verdict,
    why: str,
    target: Target,
    key: NightKey,
    version: str,
    standing: Standing | None,
    run_id: str,
) -> dict[str, Any]:
    """The verdict as a row of MODEL_PROMOTION."""
    from forecasting.models import Climatology

    evidence = verdict.evidence
    return {
        "target": target.value,
        "night": key.night,
        "decided_at": datetime.now(UTC),
        "challenger": verdict.challenger,
        "challenger_version": version,
        "champion": standing.model.name if standing else Climatology.name,
        "champion_version": standing.version if standing else Climatology.version,
        "promoted": verdict.better,
        "why": why,
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
    from forecasting.models.nightly.serving import without_zones

    ends = pd.concat([panel.head(EXAMPLE_ROWS), panel.tail(EXAMPLE_ROWS)])
    return without_zones(ends), without_zones(forecast.head(EXAMPLE_ROWS))


def _overall(scores: pd.DataFrame) -> dict[str, float]:
    """The scores over all series, named for a run's metrics."""
    from forecasting.evaluate import ALL

    overall = scores[scores["site_id"] == ALL].melt(["model"], SCORES).dropna()
    names = "held_out/" + overall["model"] + "/" + overall["variable"]
    return dict(zip(names, overall["value"].astype(float), strict=True))


def _changed(settings: Settings, trial: Mapping[str, int]) -> Settings:
    training = Training.model_validate({**settings.training.model_dump(), **trial})
    return settings.model_copy(update={"training": training})
