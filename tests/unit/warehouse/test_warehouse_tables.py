"""The stored tables are those that pass between stages: they can't drift apart."""

from datetime import datetime

import pyarrow as pa
import pytest
import sqlalchemy as sa

from forecasting import schema
from forecasting.warehouse import tables
from forecasting.warehouse.tables import UtcDateTime

pytestmark = pytest.mark.unit

STORED_AS = {
    pa.timestamp("us", tz="UTC"): UtcDateTime,
    pa.string(): sa.String,
    pa.float64(): sa.Double,
    pa.int64(): sa.Integer,
    pa.date32(): sa.Date,
    pa.bool_(): sa.Boolean,
}

PAIRS = [
    (schema.OBSERVATION, tables.OBSERVATION),
    (schema.FORECAST, tables.FORECAST),
    (schema.STAFFING_RECOMMENDATION, tables.STAFFING_RECOMMENDATION),
    (schema.VALIDATION_RESULT, tables.VALIDATION_RESULT),
    (schema.QUARANTINED_ROW, tables.QUARANTINED_ROW),
    (schema.SOURCE_COLUMN, tables.SOURCE_COLUMN),
    (schema.NIGHT, tables.NIGHT),
    (schema.STAFFING_DECISION, tables.STAFFING_DECISION),
    (schema.MODEL_PROMOTION, tables.MODEL_PROMOTION),
    (schema.SCENARIO, tables.SCENARIO),
    (schema.SCENARIO_RECOMMENDATION, tables.SCENARIO_RECOMMENDATION),
    (schema.SHADOW_FORECAST, tables.SHADOW_FORECAST),
    (schema.FORECAST_SCORE, tables.FORECAST_SCORE),
    (schema.SERIES_VERDICT, tables.SERIES_VERDICT),
    (schema.TRAINING_REQUEST, tables.TRAINING_REQUEST),
]


@pytest.mark.parametrize(("passed", "stored"), PAIRS, ids=lambda table: table.name)
def test_columns_types_and_key_are_those_of_the_schema(passed: schema.Table, stored: sa.Table) -> None:
    columns = {column.name: type(column.type) for column in stored.c}
    key = [column.name for column in stored.primary_key]
    if stored is tables.OBSERVATION:
        assert columns.pop("known_at") is UtcDateTime
        assert key.pop() == "known_at"

    assert stored.name == passed.name
    assert columns == {field.name: STORED_AS[field.type] for field in passed.columns}
    assert key == list(passed.key)


def test_every_stored_table_is_compared() -> None:
    assert set(tables.METADATA.tables.values()) == {stored for _, stored in PAIRS}


@pytest.mark.parametrize(
    "dialect",
    [sa.make_url(url).get_dialect()() for url in ("sqlite://", "postgresql://")],
    ids=lambda d: d.name,
)
def test_a_time_without_zone_is_refused(dialect: sa.Dialect) -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        UtcDateTime().process_bind_param(datetime(2026, 11, 1, 1), dialect)  # noqa: DTZ001
