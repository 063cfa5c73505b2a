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
from forecasting.schema import FORECAST_SCORE
from forecasting.staging import Stage, nights_under

pytestmark = pytest.mark.integration

CONFIG = Path(__file__).parents[2] / "hospital.toml"
LATER = NIGHT + timedelta(days=1)
YEARS_LATER = NIGHT + timedelta(days=2000)


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
        warehouse.publish(engine, row, forecast, heads, forecast)
        warehouse.record_scores(engine, "north", night, score_rows(night))
        Stage(place.staging, night, "north").write_record("verdict", {})
        for folder in (f"pages/{night}", f"training/night={night}/bed_census"):
            (place.var / folder).mkdir(parents=True)
    return place


def score_rows(night: date) -> pd.DataFrame:
    """How a night's forecast of one series did."""
    measures = dict.fromkeys(["outcome", "pinball", "mae", "bias"], 1.0)
    shares = dict.fromkeys(["coverage_80", "coverage_90", "pit_80", "pit_90"], 0.5)
    row = {
        "night": night,
        "site_id": "north",
        "unit_id": "ed",
        "target": "bed_census",
        "period": "PT1H",
        "lead_day": 1,
        "shift": "day",
        "speaker": "climatology",
        "published": True,
        "model": "climatology",
        "model_version": "1",
        "hours": 12,
        "outcomes_until": ISSUED_AT,
        "output_digest": "first",
        **measures,
        **shares,
    }
    return FORECAST_SCORE.conform(pd.DataFrame([row]))


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
        "shadow forecast rows": len(forecast_rows()),
        "score rows": 1,
    }
    assert _left(place) == before


def test_what_is_old_goes_once_and_the_last_published_night_stays(place: Deployment) -> None:
    engine = warehouse.connect(place.warehouse)
    heads = warehouse.recommendations(engine, NIGHT)
    told = pipeline.maintain(place, YEARS_LATER, dry_run=True)
    assert pipeline.maintain(place, YEARS_LATER) == told
    assert _left(place) == ([LATER], [LATER], 1, [pd.Timestamp(ISSUED_AT + timedelta(days=1))])
    assert_frame_equal(warehouse.recommendations(engine, NIGHT), heads)
    assert warehouse.shadow_forecasts(engine, "north", ISSUED_AT).empty
    assert len(warehouse.shadow_forecasts(engine, "north", ISSUED_AT + timedelta(days=1)))
    assert list(warehouse.scores(engine, NIGHT, LATER, "PT1H")["night"]) == [LATER]
    assert set(pipeline.maintain(place, YEARS_LATER).values()) == {0}


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_months_that_are_over_go_as_partitions_but_none_that_a_last_night_lies_in(place: Deployment) -> None:
    """A site that published last long ago keeps that night, whatever went of the others meanwhile."""
    engine = warehouse.connect(place.warehouse)
    for months, site_id in ((1, "closed"), (2, "north"), (4, "north"), (26, "north")):
        issued_at = ISSUED_AT + timedelta(days=31 * months)
        row = replace(night_row(site_id), night=issued_at.date(), issued_at=issued_at)
        forecast = forecast_rows(site_id).assign(issued_at=pd.Timestamp(issued_at).as_unit("us"))
        warehouse.publish(engine, row, forecast, recommendation_rows().head(0))
    today = ISSUED_AT.date() + timedelta(days=31 * 26)

    def months_left() -> dict[str, int]:
        query = sa.text("SELECT tableoid::regclass::text, count(*) FROM forecast GROUP BY 1")
        with engine.connect() as connection:
            return dict(connection.execute(query).tuples().all())

    rows = len(forecast_rows())
    would_go = pipeline.maintain(place, today, dry_run=True)
    assert would_go["forecast rows"] == 3 * rows
    assert pipeline.maintain(place, today)["forecast rows"] == 3 * rows
    closed, north = ISSUED_AT + timedelta(days=31), ISSUED_AT + timedelta(days=31 * 26)
    assert set(months_left()) >= {f"forecast_{closed:%Y_%m}", f"forecast_{north:%Y_%m}"}
    left = {name for name in sa.inspect(engine).get_table_names() if name.startswith("forecast_2")}
    assert min(left) == f"forecast_{closed:%Y_%m}"


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
    assert removed == {"forecast", "shadow_forecast", "forecast_score", "quarantined_row"}
