"""The hallway: one function per stage of a night, in order.

DAG tasks and the command line walk it alike. Every stage takes keys, reads what the stage before it left,
and may be run again: it leaves the same rows as running it once.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pandas as pd
import structlog

from forecasting.config import Settings, read_settings
from forecasting.deployment import Deployment
from forecasting.outcome import NightIncomplete, SiteBlocked, SiteNotReady, SourceLost, TrainingNotNeeded
from forecasting.schema import (
    FORECAST,
    OBSERVATION,
    QUARANTINED_ROW,
    SCHEDULED_SHIFT,
    SOURCE_DEFECT,
    STAFFING_RECOMMENDATION,
    UNIT,
    VALIDATION_RESULT,
    NightState,
    Target,
)
from forecasting.staging import Stage, digest

if TYPE_CHECKING:
    import sqlalchemy as sa

    from forecasting.models import Forecaster
    from forecasting.tracking import Champion

log = structlog.get_logger()

Retrain = Literal["auto", "always", "never"]

EXTRACTED = (OBSERVATION, UNIT, SCHEDULED_SHIFT, SOURCE_DEFECT)
CLEAN = (OBSERVATION, UNIT, SCHEDULED_SHIFT)


@dataclass(frozen=True)
class NightKey:
    """What every stage of one night's run is told; small enough to pass between tasks."""

    night: date
    dag_run_id: str
    mlflow_run_id: str

    def as_json(self) -> dict[str, str]:
        """The key as plain text values."""
        return {
            "night": self.night.isoformat(),
            "dag_run_id": self.dag_run_id,
            "mlflow_run_id": self.mlflow_run_id,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, str]) -> NightKey:
        """The key that :meth:`as_json` wrote."""
        return cls(date.fromisoformat(values["night"]), values["dag_run_id"], values["mlflow_run_id"])


def latest_night(settings: Settings, now: datetime | None = None) -> date:
    """The last date whose issue time has come, in the group's zone."""
    now = now or datetime.now(UTC)
    today = now.astimezone(settings.group.zone).date()
    return today if settings.issued_at(today) <= now else today - timedelta(days=1)


def migrate(place: Deployment) -> None:
    """Bring the warehouse's tables to this version."""
    from forecasting import warehouse

    warehouse.migrate(warehouse.connect(place.warehouse))


def open_night(
    place: Deployment, night: date, site_ids: Sequence[str], dag_run_id: str, tags: Mapping[str, str]
) -> NightKey:
    """Begin the night of these sites: a row each in the warehouse, a parent run in MLflow."""
    from forecasting import warehouse
    from forecasting.tracking import Runs

    settings = read_settings(place.config)
    issued_at = settings.issued_at(night)
    runs = Runs(place.mlflow, place.artifacts)
    run_id = runs.open_night(night, dag_run_id, tags)
    key = NightKey(night, dag_run_id, run_id)
    runs.log_params(
        run_id,
        {
            "issued_at": issued_at.isoformat(),
            "sites": ", ".join(site_ids),
            "config_digest": settings.digest,
            "lead_hours": settings.lead_hours,
        },
    )
    engine = warehouse.connect(place.warehouse)
    for site_id in site_ids:
        warehouse.open_night(engine, _night(settings, key, settings.site(site_id).site_id))
    return key


def extract_site(place: Deployment, key: NightKey, site_id: str) -> None:
    """Count the site's hours in its source, and stage the counts.

    A night that was published keeps the snapshot it was made from: rows that reached the source since then
    are taken up by the next night and change nothing in this one.

    Raises:
        SiteBlocked: the source is not what the profile says.
        SourceLost: the source does not answer.
    """
    from forecasting import extract, warehouse

    settings = read_settings(place.config)
    issued_at = settings.issued_at(key.night)
    stage = Stage(place.staging, key.night, site_id)
    engine = warehouse.connect(place.warehouse)
    if _is_settled(engine, stage):
        log.info("snapshot kept", site=site_id, night=str(key.night), stage="extract")
        return
    with _timed(stage, "extract", fresh=True):
        since = _since(engine, settings, site_id, issued_at)
        try:
            source = extract.connect(place.source)
            tables = extract.extract(source, settings.site(site_id), settings, since, issued_at)
        except extract.SourceUnreachable as error:
            _end(engine, settings, key, site_id, NightState.FAILED, str(error))
            raise SourceLost(f"{site_id}: {error}") from error
        except extract.SourceError as error:
            _end(engine, settings, key, site_id, NightState.BLOCKED, str(error))
            raise SiteBlocked(f"{site_id}: {error}") from error
        for table in EXTRACTED:
            stage.write(table, tables[table.name], f"extracted_{table.name}")
    hours = len(tables[OBSERVATION.name])
    log.info("extracted", site=site_id, night=str(key.night), stage="extract", since=str(since), rows=hours)


def validate_site(place: Deployment, key: NightKey, site_id: str) -> str:
    """Judge what was extracted; record the results and set the failing rows aside. Returns the verdict.

    Raises:
        SiteBlocked: an expectation of severity *block* failed.
    """
    from forecasting import warehouse
    from forecasting.validate import validate

    settings = read_settings(place.config)
    issued_at = settings.issued_at(key.night)
    stage = Stage(place.staging, key.night, site_id)
    engine = warehouse.connect(place.warehouse)
    if _is_settled(engine, stage):
        return str(stage.read_record("verdict")["state"])
    with _timed(stage, "validate"):
        tables = {table.name: stage.read(table, f"extracted_{table.name}") for table in EXTRACTED}
        since = issued_at - timedelta(weeks=WEEKS_FOR_VOLUME)
        history = warehouse.observations(engine, [site_id], None, since, issued_at)
        verdict = validate(tables, history, settings.site(site_id), settings, key.night, issued_at)
        clean = {table.name: verdict.tables[table.name] for table in CLEAN}
        for table in CLEAN:
            stage.write(table, clean[table.name])
        stage.write_record("documents", verdict.documents)
        stage.write_record(
            "verdict", {"state": verdict.state, "why": verdict.why, "data_digest": digest(clean)}
        )
        warehouse.record_validation(engine, site_id, key.night, verdict.results, verdict.quarantined)
    if verdict.state == "blocked":
        _end(engine, settings, key, site_id, NightState.BLOCKED, verdict.why)
        raise SiteBlocked(f"{site_id}: {verdict.why}")
    log.info("validated", site=site_id, night=str(key.night), stage="validate", verdict=verdict.state)
    return verdict.state


def record_site(place: Deployment, key: NightKey, site_id: str) -> int:
    """Write the clean hours to the warehouse, as known at this night's issue time; returns the changed ones."""
    from forecasting import warehouse

    settings = read_settings(place.config)
    stage = Stage(place.staging, key.night, site_id)
    with _timed(stage, "record"):
        changed = warehouse.record_observations(
            warehouse.connect(place.warehouse),
            site_id,
            settings.issued_at(key.night),
            stage.read(OBSERVATION),
        )
    log.info("recorded", site=site_id, night=str(key.night), stage="record", changed=changed)
    return changed


def train_target(place: Deployment, key: NightKey, target: Target, retrain: Retrain = "auto") -> str:
    """Train the target's TFT over all sites, compare it with the baseline, and let the better one speak.

    Run it in an interpreter of its own: CUDA can't be used again after a fork.

    Returns:
        One sentence: what was trained, and who speaks now.

    Raises:
        TrainingNotNeeded: the champion is young enough, or ``retrain`` is ``never``.
        TrainingFailed: it diverged, or the history is too short; the baseline will speak.
    """
    from forecasting import evaluate
    from forecasting.features import build_panel
    from forecasting.models import backcast_climatology, holdout_issue_times, tft
    from forecasting.tracking import Registry, Runs

    settings = read_settings(place.config)
    issued_at = settings.issued_at(key.night)
    stage = Stage(place.staging, key.night)
    registry, runs = Registry(place.mlflow), Runs(place.mlflow, place.artifacts)
    _refuse_needless(registry.champion(target, issued_at), settings, issued_at, retrain)
    with _timed(stage, f"train_{target.value}"):
        history = _history(place, settings, settings.site_ids, target, issued_at)
        panel = build_panel(history, target, settings, issued_at, settings.sites)
        ...


def forecast_site(place: Deployment, key: NightKey, site_id: str) -> None:
    """Forecast every unit of the site for the coming days, and stage the forecast.

    Raises:
        SiteNotReady: the site was blocked or lost earlier in the night.
    """
    from forecasting.features import build_panel
    from forecasting.models import speak
    from forecasting.tracking import Registry

    settings = read_settings(place.config)
    issued_at = settings.issued_at(key.night)
    stage = Stage(place.staging, key.night, site_id)
    _refuse_unready(place, stage)
    registry = Registry(place.mlflow)
    forecasts = []
    with _timed(stage, "forecast"):
        for target in Target:
            history = _history(place, settings, [site_id], target, issued_at)
            panel = build_panel(history, target, settings, issued_at, [settings.site(site_id)])
            champion = registry.champion(target, issued_at)
            load = _loader(registry, champion) if champion else None
            forecasts.append(
                speak(panel, target, settings, issued_at, load, _why_none(place, key, target))
            )
        stage.write(FORECAST, pd.concat(forecasts, ignore_index=True))
    log.info("forecast", site=site_id, night=str(key.night), stage="forecast", rows=sum(map(len, forecasts)))


def staff_site(place: Deployment, key: NightKey, site_id: str) -> None:
    """Turn the staged forecast into heads per unit, role and shift, and stage them with their provenance."""
    from forecasting.staffing import recommend

    settings = read_settings(place.config)
    stage = Stage(place.staging, key.night, site_id)
    with _timed(stage, "staff"):
        heads = recommend(
            stage.read(FORECAST),
            settings.site(site_id),
            settings,
            settings.issued_at(key.night),
            stage.read(SCHEDULED_SHIFT),
        )
        stage.write(
            STAFFING_RECOMMENDATION,
            heads.assign(
                night=key.night,
                mlflow_run_id=key.mlflow_run_id,
                dag_run_id=key.dag_run_id,
                data_digest=stage.read_record("verdict")["data_digest"],
            ),
        )
    log.info("staffed", site=site_id, night=str(key.night), stage="staff", rows=len(heads))


def publish_site(place: Deployment, key: NightKey, site_id: str) -> bool:
    """Put the site's forecast and recommendations before their readers, all at once or not at all.

    Returns:
        False where the same content stands there already; then it is left with the run ids that made it.
    """
    from forecasting import report, warehouse
    from forecasting.tracking import Runs

    settings = read_settings(place.config)
    stage = Stage(place.staging, key.night, site_id)
    forecast, heads = stage.read(FORECAST), stage.read(STAFFING_RECOMMENDATION)
    verdict = stage.read_record("verdict")
    night = replace(
        _night(settings, key, site_id),
        why=verdict["why"],
        data_digest=verdict["data_digest"],
        output_digest=digest({"forecast": forecast, "heads": heads.drop(columns=RUN_IDS)}),
        finished_at=datetime.now(UTC),
        timings=stage.read_record("timings"),
    )
    changed = warehouse.publish(warehouse.connect(place.warehouse), night, forecast, heads)
    log.info("published", site=site_id, night=str(key.night), stage="publish", changed=changed)

    runs = Runs(place.mlflow, place.artifacts)
    history = _history(place, settings, [site_id], None, night.issued_at, days=DAYS_IN_FIGURES)
    for target in Target:
        figure = report.site_figure(history, forecast, settings.site(site_id), target)
        runs.log_figure(key.mlflow_run_id, figure, f"forecast/{site_id}_{target.value}.png")
    runs.log_table(key.mlflow_run_id, heads, f"recommendation/{site_id}.csv")
    runs.log_metrics(
        key.mlflow_run_id,
        {
            f"{site_id}/heads_recommended": float(heads["recommended"].sum()),
            f"{site_id}/heads_short": float(heads["gap"].clip(lower=0).sum()),
            f"{site_id}/share_from_baseline": float(heads["model"].eq("climatology").mean()),
        },
    )
    return changed


def build_docs(place: Deployment, key: NightKey) -> str:
    """Build the night's Data Docs, over all sites that were validated. Returns the page's path."""
    from forecasting.validate import build_data_docs

    documents = [
        document
        for site_id in Stage(place.staging, key.night).sites()
        if (stage := Stage(place.staging, key.night, site_id)).has("documents.json")
        for document in stage.read_record("documents")
    ]
    return str(build_data_docs(documents, place.var.absolute() / "data_docs"))


def close_night(place: Deployment, key: NightKey, site_ids: Sequence[str]) -> None:
    """End the night: what is still open has failed.

    Raises:
        NightIncomplete: not every site published.
    """
    from forecasting import warehouse
    from forecasting.tracking import Runs

    settings = read_settings(place.config)
    engine = warehouse.connect(place.warehouse)
    unpublished = {}
    for site_id in site_ids:
        night = warehouse.find_night(engine, site_id, key.night)
        if night is not None and night.state is NightState.RUNNING:
            _end(engine, settings, key, site_id, NightState.FAILED, "a stage did not end; see its log")
            night = warehouse.find_night(engine, site_id, key.night)
        if night is None or night.state is not NightState.PUBLISHED:
            unpublished[site_id] = night.why if night else "it was never opened"
    runs = Runs(place.mlflow, place.artifacts)
    runs.log_metrics(
        key.mlflow_run_id,
        {"sites_published": len(site_ids) - len(unpublished), "sites_unpublished": len(unpublished)},
    )
    runs.close(key.mlflow_run_id, succeeded=not unpublished)
    if unpublished:
        reasons = "\n".join(f"  {site_id}: {why}" for site_id, why in unpublished.items())
        raise NightIncomplete(
            f"{len(unpublished)} of {len(site_ids)} sites did not publish the night of {key.night}:\n{reasons}"
        )


def walk(
    place: Deployment, night: date, site_ids: Sequence[str], run_id: str, retrain: Retrain = "auto"
) -> NightKey:
    """Walk every stage of a night in this process, one after the other.

    Raises:
        NightIncomplete: not every site published; the others did.
    """
    from forecasting.models.tft import TrainingFailed

    key = open_night(place, night, site_ids, run_id, {})
    for site_id in site_ids:
        with _site_alone(site_id, key):
            extract_site(place, key, site_id)
            validate_site(place, key, site_id)
            record_site(place, key, site_id)
    for target in Target:
        try:
            log.info(train_target(place, key, target, retrain), target=target.value, stage="train")
        except (TrainingNotNeeded, TrainingFailed) as reason:
            log.info("not trained", target=target.value, why=str(reason), stage="train")
    for site_id in site_ids:
        with _site_alone(site_id, key):
            forecast_site(place, key, site_id)
            staff_site(place, key, site_id)
            publish_site(place, key, site_id)
    build_docs(place, key)
    close_night(place, key, site_ids)
    return key


def recommended(place: Deployment, night: date) -> pd.DataFrame:
    """What stands published for a night: rows of STAFFING_RECOMMENDATION."""
    from forecasting import warehouse

    return warehouse.recommendations(warehouse.connect(place.warehouse), night)


def _night(settings: Settings, key: NightKey, site_id: str) -> Night:
    from forecasting.warehouse import Night

    return Night(
        site_id=site_id,
        night=key.night,
        issued_at=settings.issued_at(key.night),
        started_at=datetime.now(UTC),
        mlflow_run_id=key.mlflow_run_id,
        dag_run_id=key.dag_run_id,
    )


def _end(
    engine: sa.Engine, settings: Settings, key: NightKey, site_id: str, state: NightState, why: str
) -> None:
    from forecasting import warehouse

    standing = warehouse.find_night(engine, site_id, key.night) or _night(settings, key, site_id)
    warehouse.close_night(engine, replace(standing, state=state, why=why, finished_at=datetime.now(UTC)))


def _is_settled(engine: sa.Engine, stage: Stage) -> bool:
    """Whether the site's night is published and what it was made from is still staged."""
    from forecasting import warehouse

    night = warehouse.find_night(engine, stage.site_id, stage.night)
    return night is not None and night.state is NightState.PUBLISHED and stage.has("verdict.json")


def _since(engine: sa.Engine, settings: Settings, site_id: str, issued_at: datetime) -> datetime:
    """Where to begin reading: the look-back before what earlier nights recorded, or the whole history."""
    from forecasting import warehouse

    last = warehouse.last_observed(engine, site_id, issued_at)
    whole = issued_at - timedelta(days=settings.source.history_days)
    return whole if last is None else max(whole, last - timedelta(days=settings.source.lookback_days))


def _history(
    place: Deployment,
    settings: Settings,
    site_ids: Sequence[str],
    target: Target | None,
    issued_at: datetime,
    days: int | None = None,
) -> pd.DataFrame:
    from forecasting import warehouse

    since = issued_at - timedelta(days=days or settings.source.history_days)
    return warehouse.observations(
        warehouse.connect(place.warehouse), site_ids, target.value if target else None, since, issued_at
    )


def _refuse_unready(place: Deployment, stage: Stage) -> None:
    from forecasting import warehouse

    night = warehouse.find_night(warehouse.connect(place.warehouse), stage.site_id, stage.night)
    if night is None or night.state in (NightState.BLOCKED, NightState.FAILED):
        raise SiteNotReady(f"{stage.site_id} has no forecast tonight: {night.why if night else 'never opened'}")
    if not stage.has("verdict.json"):
        raise SiteNotReady(f"{stage.site_id} has no forecast tonight: it was not validated")


def _loader(registry: Registry, champion: Champion) -> Callable[[], Forecaster]:
    def load() -> Forecaster:
        from forecasting.models import tft

        with tempfile.TemporaryDirectory() as folder:
            return tft.load(registry.download(champion, Path(folder)), version=champion.version)

    return load


def _why_none(place: Deployment, key: NightKey, target: Target) -> str:
    stage = Stage(place.staging, key.night)
    if stage.has(f"training_{target.value}.json"):
        return str(stage.read_record(f"training_{target.value}"))
    return "no model is trained yet"


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


@contextmanager
def _site_alone(site_id: str, key: NightKey) -> Iterator[None]:
    """Let one site's failure stop that site alone."""
    try:
        yield
    except (SiteBlocked, SourceLost, SiteNotReady) as reason:
        log.warning("site stopped", site=site_id, night=str(key.night), why=str(reason))


@contextmanager
def _timed(stage: Stage, name: str, *, fresh: bool = False) -> Iterator[None]:
    """Note the seconds that a stage took beside its files, however it ends."""
    began = time.monotonic()
    try:
        yield
    finally:
        timings = {} if fresh or not stage.has("timings.json") else stage.read_record("timings")
        stage.write_record("timings", {**timings, name: round(time.monotonic() - began, 2)})
