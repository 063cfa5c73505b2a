from __future__ import annotations

from datetime import date

import pandas as pd
import pytest
import sqlalchemy as sa
from integration.warehouse.a_night import ISSUED_AT, NIGHT, night_row
from pandas.testing import assert_frame_equal

from forecasting import schema, warehouse
from forecasting.warehouse import WarehouseError

pytestmark = pytest.mark.integration


def verdicts(*expectations: str, site_id: str = "north", night: date = NIGHT) -> pd.DataFrame:
    rows = [
        {
            "site_id": site_id,
            "night": night,
            "table_name": "observation",
            "expectation": expectation,
            "column_name": "",
            "severity": "block",
            "success": expectation != "fresh",
            "checked_rows": 96,
            "failed_rows": 2,
            "detail": "the last hour is two days old",
        }
        for expectation in expectations
    ]
    return schema.VALIDATION_RESULT.conform(pd.DataFrame(rows))


def set_aside(*reasons: str, value: float | None = -1.0) -> pd.DataFrame:
    rows = [
        {
            "site_id": "north",
            "night": NIGHT,
            "table_name": "observation",
            "unit_id": "ed",
            "target": "bed_census",
            "valid_at": ISSUED_AT,
            "reason": reason,
            "value": value,
            "source_rows": 1,
        }
        for reason in reasons
    ]
    return schema.QUARANTINED_ROW.conform(pd.DataFrame(rows))


def test_a_second_validation_replaces_the_first(engine: sa.Engine) -> None:
    warehouse.open_night(engine, night_row())
    warehouse.record_validation(
        engine, "north", NIGHT, verdicts("fresh", "complete"), set_aside("negative", "duplicate")
    )
    second = verdicts("complete", "in_range"), set_aside("duplicate", value=None)
    warehouse.record_validation(engine, "north", NIGHT, *second)

    assert_frame_equal(warehouse.validation_results(engine, NIGHT), second[0])
    assert_frame_equal(warehouse.quarantined_rows(engine, NIGHT), second[1])


def test_other_sites_keep_theirs(engine: sa.Engine) -> None:
    for site_id in ("north", "west"):
        warehouse.open_night(engine, night_row(site_id))
        warehouse.record_validation(
            engine, site_id, NIGHT, verdicts("fresh", site_id=site_id), schema.QUARANTINED_ROW.empty()
        )
    warehouse.record_validation(
        engine, "north", NIGHT, schema.VALIDATION_RESULT.empty(), schema.QUARANTINED_ROW.empty()
    )
    assert warehouse.validation_results(engine, NIGHT)["site_id"].tolist() == ["west"]
    assert len(warehouse.validation_results(engine, NIGHT, ["north"])) == 0


def test_a_night_that_was_never_opened_has_no_validation(engine: sa.Engine) -> None:
    with pytest.raises(WarehouseError, match="night 2026-11-01 of north was never opened"):
        warehouse.record_validation(engine, "north", NIGHT, verdicts("fresh"), set_aside("negative"))


def test_rows_of_another_night_are_refused(engine: sa.Engine) -> None:
    warehouse.open_night(engine, night_row())
    strangers = verdicts("fresh", night=date(2026, 10, 31))
    with pytest.raises(WarehouseError, match="have night 2026-10-31; all must have 2026-11-01"):
        warehouse.record_validation(engine, "north", NIGHT, strangers, set_aside("negative"))
