"""A reader sees the warehouse as of one moment, whatever is written meanwhile."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from integration.warehouse.a_night import NIGHT, night_row

from forecasting import warehouse
from forecasting.warehouse import tables
from forecasting.warehouse.engine import reading

pytestmark = pytest.mark.integration


def test_what_is_written_while_someone_reads_is_not_seen_until_the_next_reading(engine: sa.Engine) -> None:
    count = sa.select(sa.func.count()).select_from(tables.NIGHT)
    warehouse.open_night(engine, night_row("north"))
    with reading(engine) as connection:
        assert connection.scalar(count) == 1
        warehouse.open_night(engine, night_row("west"))
        assert connection.scalar(count) == 1
    with reading(engine) as connection:
        assert connection.scalar(count) == 2
    assert warehouse.find_night(engine, "west", NIGHT + timedelta(days=1)) is None
