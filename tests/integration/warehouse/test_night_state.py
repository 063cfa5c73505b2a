from __future__ import annotations

from dataclasses import replace

import pytest
import sqlalchemy as sa
from integration.warehouse.a_night import NIGHT, forecast_rows, night_row, recommendation_rows

from forecasting import schema, warehouse
from forecasting.schema import NightState
from forecasting.warehouse import WarehouseError

pytestmark = pytest.mark.integration

OPENED = replace(night_row(output_digest=None), finished_at=None, timings={})


def test_a_night_opens_and_ends_with_its_reason(engine: sa.Engine) -> None:
    assert warehouse.find_night(engine, "north", NIGHT) is None
    assert warehouse.open_night(engine, OPENED)
    assert warehouse.find_night(engine, "north", NIGHT) == OPENED

    blocked = replace(
        OPENED, state=NightState.BLOCKED, why="last row is two days old", timings={"extract": 2.5}
    )
    assert warehouse.close_night(engine, blocked)
    assert warehouse.find_night(engine, "north", NIGHT) == blocked


def test_a_night_that_failed_can_be_opened_again(engine: sa.Engine) -> None:
    warehouse.close_night(engine, replace(OPENED, state=NightState.FAILED, why="no source"))
    assert warehouse.open_night(engine, OPENED)
    assert warehouse.find_night(engine, "north", NIGHT) == OPENED


@pytest.mark.parametrize("state", [NightState.BLOCKED, NightState.FAILED])
def test_a_published_night_stays_published_whatever_becomes_of_a_second_run(
    engine: sa.Engine, state: NightState
) -> None:
    warehouse.publish(engine, night_row(), forecast_rows(), recommendation_rows())
    published = warehouse.find_night(engine, "north", NIGHT)

    assert not warehouse.open_night(engine, OPENED)
    assert not warehouse.close_night(engine, replace(OPENED, state=state, why="no source"))
    assert warehouse.find_night(engine, "north", NIGHT) == published


@pytest.mark.parametrize("state", [NightState.RUNNING, NightState.PUBLISHED])
def test_only_an_end_closes_a_night(engine: sa.Engine, state: NightState) -> None:
    with pytest.raises(WarehouseError, match="allowed: blocked, failed"):
        warehouse.close_night(engine, replace(OPENED, state=state))


def test_nights_shows_every_site_of_that_night(engine: sa.Engine) -> None:
    warehouse.open_night(engine, OPENED)
    warehouse.publish(engine, night_row("west"), forecast_rows("west"), recommendation_rows("west"))
    frame = warehouse.nights(engine, NIGHT)
    assert frame[["site_id", "state"]].values.tolist() == [["north", "running"], ["west", "published"]]
    assert frame.dtypes.to_dict() == schema.NIGHT.conform(frame).dtypes.to_dict()
    assert frame["started_at"].iloc[0] == OPENED.started_at
    assert frame["finished_at"].isna().tolist() == [True, False]
