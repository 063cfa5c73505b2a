"""Source to observations: what is read of a site, judged, and recorded."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import sqlalchemy as sa
import structlog

from forecasting import extract, warehouse
from forecasting.config import Settings, read_settings
from forecasting.deployment import Deployment
from forecasting.outcome import SiteBlocked, SourceLost
from forecasting.pipeline.ed_load import stage_ed_load
from forecasting.pipeline.flows import stage_flows
from forecasting.pipeline.night import NightKey, end_site, refuse_taken_up, resume_site, timed
from forecasting.pipeline.weather import EXTRACTED as EXTRACTED_WEATHER
from forecasting.pipeline.weather import stage_weather
from forecasting.schema import (
    OBSERVATION,
    SCHEDULED_SHIFT,
    SOURCE_COLUMN,
    SOURCE_DEFECT,
    UNIT,
    WEATHER,
    NightState,
    Target,
)
from forecasting.staging import Stage, digest, replace_folder

log = structlog.get_logger()

EXTRACTED = (OBSERVATION, UNIT, SCHEDULED_SHIFT, SOURCE_DEFECT, SOURCE_COLUMN)
CLEAN = (OBSERVATION, UNIT, SCHEDULED_SHIFT)
WEEKS_FOR_VOLUME = 10


def extract_site(place: Deployment, key: NightKey, site_id: str) -> None:
    """Count the site's hours and its flow of patients in its source, and stage the counts.

    A night that was published keeps the snapshot it was made from: rows that reached the source since then
    are taken up by the next night and change nothing in this one.

    Raises:
        SiteBlocked: the source is not what the profile says.
        SiteTakenUp: another run of the night reads the site anew.
        SourceLost: the source does not answer.
    """
    settings = read_settings(place.config)
    issued_at = settings.issued_at(key.night)
    stage = Stage(place.staging, key.night, site_id)
    engine = warehouse.connect(place.warehouse)
    if _is_settled(engine, stage):
        log.info("snapshot kept", site=site_id, night=str(key.night), stage="extract")
        return
    resume_site(engine, settings, key, site_id)
    with timed(stage, "extract", fresh=True):
        since = _since(engine, settings, site_id, issued_at)
        try:
            source = extract.connect(place.source, settings.source.timeout_seconds)
            tables = extract.extract(source, settings.site(site_id), settings, since, issued_at)
        except extract.SourceUnreachable as error:
            end_site(engine, settings, key, site_id, NightState.FAILED, str(error))
            raise SourceLost(f"{site_id}: {error}") from error
        except extract.SourceError as error:
            end_site(engine, settings, key, site_id, NightState.BLOCKED, str(error))
            raise SiteBlocked(f"{site_id}: {error}") from error
        refuse_taken_up(engine, key, site_id)
        for table in EXTRACTED:
            stage.write(table, tables[table.name], f"extracted_{table.name}")
    with timed(stage, "flows"):
        stage_flows(stage, source, settings, issued_at)
        stage_ed_load(stage, source, settings, issued_at)
    if settings.weather.given:
        with timed(stage, "weather"):
            stage_weather(stage, source, settings, issued_at)
    hours = len(tables[OBSERVATION.name])
    log.info("extracted", site=site_id, night=str(key.night), stage="extract", since=str(since), rows=hours)


def validate_site(place: Deployment, key: NightKey, site_id: str) -> str:
    """Judge what was extracted; record the results and set the failing rows aside. Returns the verdict.

    Raises:
        SiteBlocked: an expectation of severity *block* failed.
        SiteTakenUp: another run of the night goes on with the site.
    """
    from forecasting.validate import validate

    settings = read_settings(place.config)
    issued_at = settings.issued_at(key.night)
    stage = Stage(place.staging, key.night, site_id)
    engine = warehouse.connect(place.warehouse)
    if _is_settled(engine, stage):
        return str(stage.read_record("verdict")["state"])
    refuse_taken_up(engine, key, site_id)
    with timed(stage, "validate"):
        tables = {table.name: stage.read(table, f"extracted_{table.name}") for table in EXTRACTED}
        if settings.weather.given and stage.has(f"{EXTRACTED_WEATHER}.parquet"):
            tables[WEATHER.name] = stage.read(WEATHER, EXTRACTED_WEATHER)
        since = issued_at - _look_back(settings)
        history = warehouse.observations(engine, [site_id], None, since, issued_at)
        columns = warehouse.source_columns(engine, site_id, issued_at)
        site = settings.site(site_id)
        verdict = validate(tables, history, site, settings, key.night, issued_at, columns)
        cleaned = [table for table in (*CLEAN, WEATHER) if table.name in verdict.tables]
        clean = {table.name: verdict.tables[table.name] for table in cleaned}
        for table in cleaned:
            stage.write(table, clean[table.name])
        stage.write_record("documents", verdict.documents)
        stage.write_record(
            "verdict", {"state": verdict.state, "why": verdict.why, "data_digest": digest(clean)}
        )
        warehouse.record_validation(engine, site_id, key.night, verdict.results, verdict.quarantined)
    if verdict.state == "blocked":
        end_site(engine, settings, key, site_id, NightState.BLOCKED, verdict.why)
        raise SiteBlocked(f"{site_id}: {verdict.why}")
    log.info("validated", site=site_id, night=str(key.night), stage="validate", verdict=verdict.state)
    return verdict.state


def record_site(place: Deployment, key: NightKey, site_id: str) -> int:
    """Write the clean hours to the warehouse, as known at its issue time; returns how many changed.

    Raises:
        SiteTakenUp: another run of the night goes on with the site.
    """
    settings = read_settings(place.config)
    stage = Stage(place.staging, key.night, site_id)
    engine, issued_at = warehouse.connect(place.warehouse), settings.issued_at(key.night)
    refuse_taken_up(engine, key, site_id)
    with timed(stage, "record"):
        changed = warehouse.record_observations(engine, site_id, issued_at, stage.read(OBSERVATION))
        columns = stage.read(SOURCE_COLUMN, f"extracted_{SOURCE_COLUMN.name}")
        warehouse.record_source_columns(engine, site_id, issued_at, columns)
        # A night that is cut off before this has only old hours, and must not be forecast from them.
        stage.write_record("recorded", stage.read_record("verdict")["data_digest"])
    log.info("recorded", site=site_id, night=str(key.night), stage="record", changed=changed)
    return changed


def verdict_of(place: Deployment, key: NightKey, site_id: str) -> dict[str, str]:
    """How the site's data were judged: ``site``, ``night``, ``verdict`` and ``why``, in sentences."""
    verdict = Stage(place.staging, key.night, site_id).read_record("verdict")
    return {"site": site_id, "night": str(key.night), "verdict": verdict["state"], "why": verdict["why"]}


def build_docs(place: Deployment, key: NightKey) -> str:
    """Build the night's Data Docs, over all sites that were validated. Returns the first page's address."""
    from forecasting.validate import build_data_docs

    documents = [
        document
        for site_id in Stage(place.staging, key.night).sites()
        if (stage := Stage(place.staging, key.night, site_id)).has("documents.json")
        for document in stage.read_record("documents")
    ]
    with tempfile.TemporaryDirectory(prefix="data_docs-") as folder:
        build_data_docs(documents, Path(folder))
        replace_folder(place.data_docs, Path(folder))
    return f"{place.data_docs.rstrip('/')}/index.html"


def recorded(
    place: Deployment,
    settings: Settings,
    site_ids: Sequence[str],
    target: Target | None,
    issued_at: datetime,
    days: int | None = None,
) -> pd.DataFrame:
    """What the warehouse knew of these sites at the issue time: OBSERVATION rows of the last days, or all."""
    since = issued_at - timedelta(days=days or settings.source.history_days)
    name = target.value if target else None
    return warehouse.observations(warehouse.connect(place.warehouse), site_ids, name, since, issued_at)


def _is_settled(engine: sa.Engine, stage: Stage) -> bool:
    """Whether the site's night is published and what it was made from is still staged."""
    night = warehouse.find_night(engine, stage.site_id, stage.night)
    return night is not None and night.state is NightState.PUBLISHED and stage.has("verdict.json")


def _look_back(settings: Settings) -> timedelta:
    """How much of what is known a night is judged beside: the volume's weeks, and enough to train on.

    Twice the least history, so that a few silent hours in it don't make it look too short.
    """
    return max(timedelta(weeks=WEEKS_FOR_VOLUME), 2 * timedelta(days=settings.training.minimum_history_days))


def _since(engine: sa.Engine, settings: Settings, site_id: str, issued_at: datetime) -> datetime:
    """Where to begin reading: the look-back before what earlier nights recorded, or the whole history."""
    last = warehouse.last_observed(engine, site_id, issued_at)
    whole = issued_at - timedelta(days=settings.source.history_days)
    return whole if last is None else max(whole, last - settings.look_back(settings.site(site_id)))
