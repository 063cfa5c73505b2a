from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest
import sqlalchemy as sa
from integration.warehouse.a_night import ISSUED_AT, NIGHT, forecast_rows, night_row, recommendation_rows
from pandas.testing import assert_frame_equal

from forecasting import schema, warehouse
from forecasting.schema import NightState
from forecasting.warehouse import WarehouseError

pytestmark = pytest.mark.integration


def test_what_is_published_can_be_read_as_it_was(engine: sa.Engine) -> None:
    warehouse.open_night(engine, night_row())
    assert warehouse.publish(engine, night_row(), forecast_rows(), recommendation_rows())

    assert_frame_equal(warehouse.forecasts(engine, NIGHT), forecast_rows())
    assert_frame_equal(warehouse.recommendations(engine, NIGHT), recommendation_rows())
    assert warehouse.find_night(engine, "north", NIGHT) == replace(night_row(), state=NightState.PUBLISHED)


def test_the_same_output_again_touches_nothing(engine: sa.Engine) -> None:
    warehouse.publish(engine, night_row(run="run-1"), forecast_rows(), recommendation_rows(run="run-1"))
    again = warehouse.publish(
        engine, night_row(run="run-2"), forecast_rows(), recommendation_rows(run="run-2")
    )
    assert not again
    assert set(warehouse.recommendations(engine, NIGHT)["mlflow_run_id"]) == {"run-1"}
    night = warehouse.find_night(engine, "north", NIGHT)
    assert night is not None
    assert night.mlflow_run_id == "run-1"


def test_another_output_replaces_every_row_and_drops_those_that_are_gone(engine: sa.Engine) -> None:
    warehouse.publish(engine, night_row(), forecast_rows(hours=48), recommendation_rows(shifts=4))
    fewer = forecast_rows(value=20.0, hours=24, units=("ed",)), recommendation_rows(required=5, shifts=2)
    assert warehouse.publish(engine, night_row(output_digest="second"), *fewer)

    assert_frame_equal(warehouse.forecasts(engine, NIGHT), fewer[0])
    assert_frame_equal(warehouse.recommendations(engine, NIGHT), fewer[1])


def test_a_night_published_under_another_issue_time_leaves_no_rows_of_the_old_one(engine: sa.Engine) -> None:
    warehouse.publish(engine, night_row(), forecast_rows(), recommendation_rows())
    later = ISSUED_AT + timedelta(hours=1)
    warehouse.publish(
        engine,
        replace(night_row(output_digest="second"), issued_at=later),
        forecast_rows().assign(issued_at=later),
        recommendation_rows().assign(issued_at=later),
    )
    for table in ("forecast", "staffing_recommendation"):
        with engine.connect() as connection:
            issue_times = sa.select(sa.func.count(sa.distinct(sa.column("issued_at"))))
            assert connection.scalar(issue_times.select_from(sa.table(table))) == 1
    assert set(warehouse.recommendations(engine, NIGHT)["issued_at"]) == {later}


def test_other_sites_and_nights_are_left_alone(engine: sa.Engine) -> None:
    warehouse.publish(engine, night_row("west"), forecast_rows("west"), recommendation_rows("west"))
    warehouse.publish(engine, night_row(), forecast_rows(), recommendation_rows())
    warehouse.publish(
        engine,
        night_row(output_digest="none"),
        schema.FORECAST.empty(),
        schema.STAFFING_RECOMMENDATION.empty(),
    )
    assert_frame_equal(warehouse.forecasts(engine, NIGHT), forecast_rows("west"))
    assert_frame_equal(warehouse.recommendations(engine, NIGHT, ["west"]), recommendation_rows("west"))
    assert len(warehouse.recommendations(engine, NIGHT, ["north"])) == 0
    assert len(warehouse.recommendations(engine, date(2026, 10, 31))) == 0


def test_a_fault_after_the_forecasts_leaves_all_of_the_old_rows(engine: sa.Engine) -> None:
    warehouse.publish(engine, night_row(), forecast_rows(), recommendation_rows())
    before = warehouse.find_night(engine, "north", NIGHT)

    @sa.event.listens_for(engine, "before_cursor_execute")
    def fail(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.startswith("INSERT INTO staffing_recommendation"):
            raise RuntimeError("the power went")

    with pytest.raises(RuntimeError, match="the power went"):
        warehouse.publish(
            engine,
            night_row(output_digest="second"),
            forecast_rows(value=99.0),
            recommendation_rows(required=9),
        )
    sa.event.remove(engine, "before_cursor_execute", fail)

    assert_frame_equal(warehouse.forecasts(engine, NIGHT), forecast_rows())
    assert_frame_equal(warehouse.recommendations(engine, NIGHT), recommendation_rows())
    assert warehouse.find_night(engine, "north", NIGHT) == before


def test_a_forecast_that_is_not_a_number_is_refused_and_nothing_is_written(engine: sa.Engine) -> None:
    with pytest.raises(WarehouseError, match="value"):
        warehouse.publish(engine, night_row(), forecast_rows(value=float("nan")), recommendation_rows())
    assert warehouse.find_night(engine, "north", NIGHT) is None


@pytest.mark.parametrize(
    ("forecast", "recommendation", "complaint"),
    [
        (
            forecast_rows("west"),
            recommendation_rows(),
            "forecast: 288 rows have site_id west; all must have north",
        ),
        (
            forecast_rows().assign(issued_at=ISSUED_AT + timedelta(hours=1)),
            recommendation_rows(),
            "forecast: 288 rows have issued_at",
        ),
        (
            forecast_rows(),
            recommendation_rows().assign(night=date(2026, 10, 31)),
            "staffing_recommendation: 8 rows have night 2026-10-31; all must have 2026-11-01",
        ),
    ],
    ids=["site", "issue time", "night"],
)
def test_rows_of_another_partition_are_refused(
    engine: sa.Engine, forecast: pd.DataFrame, recommendation: pd.DataFrame, complaint: str
) -> None:
    with pytest.raises(WarehouseError, match=complaint):
        warehouse.publish(engine, night_row(), forecast, recommendation)


def test_without_an_output_digest_nothing_is_published(engine: sa.Engine) -> None:
    with pytest.raises(WarehouseError, match="no output_digest"):
        warehouse.publish(engine, night_row(output_digest=None), forecast_rows(), recommendation_rows())


def test_the_staffing_plan_view_shows_the_last_published_night_of_each_site(engine: sa.Engine) -> None:
    warehouse.publish(engine, night_row(), forecast_rows(), recommendation_rows(required=3))
    next_night, next_issue = NIGHT + timedelta(days=1), datetime(2026, 11, 2, 8, tzinfo=UTC)
    following = replace(night_row(), night=next_night, issued_at=next_issue)

    warehouse.open_night(engine, following)
    assert _plan(engine) == {("north", "2026-11-01", 3)}

    warehouse.publish(
        engine,
        following,
        forecast_rows().assign(issued_at=next_issue),
        recommendation_rows(required=6).assign(issued_at=next_issue, night=next_night),
    )
    assert _plan(engine) == {("north", "2026-11-02", 6)}


def _plan(engine: sa.Engine) -> set[tuple[str, str, int]]:
    with engine.connect() as connection:
        rows = connection.execute(sa.text("SELECT site_id, night, required FROM staffing_plan")).all()
    return {(site_id, str(night), required) for site_id, night, required in rows}
