"""What changed in the source's tables since the night before is named."""

from __future__ import annotations

import pandas as pd
import pytest

from forecasting.schema import SOURCE_COLUMN
from forecasting.validate.source_drift import source_drift

pytestmark = pytest.mark.unit

NIGHT = pd.Timestamp("2026-03-01 08:00", tz="UTC")
VISITS = {"visit_id": "TEXT", "arrived_at": "TIMESTAMP", "acuity": "INTEGER", "room": "TEXT"}


def columns(types: dict[str, str], table: str = "ed_visit") -> pd.DataFrame:
    rows = {
        "site_id": "north",
        "known_at": NIGHT,
        "table_name": table,
        "column_name": list(types),
        "column_type": list(types.values()),
        "read_as": [name if name in ("visit_id", "arrived_at", "acuity") else "" for name in types],
    }
    return SOURCE_COLUMN.conform(pd.DataFrame(rows))


def changed(now: dict[str, str], before: dict[str, str]) -> dict[str, str]:
    found = source_drift(columns(now), columns(before))
    news = found[found["drift"] != "no"]
    return dict(zip(news["column_name"], news["drift"], strict=True))


def test_nothing_changed() -> None:
    assert changed(VISITS, VISITS) == {}


def test_the_first_night_has_nothing_to_compare() -> None:
    found = source_drift(columns(VISITS), SOURCE_COLUMN.empty())
    assert set(found["drift"]) == {"no"}


def test_gone_new_and_retyped() -> None:
    now = {"visit_id": "INTEGER", "arrived_at": "TIMESTAMP", "acuity": "INTEGER", "floor": "INTEGER"}
    assert changed(now, VISITS) == {"visit_id": "retyped", "room": "gone", "floor": "new"}


def test_a_column_gone_beside_a_new_one_of_its_type_may_be_that_one() -> None:
    now = {name: kind for name, kind in VISITS.items() if name != "acuity"} | {"esi": "INTEGER"}
    (gone,) = source_drift(columns(now), columns(VISITS)).query("drift == 'renamed'").to_dict("records")
    assert (gone["column_name"], gone["instead"], gone["read_as"]) == ("acuity", "esi", "acuity")


def test_a_table_gone_is_all_its_columns() -> None:
    before = pd.concat([columns(VISITS), columns({"heads": "INTEGER"}, "scheduled_shift")])
    found = source_drift(columns(VISITS), before)
    assert found.loc[found["table_name"] == "scheduled_shift", "drift"].tolist() == ["gone"]
