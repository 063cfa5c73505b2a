from __future__ import annotations

import multiprocessing
import re
from collections.abc import Hashable, Iterator
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from integration.warehouse.a_night import ISSUED_AT, NIGHT, forecast_rows, night_row, recommendation_rows
from pandas.testing import assert_frame_equal

from forecasting import warehouse
from forecasting.warehouse import WarehouseError
from forecasting.warehouse.tables import METADATA

pytestmark = pytest.mark.integration

VIEWS = {
    "approved_staffing_plan",
    "decision_audit",
    "forecast_outcome",
    "forecast_quality",
    "latest_observation",
    "night_status",
    "published_forecast",
    "staffing_plan",
}
PARTITION = re.compile(r"_(\d{4}_\d{2}|default)$")
PLANNED = (
    "expected_cost",
    "expected_cost_scheduled",
    "short_hours",
    "wait_minutes",
    "wait_minutes_scheduled",
    "left_unseen",
    "left_unseen_scheduled",
    "relief",
)
"""Columns of revision 0004."""


@pytest.fixture
def empty(database_url: str) -> Iterator[sa.Engine]:
    engine = warehouse.connect(database_url)
    yield engine
    engine.dispose()


def test_up_and_down_and_up_again(empty: sa.Engine) -> None:
    warehouse.migrate(empty)
    assert _tables(empty) == {*METADATA.tables, "alembic_version"}
    assert set(sa.inspect(empty).get_view_names()) == VIEWS

    warehouse.downgrade(empty)
    assert _tables(empty) == {"alembic_version"}
    assert sa.inspect(empty).get_view_names() == []

    warehouse.migrate(empty)
    assert _tables(empty) == {*METADATA.tables, "alembic_version"}
    assert set(sa.inspect(empty).get_view_names()) == VIEWS


def test_each_step_goes_up_down_and_up_again_and_the_newest_keeps_what_was_published(
    empty: sa.Engine,
) -> None:
    steps = ["base", *_revisions()]
    for before, step in pairwise(steps):
        warehouse.migrate(empty, step)
        warehouse.downgrade(empty, before)
        warehouse.migrate(empty, step)
    warehouse.publish(empty, night_row(), forecast_rows(), recommendation_rows())

    warehouse.downgrade(empty, steps[-2])
    warehouse.migrate(empty)
    assert_frame_equal(warehouse.forecasts(empty, NIGHT), forecast_rows())
    assert_frame_equal(warehouse.recommendations(empty, NIGHT), recommendation_rows())
    for step in reversed(steps[:-1]):
        warehouse.downgrade(empty, step)
    assert _tables(empty) == {"alembic_version"}


def _revisions() -> list[str]:
    """The migrations' ids, the first one first."""
    config = Config()
    config.set_main_option("script_location", "forecasting.warehouse:migrations")
    return [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()][::-1]


def test_the_migrations_lead_to_the_tables_that_the_program_uses(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_name": _is_no_partition})
        assert compare_metadata(context, METADATA) == []


def _is_no_partition(name: str | None, kind: str, _parents: object) -> bool:
    return kind != "table" or PARTITION.search(str(name)) is None


def _tables(engine: sa.Engine) -> set[str]:
    return {name for name in sa.inspect(engine).get_table_names() if PARTITION.search(name) is None}


def test_advice_given_before_there_were_rules_stands_and_goes_back(empty: sa.Engine) -> None:
    """Down again, a row of which no rule held goes: revision 0002 has no place for it."""
    warehouse.migrate(empty, "0002")
    told = recommendation_rows(shifts=2).to_dict("records")
    ruled = ("action", "probability_short", "rule_id", "quantile_level")
    later = ruled + PLANNED
    with empty.begin() as connection:
        night = sa.Table("night", sa.MetaData(), autoload_with=connection)
        advice = sa.Table("staffing_recommendation", sa.MetaData(), autoload_with=connection)
        opened = {"site_id": "north", "night": NIGHT, "state": "published"}
        connection.execute(night.insert(), opened | {"issued_at": ISSUED_AT, "started_at": ISSUED_AT})
        rows = [{name: row[name] for name in row if name not in later} for row in told]
        connection.execute(advice.insert(), [_plain(row) for row in rows])

    warehouse.migrate(empty)
    standing = warehouse.recommendations(empty, NIGHT)
    assert standing["required"].tolist() == [3, 3, 3, 3]
    assert set(standing["action"]) == {""}
    assert standing[["probability_short", "rule_id", "quantile_level", *PLANNED[:-1]]].isna().all(axis=None)
    assert set(standing["relief"]) == {""}
    without = recommendation_rows(shifts=2).assign(required=None, recommended=None, gap=None, rule_id=None)
    published = pd.concat([without[without["unit_id"] == "icu"], told_of("ed")])
    warehouse.publish(empty, night_row(), forecast_rows(), published)
    assert warehouse.recommendations(empty, NIGHT)["required"].isna().sum() == 2

    warehouse.downgrade(empty, "0002")
    with empty.connect() as connection:
        left = connection.execute(sa.text("SELECT unit_id, required FROM staffing_recommendation")).all()
    assert left == [("ed", 3), ("ed", 3)]
    assert not set(later) & {column["name"] for column in sa.inspect(empty).get_columns(advice.name)}
    warehouse.migrate(empty)


def test_advice_of_units_stands_and_that_of_float_pools_goes_when_prices_are_taken_back(
    empty: sa.Engine,
) -> None:
    warehouse.migrate(empty)
    of_pool = recommendation_rows(shifts=1).query("unit_id == 'icu'").assign(unit_id="float", required=None)
    published = pd.concat([recommendation_rows(shifts=1), of_pool])
    warehouse.publish(empty, night_row(), forecast_rows(), published)
    warehouse.downgrade(empty, "0003")
    with empty.connect() as connection:
        left = connection.execute(sa.text("SELECT unit_id, action FROM staffing_recommendation")).all()
    assert sorted(left) == [("ed", "add 1"), ("icu", "roster 3")]
    warehouse.migrate(empty)
    assert warehouse.recommendations(empty, NIGHT)["expected_cost"].isna().all()


def told_of(unit_id: str) -> pd.DataFrame:
    rows = recommendation_rows(shifts=2)
    return rows[rows["unit_id"] == unit_id]


def _plain(row: dict[Hashable, Any]) -> dict[str, Any]:
    """Missing as None, instants as the driver takes them."""
    values = {str(name): None if pd.isna(value) else value for name, value in row.items()}
    return {
        name: getattr(value, "to_pydatetime", lambda value=value: value)() for name, value in values.items()
    }


def test_migrating_again_touches_nothing_not_even_a_view_that_others_build_on(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE VIEW ours AS SELECT site_id, gap FROM staffing_plan")
    warehouse.migrate(engine)
    assert set(sa.inspect(engine).get_view_names()) == VIEWS | {"ours"}


def test_a_step_that_fails_leaves_the_warehouse_as_it_was(engine: sa.Engine) -> None:
    @sa.event.listens_for(engine, "before_cursor_execute")
    def fail(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.strip() == "DROP TABLE night":
            raise RuntimeError("the power went")

    with pytest.raises(RuntimeError, match="the power went"):
        warehouse.downgrade(engine)
    sa.event.remove(engine, "before_cursor_execute", fail)

    assert _tables(engine) == {*METADATA.tables, "alembic_version"}
    assert set(sa.inspect(engine).get_view_names()) == VIEWS


def test_a_warehouse_of_a_newer_program_is_left_alone(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(WarehouseError, match="is at revision 9999"):
        warehouse.migrate(engine)


def test_an_unknown_revision_is_named(engine: sa.Engine) -> None:
    with pytest.raises(WarehouseError, match="can't move to 'yesterday'"):
        warehouse.migrate(engine, "yesterday")


def test_a_warehouse_that_was_never_migrated_says_so(empty: sa.Engine) -> None:
    with pytest.raises(WarehouseError, match="run `forecasting migrate`"):
        warehouse.last_observed(empty, "north", datetime.now(UTC))


def test_several_workers_may_migrate_a_fresh_warehouse_at_once(empty: sa.Engine) -> None:
    url = empty.url.render_as_string(hide_password=False)
    spawn = multiprocessing.get_context("spawn")
    start = spawn.Barrier(3)
    workers = [spawn.Process(target=_migrate, args=(url, start)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)

    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert set(sa.inspect(empty).get_view_names()) == VIEWS


def _migrate(url: str, start: object) -> None:
    start.wait()  # type: ignore[attr-defined]
    warehouse.migrate(warehouse.connect(url))
