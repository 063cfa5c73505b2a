"""Observations to recommendations: forecast, staff, publish."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from zlib import crc32

import pandas as pd
import structlog

from forecasting import warehouse
from forecasting.blocks import HOUR
from forecasting.config import Settings, Site, read_settings
from forecasting.deployment import Deployment
from forecasting.outcome import SiteNotReady
from forecasting.pipeline.approval import settle_site
from forecasting.pipeline.champion import load_champion
from forecasting.pipeline.ed_load import told_by_load
from forecasting.pipeline.flows import staged_flows
from forecasting.pipeline.ingest import recorded
from forecasting.pipeline.night import NightKey, as_row, refuse_taken_up, timed
from forecasting.pipeline.page import renew_page
from forecasting.pipeline.tracked import tell_plan
from forecasting.pipeline.weather import staged_weather, weather_missing
from forecasting.rules import rule_book
from forecasting.schema import (
    FORECAST,
    SCHEDULED_SHIFT,
    SHADOW_FORECAST,
    STAFFING_RECOMMENDATION,
    NightState,
    SeriesState,
    Target,
)
from forecasting.staging import Stage, digest
from forecasting.tracking import Champion, Registry, Runs

if TYPE_CHECKING:
    from forecasting.models import Flows
    from forecasting.staffing import SamplePaths

log = structlog.get_logger()

RUN_IDS = ["mlflow_run_id", "dag_run_id"]


def forecast_site(place: Deployment, key: NightKey, site_id: str) -> None:
    """Forecast every unit of the site for the coming days, by hour, shift and day, and stage the forecast.

    Raises:
        SiteNotReady: the site was blocked or lost earlier in the night, or another run has taken it up.
    """
    from forecasting.features import build_panel
    from forecasting.models.fallback import speak

    settings = read_settings(place.config)
    issued_at = settings.issued_at(key.night)
    stage = Stage(place.staging, key.night, site_id)
    _refuse_unready(place, key, stage)
    flows = partial(staged_flows, stage)
    fallen = _fallen(place, settings, key.night)
    shadows = [SHADOW_FORECAST.empty()]
    weather = staged_weather([stage], settings)

    def forecast(target: Target) -> pd.DataFrame:
        history = recorded(place, settings, [site_id], target, issued_at)
        panel = build_panel(history, target, settings, issued_at, [settings.site(site_id)], weather)
        champion, why_none = _champion(place, key, target, issued_at)
        load = partial(load_champion, Registry(place.mlflow), champion, settings, flows) if champion else None
        version = champion.version if champion else ""
        voices = speak(panel, target, settings, issued_at, load, version, why_none, fallen[target])
        shadows.append(voices.shadow)
        told = _also_noted(voices.forecast, weather_missing(weather, target, issued_at))
        return with_shifts_and_days(told, history, settings)

    with timed(stage, "forecast"):
        rows = stage.write_stream(FORECAST, map(forecast, Target))
        stage.write(SHADOW_FORECAST, pd.concat(shadows, ignore_index=True))
    log.info("forecast", site=site_id, night=str(key.night), stage="forecast", rows=rows)


def _also_noted(forecast: pd.DataFrame, note: str) -> pd.DataFrame:
    """FORECAST rows whose notes say this too."""
    if not note:
        return forecast
    said = forecast["note"].where(forecast["note"] == "", forecast["note"] + " ")
    return forecast.assign(note=said + note)


def staff_site(place: Deployment, key: NightKey, site_id: str) -> None:
    """Turn the staged forecast into heads per unit, role and shift, and stage them with their provenance.

    Raises:
        SiteTakenUp: another run of the night goes on with the site.
    """
    settings = read_settings(place.config)
    site, issued_at = settings.site(site_id), settings.issued_at(key.night)
    stage = Stage(place.staging, key.night, site_id)
    refuse_taken_up(warehouse.connect(place.warehouse), key, site_id)
    with timed(stage, "staff"):
        forecast = stage.read(FORECAST)
        told = told_by_load(stage, settings, issued_at, site_paths(place, settings, forecast))
        flows, roster = staged_flows(stage, issued_at), stage.read(SCHEDULED_SHIFT)
        heads = heads_of(settings, site, issued_at, forecast, roster, told.paths, flows, told.why_census)
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


def heads_of(
    settings: Settings,
    site: Site,
    issued_at: datetime,
    forecast: pd.DataFrame,
    roster: pd.DataFrame,
    paths: Mapping[Target, SamplePaths],
    flows: Flows,
    why_census: str = "",
) -> pd.DataFrame:
    """Heads per unit, role and shift of a site: the night's recommendation, or that of changed inputs.

    Args:
        settings: roles, rules, prices and shifts.
        site: the hospital.
        issued_at: UTC.
        forecast: FORECAST rows of the site and issue time.
        roster: SCHEDULED_SHIFT rows.
        paths: of that forecast, by target; see :func:`site_paths`, and :func:`told_by_load`.
        flows: as staged, for the work of patients who come and go.
        why_census: why an ED whose offered load is asked for is planned by its census.

    Returns:
        STAFFING_RECOMMENDATION rows without the columns that the run adds.
    """
    from forecasting.staffing import recommend, turnover

    return recommend(
        forecast,
        site,
        settings,
        issued_at,
        roster,
        rule_book(settings),
        paths=paths,
        turnover=turnover(flows.inflow, flows.departure, issued_at, site.zone),
        why_census=why_census,
    )


def publish_site(place: Deployment, key: NightKey, site_id: str) -> bool:
    """Put the site's forecast and recommendations before their readers, all at once or not at all.

    Returns:
        False where the same content stands there already; then it is left with the run ids that made it.

    Raises:
        SiteTakenUp: another run of the night goes on with the site.
    """
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
    refuse_taken_up(engine, key, site_id)
    changed = warehouse.publish(engine, night, forecast, heads, _shadow(stage))
    settle_site(place, key, site_id)
    log.info("published", site=site_id, night=str(key.night), stage="publish", changed=changed)
    renew_page(place, key, site_id)
    tell_plan(place, key.night, key.mlflow_run_id, site_id, heads)
    return changed


def recommended(place: Deployment, night: date) -> pd.DataFrame:
    """What stands published for a night: rows of STAFFING_RECOMMENDATION."""
    return warehouse.recommendations(warehouse.connect(place.warehouse), night)


def runs_page(place: Deployment, server: str) -> str:
    """The page of the nightly runs on an MLflow server that shows this installation's."""
    return Runs(place.mlflow, place.artifacts).page(server)


def with_shifts_and_days(hourly: pd.DataFrame, history: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """The hours' rows and those of shifts and days; the hours' alone where those can't be made."""
    from forecasting.models import shifts_and_days

    if hourly.empty:
        return hourly
    of = hourly.iloc[0]
    try:
        blocks = shifts_and_days(hourly, history, settings, _seed(of))
    except Exception:
        # The plan needs the hours alone.
        log.exception("no shifts and days", site=of["site_id"], target_name=of["target"], stage="forecast")
        return hourly
    return FORECAST.conform(pd.concat([hourly, blocks], ignore_index=True))


def site_paths(place: Deployment, settings: Settings, forecast: pd.DataFrame) -> dict[Target, SamplePaths]:
    """The paths that a site's shifts and days were told of, by target; of a target without, none."""
    from forecasting.models import joint_paths
    from forecasting.staffing import SamplePaths

    found = {}
    for target in Target:
        hourly = forecast[(forecast["target"] == target) & (forecast["period"] == HOUR)]
        if hourly.empty:
            continue
        of = hourly.iloc[0]
        try:
            history = recorded(place, settings, [of["site_id"]], target, of["issued_at"])
            paths = joint_paths(hourly, history, settings, _seed(of))
        except Exception:
            # The plan can be made of the hours' quantiles.
            log.exception("no sample paths", site=of["site_id"], target_name=target.value, stage="staff")
            continue
        found[target] = SamplePaths(tuple(paths.forecast["unit_id"]), paths.valid_at, paths.counts)
    return found


def _seed(of: pd.Series[Any]) -> int:
    """The same for the same site, target and issue time."""
    return crc32(f"{of['site_id']} {of['target']} {of['issued_at'].isoformat()}".encode())


def _refuse_unready(place: Deployment, key: NightKey, stage: Stage) -> None:
    engine = warehouse.connect(place.warehouse)
    refuse_taken_up(engine, key, stage.site_id)
    night = warehouse.find_night(engine, stage.site_id, stage.night)
    if night is None or night.state in (NightState.BLOCKED, NightState.FAILED):
        raise SiteNotReady(
            f"{stage.site_id} has no forecast tonight: {night.why if night else 'never opened'}"
        )
    recorded_digest = stage.read_record("recorded") if stage.has("recorded.json") else None
    if recorded_digest is None or recorded_digest != stage.read_record("verdict")["data_digest"]:
        raise SiteNotReady(f"{stage.site_id} has no forecast tonight: its hours were not recorded")


def _shadow(stage: Stage) -> pd.DataFrame:
    """What was staged to be scored in shadow; nothing of a night that was staged before there was any."""
    staged = stage.has(f"{SHADOW_FORECAST.name}.parquet")
    return stage.read(SHADOW_FORECAST) if staged else SHADOW_FORECAST.empty()


def _fallen(place: Deployment, settings: Settings, night: date) -> dict[Target, dict[tuple[str, str], str]]:
    """By target and series, why the monitor left it to climatology on an earlier night, if it did.

    A verdict that nobody renewed for a whole window no longer holds.
    """
    engine = warehouse.connect(place.warehouse)
    first = night - timedelta(days=settings.monitoring.window_days)
    verdicts = warehouse.verdicts(engine, first, night)
    fallen = verdicts[verdicts["state"] == SeriesState.FALLBACK]
    return {
        target: {
            (row["site_id"], row["unit_id"]): row["why"]
            for row in fallen[fallen["target"] == target].to_dict("records")
        }
        for target in Target
    }


def _champion(
    place: Deployment, key: NightKey, target: Target, issued_at: datetime
) -> tuple[Champion | None, str]:
    """Who speaks for the target, and if nobody does, why."""
    try:
        return Registry(place.mlflow).champion(target, issued_at), _why_none(place, key, target)
    except Exception:
        # A night without its model is worth more than none: the baseline speaks.
        log.exception("no model registry", target_name=target.value, night=str(key.night), stage="forecast")
        return None, "the model registry did not answer"


def _why_none(place: Deployment, key: NightKey, target: Target) -> str:
    stage = Stage(place.staging, key.night)
    if stage.has(f"training_{target.value}.json"):
        return str(stage.read_record(f"training_{target.value}"))
    return "no model is trained yet"
