"""What maintenance removes, what it never does, and what a dry run says of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa
from integration.warehouse.a_night import (
    ISSUED_AT,
    NIGHT,
    forecast_rows,
    night_row,
    recommendation_rows,
)
from pandas.testing import assert_frame_equal

from forecasting import pipeline, warehouse
from forecasting.deployment import Deployment
from forecasting.staging import Stage, nights_under

pytestmark = pytest.mark.integration

CONFIG = Path(__file__).parents[2] / "hospital.toml"
LATER = NIGHT + timedelta(days=1)
YEARS_LATER = NIGHT + timedelta(days=1000)


@pytest.fixture
def place(database_url: str, tmp_path: Path) -> Deployment:
    """Two nights of a site, with their forecasts, heads, staged files, pages and checkpoints."""
    place = Deployment(config=CONFIG, var=tmp_path / "var", warehouse_url=database_url)
    pipeline.migrate(place)
    engine = warehouse.connect(database_url)
    for night in (NIGHT, LATER):
        issued_at = ISSUED_AT + (night - NIGHT)
        row = replace(night_row(), night=night, issued_at=issued_at)
        heads = recommendation_rows()
        heads = heads.assign(issued_at=pd.Timestamp(issued_at).as_unit("us"), night=night)
        forecast = forecast_rows().assign(issued_at=pd.Timestamp(issued_at).as_unit("us"))
        warehouse.publish(engine, row, forecast, heads)
        Stage(place.staging, night, "north").write_record("verdict", {})
        for folder in (f"pages/{night}", f"training/night={night}/bed_census"):
            (place.var / folder).mkdir(parents=True)
    return place


def _left(place: Deployment) -> tuple[list[date], list[date], int, list[datetime]]:
    engine = warehouse.connect(place.warehouse)
    issued = pd.concat([warehouse.forecasts(engine, night) for night in (NIGHT, LATER)])["issued_at"]
    checkpoints = len(list((place.var / "training").iterdir()))
    staged = nights_under(place.staging, "night=")
    return staged, nights_under(place.pages), checkpoints, sorted(issued.drop_duplicates())


def test_a_dry_run_says_what_would_go_and_removes_nothing(place: Deployment) -> None:
    before = _left(place)
    told = pipeline.maintain(place, YEARS_LATER, dry_run=True)
    assert told == {
        "staged nights": 1,
        "nights of pages": 1,
        "nights of checkpoints": 1,
        "quarantined rows": 0,
        "forecast rows": len(forecast_rows()),
    }
    assert _left(place) == before


def test_what_is_old_goes_once_and_the_last_published_night_stays(place: Deployment) -> None:
    engine = warehouse.connect(place.warehouse)
    heads = warehouse.recommendations(engine, NIGHT)
    told = pipeline.maintain(place, YEARS_LATER, dry_run=True)
    assert pipeline.maintain(place, YEARS_LATER) == told
    assert _left(place) == ([LATER], [LATER], 1, [pd.Timestamp(ISSUED_AT + timedelta(days=1))])
    assert_frame_equal(warehouse.recommendations(engine, NIGHT), heads)
    assert set(pipeline.maintain(place, YEARS_LATER).values()) == {0}


def test_what_is_young_stays(place: Deployment) -> None:
    assert set(pipeline.maintain(place, LATER).values()) == {0}


def test_staged_files_of_a_night_that_mlflow_was_not_told_of_stay(place: Deployment) -> None:
    Stage(place.staging, NIGHT).write_record("untold", {})
    assert pipeline.maintain(place, YEARS_LATER)["staged nights"] == 0


def test_no_table_of_what_people_decided_is_ever_written(place: Deployment) -> None:
    """Every statement that maintenance sends is looked at."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        sent.append(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        pipeline.maintain(place, YEARS_LATER)
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)
    removed = {statement.split()[2] for statement in sent if statement.startswith("DELETE")}
    assert removed == {"forecast", "quarantined_row"}
