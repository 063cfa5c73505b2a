"""A night on OMOP's tables publishes the plan that the same hospitals have on ``adt``'s."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa
from integration.pipeline.two_hospitals import NIGHT, SITES
from omop_hospital import as_omop, called

from forecasting import pipeline
from forecasting.config import Settings, read_settings
from forecasting.deployment import Deployment
from forecasting.simulate import simulate

pytestmark = pytest.mark.integration

ROWS = ["site_id", "unit_id", "role", "shift_start"]
OF_THE_RUN = ["mlflow_run_id", "dag_run_id", "data_digest"]


def in_omop(settings: Settings, config: str) -> str:
    """The configuration of the same sites over tables of OMOP."""
    told = config.replace(
        "history_days = 140", 'history_days = 140\nprofile = "omop"\nomop = { site = "location" }'
    )
    for number, site in enumerate(settings.sites, 1):
        before, of_site, after = told.partition(f'site_id = "{site.site_id}"\n')
        for unit in site.units:
            name = f'unit_id = "{unit.unit_id}",'
            after = after.replace(name, f'{name} source_id = "{called(site.site_id, unit.unit_id)}",', 1)
        told = f'{before}{of_site}source_id = "{number}"\n{after}'
    return told


def test_the_plan_is_that_of_the_same_hospitals_in_adt(
    published: Deployment, settings: Settings, tmp_path: Path
) -> None:
    config = tmp_path / "hospital.toml"
    config.write_text(in_omop(settings, published.config.read_text()))
    place = Deployment(config=config, var=tmp_path / "var")
    place.var.mkdir()
    issued_at = settings.issued_at(NIGHT)
    start = issued_at - timedelta(days=settings.source.history_days)
    hospital = simulate(settings, start, issued_at + timedelta(days=4), seed=5)
    engine = sa.create_engine(place.source)
    for name, frame in as_omop(hospital, settings).items():
        frame.to_sql(name, engine, index=False)
    engine.dispose()
    pipeline.migrate(place)
    pipeline.walk(place, NIGHT, SITES, "test__omop", "never")
    assert read_settings(config).source.profile == "omop"
    expected, found = (
        pipeline.recommended(of, NIGHT).sort_values(ROWS, ignore_index=True) for of in (published, place)
    )
    assert len(found) > 0
    assert found["scheduled"].notna().any()
    pd.testing.assert_frame_equal(found.drop(columns=OF_THE_RUN), expected.drop(columns=OF_THE_RUN))
