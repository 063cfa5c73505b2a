"""Publishing while processes die, and while others publish."""

from __future__ import annotations

import multiprocessing
import time
from datetime import UTC, datetime, timedelta
from multiprocessing.synchronize import Barrier, Event

import pandas as pd
import pytest
import sqlalchemy as sa
from integration.warehouse.a_night import NIGHT, forecast_rows, night_row, recommendation_rows
from pandas.testing import assert_frame_equal

from forecasting import warehouse
from forecasting.schema import OBSERVATION

pytestmark = pytest.mark.integration

SPAWN = multiprocessing.get_context("spawn")


@pytest.mark.parametrize("table", ["night", "forecast", "staffing_recommendation"])
def test_a_process_killed_in_the_middle_leaves_all_of_the_old_rows(engine: sa.Engine, table: str) -> None:
    warehouse.publish(engine, night_row(), forecast_rows(), recommendation_rows())
    before = warehouse.find_night(engine, "north", NIGHT)

    in_the_middle = SPAWN.Event()
    doomed = SPAWN.Process(target=_publish_and_stall, args=(_url(engine), table, in_the_middle))
    doomed.start()
    assert in_the_middle.wait(120)
    # The reader neither waits for the writer nor sees what it wrote.
    assert_frame_equal(warehouse.recommendations(engine, NIGHT), recommendation_rows())
    doomed.kill()
    doomed.join()

    assert_frame_equal(warehouse.forecasts(engine, NIGHT), forecast_rows())
    assert_frame_equal(warehouse.recommendations(engine, NIGHT), recommendation_rows())
    assert warehouse.find_night(engine, "north", NIGHT) == before

    second = forecast_rows(value=99.0), recommendation_rows(required=9)
    assert warehouse.publish(engine, night_row(output_digest="second"), *second)
    assert_frame_equal(warehouse.forecasts(engine, NIGHT), second[0])
    assert_frame_equal(warehouse.recommendations(engine, NIGHT), second[1])


def test_two_processes_publish_two_sites_at_once(engine: sa.Engine) -> None:
    start = SPAWN.Barrier(2)
    workers = [
        SPAWN.Process(target=_run_a_night, args=(_url(engine), site_id, start))
        for site_id in ("north", "west")
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)

    assert [worker.exitcode for worker in workers] == [0, 0]
    for site_id in ("north", "west"):
        assert_frame_equal(warehouse.forecasts(engine, NIGHT, [site_id]), forecast_rows(site_id))
        assert_frame_equal(warehouse.recommendations(engine, NIGHT, [site_id]), recommendation_rows(site_id))


def test_two_processes_publish_the_same_night_at_once_and_one_of_them_stands(engine: sa.Engine) -> None:
    start = SPAWN.Barrier(2)
    workers = [
        SPAWN.Process(target=_publish_version, args=(_url(engine), version, start)) for version in (5, 7)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)

    assert [worker.exitcode for worker in workers] == [0, 0]
    night = warehouse.find_night(engine, "north", NIGHT)
    assert night is not None
    stands = int(night.output_digest or 0)
    assert stands in (5, 7)
    assert_frame_equal(warehouse.forecasts(engine, NIGHT), forecast_rows(value=stands))
    assert_frame_equal(warehouse.recommendations(engine, NIGHT), recommendation_rows(required=stands))


def _url(engine: sa.Engine) -> str:
    return engine.url.render_as_string(hide_password=False)


def _publish_and_stall(url: str, table: str, in_the_middle: Event) -> None:
    engine = warehouse.connect(url)

    @sa.event.listens_for(engine, "after_cursor_execute")
    def stall(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.startswith(f"INSERT INTO {table} "):
            in_the_middle.set()
            time.sleep(600)

    warehouse.publish(
        engine, night_row(output_digest="second"), forecast_rows(value=99.0), recommendation_rows(required=9)
    )


def _run_a_night(url: str, site_id: str, start: Barrier) -> None:
    engine = warehouse.connect(url)
    issued_at = datetime(2026, 11, 1, 8, tzinfo=UTC)
    hours = pd.date_range(issued_at - timedelta(hours=2000), periods=2000, freq="h").as_unit("us")
    seen = pd.DataFrame(
        {"site_id": site_id, "unit_id": "ed", "target": "bed_census", "valid_at": hours, "value": 1.0}
    )
    start.wait()
    warehouse.open_night(engine, night_row(site_id))
    warehouse.record_observations(engine, site_id, issued_at, OBSERVATION.conform(seen))
    warehouse.publish(engine, night_row(site_id), forecast_rows(site_id), recommendation_rows(site_id))


def _publish_version(url: str, version: int, start: Barrier) -> None:
    engine = warehouse.connect(url)
    start.wait()
    warehouse.publish(
        engine,
        night_row(output_digest=str(version)),
        forecast_rows(value=version),
        recommendation_rows(required=version),
    )
