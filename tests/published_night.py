"""A night of the plain hospitals, published by the pipeline's own stages without a source to read."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from forecasting import pipeline, warehouse
from forecasting.config import Settings, Site
from forecasting.deployment import Deployment
from forecasting.schema import INFLOW, OBSERVATION, PASSAGE, PRESENT, SCHEDULED_SHIFT
from forecasting.staffing.shifts import planned_shifts
from forecasting.staging import Stage

CONFIG = Path(__file__).parent / "hospital.toml"
NIGHT = date(2026, 6, 10)
DAYS = 60
HEADS = 5
STAY_HOURS = {"ed": 4, "icu": 72, "ward": 96}


@pytest.fixture(scope="session")
def published_hospitals(
    tmp_path_factory: pytest.TempPathFactory, settings: Settings, observations: Callable[..., pd.DataFrame]
) -> Path:
    """The folder of an installation whose two sites have published a night; don't write to it."""
    place = Deployment(config=CONFIG, var=tmp_path_factory.mktemp("published"))
    pipeline.migrate(place)
    issued_at = settings.issued_at(NIGHT)
    history = observations(DAYS)
    key = pipeline.open_night(place, NIGHT, settings.site_ids, "scheduled__1", {})
    for site in settings.sites:
        of_site = OBSERVATION.conform(history[history["site_id"] == site.site_id])
        warehouse.record_observations(warehouse.connect(place.warehouse), site.site_id, issued_at, of_site)
        _stage(Stage(place.staging, NIGHT, site.site_id), settings, site, issued_at)
        pipeline.forecast_site(place, key, site.site_id)
        pipeline.staff_site(place, key, site.site_id)
        pipeline.publish_site(place, key, site.site_id)
    return place.var


@pytest.fixture
def published_night(published_hospitals: Path, tmp_path: Path) -> Deployment:
    """An installation of its own over a copy of the published night."""
    var = tmp_path / "var"
    shutil.copytree(published_hospitals, var)
    return Deployment(config=CONFIG, var=var)


def _stage(stage: Stage, settings: Settings, site: Site, issued_at: datetime) -> None:
    """What the source would have told: a roster, and stays."""
    stage.write_record("verdict", {"state": "passed", "why": "", "data_digest": "d41d"})
    stage.write_record("recorded", "d41d")
    roster = [
        {
            "site_id": site.site_id,
            "unit_id": unit.unit_id,
            "role": "registered_nurse",
            "shift_start": shift.start,
            "shift_end": shift.end,
            "heads": HEADS,
        }
        for unit in site.units
        for shift in planned_shifts(settings, site, issued_at)
    ]
    stage.write(SCHEDULED_SHIFT, SCHEDULED_SHIFT.conform(pd.DataFrame(roster)))
    passage = [
        {
            "site_id": site.site_id,
            "unit_id": unit.unit_id,
            "known_at": issued_at,
            "weekday": 0,
            "local_hour": 12,
            "elapsed_from": 0,
            "patient_hours": 10 * STAY_HOURS[unit.unit_id],
            "departures": 10,
        }
        for unit in site.units
    ]
    inflow = [
        {
            "site_id": site.site_id,
            "unit_id": unit.unit_id,
            "valid_at": issued_at - timedelta(days=day),
            "patients": 2,
        }
        for unit in site.units
        for day in range(1, 15)
    ]
    stage.write(PASSAGE, PASSAGE.conform(pd.DataFrame(passage)), "passage")
    stage.write(INFLOW, INFLOW.conform(pd.DataFrame(inflow)), "inflow")
    for name in ("present", "present_then"):
        stage.write(PRESENT, PRESENT.empty(), name)
