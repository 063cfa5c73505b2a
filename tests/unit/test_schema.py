from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecasting import schema

pytestmark = pytest.mark.unit

TABLES = [value for value in vars(schema).values() if isinstance(value, schema.Table)]


def _observation(**changes: object) -> pd.DataFrame:
    row = {
        "site_id": "north",
        "unit_id": "ed",
        "target": "ed_arrivals",
        "valid_at": pd.Timestamp("2026-01-01 05:00", tz="UTC"),
        "value": 4.0,
    }
    return pd.DataFrame([row | changes])


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_table_conforms_to_itself_and_its_key_is_of_its_columns(table: schema.Table) -> None:
    empty = table.empty()
    pd.testing.assert_frame_equal(table.conform(empty), empty)
    assert set(table.key) <= set(table.columns.names)


def test_a_missing_value_stays_missing() -> None:
    frame = schema.OBSERVATION.conform(_observation(value=None))
    assert frame["value"].isna().all()


def test_times_of_another_zone_are_the_same_instants_in_utc() -> None:
    local = pd.Timestamp("2026-01-01 00:00", tz="America/New_York")
    frame = schema.OBSERVATION.conform(_observation(valid_at=local))
    assert str(frame["valid_at"].dt.tz) == "UTC"
    assert frame["valid_at"].iloc[0] == local


def test_a_column_that_is_missing_is_named() -> None:
    with pytest.raises(schema.SchemaError, match="observation: no column target"):
        schema.OBSERVATION.conform(_observation().drop(columns="target"))


def test_a_value_of_another_type_is_refused_with_its_column() -> None:
    with pytest.raises(schema.SchemaError, match=r"observation: .*value"):
        schema.OBSERVATION.conform(_observation(value="four"))


def test_a_repeated_key_is_refused_with_an_example() -> None:
    with pytest.raises(schema.SchemaError, match=r"1 rows repeat a key, such as .*'ed'"):
        schema.OBSERVATION.conform(pd.concat([_observation(), _observation(value=5.0)]))


def test_rows_come_out_in_the_order_of_the_key() -> None:
    later, earlier = _observation(unit_id="icu"), _observation()
    frame = schema.OBSERVATION.conform(pd.concat([later, earlier]))
    assert frame["unit_id"].tolist() == ["ed", "icu"]


@settings(max_examples=60, deadline=None)
@given(keys=st.lists(st.tuples(st.sampled_from(["ed", "icu", "ms_1", "ms1"]), st.integers(0, 3)), max_size=6))
def test_law_rows_come_out_sorted_by_key_and_a_repeated_key_never_comes_out(
    keys: list[tuple[str, int]],
) -> None:
    start = pd.Timestamp("2026-01-01 05:00", tz="UTC")
    rows = [_observation(unit_id=unit_id, valid_at=start + pd.Timedelta(hours=at)) for unit_id, at in keys]
    frame = pd.concat([schema.OBSERVATION.empty(), *rows])
    if len(set(keys)) < len(keys):
        with pytest.raises(schema.SchemaError, match="repeat a key"):
            schema.OBSERVATION.conform(frame)
        return
    out = schema.OBSERVATION.conform(frame)
    hours = [int((at - start) / pd.Timedelta(hours=1)) for at in out["valid_at"]]
    assert list(zip(out["unit_id"], hours, strict=True)) == sorted(keys)


def test_rows_without_a_key_are_not_taken_for_sorted() -> None:
    frame = pd.concat([_observation(unit_id=None), _observation(unit_id=None)])
    with pytest.raises(schema.SchemaError, match="1 rows repeat a key"):
        schema.OBSERVATION.conform(frame)
