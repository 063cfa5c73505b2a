"""Observations to recommendations: forecast, staff, publish."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial

import pandas as pd
import structlog

from forecasting import warehouse
from forecasting.config import read_settings
from forecasting.deployment import Deployment
from forecasting.outcome import SiteNotReady
from forecasting.pipeline.champion import load_champion
from forecasting.pipeline.flows import staged_flows
from forecasting.pipeline.ingest import recorded
from forecasting.pipeline.night import NightKey, as_row, timed
from forecasting.schema import FORECAST, SCHEDULED_SHIFT, STAFFING_RECOMMENDATION, NightState, Target
from forecasting.staging import Stage, digest
from forecasting.tracking import Registry, Runs

log = structlog.get_logger()

RUN_IDS = ["mlflow_run_id", "dag_run_id"]
DAYS_IN_FIGURES = 8


def forecast_site(place: Deployment, key: NightKey, site_id: str) -> None:
    """Forecast every unit of the site for the coming days, and stage the forecast.

    Raises:
        SiteNotReady: the site was blocked or lost earlier in the night.
    """
    from forecasting.features import build_panel
    from forecasting.models.fallback import speak

    settings = read_settings(place.config)
    issued_at = settings.issued_at(key.night)
    stage = Stage(place.staging, key.night, site_id)
    _refuse_unready(place, stage)
    registry = Registry(place.mlflow)
    flows = partial(staged_flows, stage)

    def forecast(target: Target) -> pd.DataFrame:
        history = recorded(place, settings, [site_id], target, issued_at)
        panel = build_panel(history, target, settings, issued_at, [settings.site(site_id)])
        champion = registry.champion(target, issued_at)
        load = partial(load_champion, registry, champion, settings, flows) if champion else None
        version = champion.version if champion else ""
        return speak(panel, target, settings, issued_at, load, version, _why_none(place, key, target))

    with timed(stage, "forecast"):
        rows = stage.write_stream(FORECAST, map(forecast, Target))
    log.info("forecast", site=site_id, night=str(key.night), stage="forecast", rows=rows)


def staff_site(place: Deployment, key: NightKey, site_id: str) -> None:
    """Turn the staged forecast into heads per unit, role and shift, and stage them with their provenance."""
    from forecasting.staffing import recommend

    settings = read_settings(place.config)
    stage = Stage(place.staging, key.night, site_id)
    with timed(stage, "staff"):
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
    from forecasting import report

    settings = read_settings(place.config)
    stage = Stage(place.staging, key.night, site_id)
    forecast, heads = stage.read(FORECAST), stage.read(STAFFING_RECOMMENDATION)
    verdict = stage.read_record("verdict")
    engine = warehouse.connect(place.warehouse)
    opened = warehouse.find_night(engine, site_id, key.night) or as_row(settings, key, site_id)
    night = replace(
        opened,
        mlflow_run_id=key.mlflow_run_id,
        dag_run_id=key.dag_run_id,
        why=verdict["why"],
        data_digest=verdict["data_digest"],
        output_digest=digest({"forecast": forecast, "heads": heads.drop(columns=RUN_IDS)}),
        finished_at=datetime.now(UTC),
        timings=stage.read_record("timings"),
    )
    changed = warehouse.publish(engine, night, forecast, heads)
    log.info("published", site=site_id, night=str(key.night), stage="publish", changed=changed)

    runs = Runs(place.mlflow, place.artifacts)
    history = recorded(place, settings, [site_id], None, night.issued_at, days=DAYS_IN_FIGURES)
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


def recommended(place: Deployment, night: date) -> pd.DataFrame:
    """What stands published for a night: rows of STAFFING_RECOMMENDATION."""
    return warehouse.recommendations(warehouse.connect(place.warehouse), night)


def runs_page(place: Deployment, server: str) -> str:
    """The page of the nightly runs on an MLflow server that shows this installation's."""
    return Runs(place.mlflow, place.artifacts).page(server)


def _refuse_unready(place: Deployment, stage: Stage) -> None:
    night = warehouse.find_night(warehouse.connect(place.warehouse), stage.site_id, stage.night)
    if night is None or night.state in (NightState.BLOCKED, NightState.FAILED):
        raise SiteNotReady(
            f"{stage.site_id} has no forecast tonight: {night.why if night else 'never opened'}"
        )
    recorded_digest = stage.read_record("recorded") if stage.has("recorded.json") else None
    if recorded_digest is None or recorded_digest != stage.read_record("verdict")["data_digest"]:
        raise SiteNotReady(f"{stage.site_id} has no forecast tonight: its hours were not recorded")


def _why_none(place: Deployment, key: NightKey, target: Target) -> str:
    stage = Stage(place.staging, key.night)
    if stage.has(f"training_{target.value}.json"):
        return str(stage.read_record(f"training_{target.value}"))
    return "no model is trained yet"
