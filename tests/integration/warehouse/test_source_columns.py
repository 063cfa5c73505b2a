"""What a source looked like is remembered from one recorded night to the next."""

from __future__ import annotations

from datetime import timedelta

import pandas as pd
import pytest
import sqlalchemy as sa
from integration.warehouse.a_night import ISSUED_AT
from pandas.testing import assert_frame_equal

from forecasting import schema, warehouse
from forecasting.warehouse import WarehouseError

pytestmark = pytest.mark.integration

DAY = timedelta(days=1)


def columns(*names: str, site_id: str = "north", at: timedelta = timedelta()) -> pd.DataFrame:
    rows = {
        "site_id": site_id,
        "known_at": ISSUED_AT + at,
        "table_name": "ed_visit",
        "column_name": list(names),
        "column_type": "TEXT",
        "read_as": "",
    }
    return schema.SOURCE_COLUMN.conform(pd.DataFrame(rows))


def test_a_night_reads_what_the_last_one_before_it_saw(engine: sa.Engine) -> None:
    first, second = columns("visit_id", "acuity"), columns("visit_id", at=DAY)
    warehouse.record_source_columns(engine, "north", ISSUED_AT, first)
    warehouse.record_source_columns(engine, "north", ISSUED_AT + DAY, second)
    warehouse.record_source_columns(engine, "west", ISSUED_AT, columns("other", site_id="west"))
    assert warehouse.source_columns(engine, "north", ISSUED_AT).empty
    assert_frame_equal(warehouse.source_columns(engine, "north", ISSUED_AT + DAY), first)
    assert_frame_equal(warehouse.source_columns(engine, "north", ISSUED_AT + 9 * DAY), second)


def test_recording_a_night_again_replaces_what_it_saw(engine: sa.Engine) -> None:
    for names in (("visit_id", "acuity"), ("visit_id",)):
        warehouse.record_source_columns(engine, "north", ISSUED_AT, columns(*names))
    assert_frame_equal(warehouse.source_columns(engine, "north", ISSUED_AT + DAY), columns("visit_id"))


def test_rows_of_another_night_are_refused(engine: sa.Engine) -> None:
    with pytest.raises(WarehouseError, match="known_at"):
        warehouse.record_source_columns(engine, "north", ISSUED_AT, columns("visit_id", at=DAY))
