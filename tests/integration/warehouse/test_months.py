"""Monthly partitions: made ahead, never missed, dropped as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest
import sqlalchemy as sa
from integration.warehouse.a_night import NIGHT, forecast_rows, night_row, recommendation_rows
from pandas.testing import assert_frame_equal

from forecasting import schema, warehouse
from forecasting.warehouse import WarehouseError
from forecasting.warehouse.months import drop_before, make_months
from forecasting.warehouse.tables import FORECAST, MONTHLY

pytestmark = pytest.mark.integration

NEW_YEAR = datetime(2027, 1, 1, 8, tzinfo=UTC)


@pytest.fixture
def postgres(postgres_warehouse: str) -> Iterator[sa.Engine]:
    """A migrated, empty warehouse on PostgreSQL."""
    engine = warehouse.connect(postgres_warehouse)
    yield engine
    engine.dispose()


def publish(engine: sa.Engine, issued_at: datetime, site_id: str = "north", hours: int = 4) -> pd.DataFrame:
    """Publish the night of an issue time; what was forecast."""
    later = issued_at - night_row().issued_at
    told = forecast_rows(site_id, hours=hours)
    told = told.assign(issued_at=issued_at, valid_at=told["valid_at"] + later)
    advice = recommendation_rows(site_id, shifts=1).assign(issued_at=issued_at, night=issued_at.date())
    night = replace(night_row(site_id), night=issued_at.date(), issued_at=issued_at)
    warehouse.publish(engine, night, told, advice)
    return told


def hours(since: datetime, number: int, site_id: str = "north") -> pd.DataFrame:
    """So many hours of a series."""
    valid_at = pd.date_range(since, periods=number, freq="h")
    frame = pd.DataFrame({"site_id": site_id, "unit_id": "ed", "target": "bed_census", "valid_at": valid_at})
    return schema.OBSERVATION.conform(frame.assign(value=range(number)).astype({"value": float}))


def counts(engine: sa.Engine, table: str) -> dict[str, int]:
    """How many rows lie in which partition of a table."""
    query = f"SELECT tableoid::regclass::text, count(*) FROM {table} GROUP BY 1"  # noqa: S608
    with engine.connect() as connection:
        return {name: number for name, number in connection.execute(sa.text(query))}  # noqa: C416


def partitions(engine: sa.Engine, table: str) -> set[str]:
    """The months that a table has."""
    names = sa.inspect(engine).get_table_names()
    return {name.removeprefix(f"{table}_") for name in names if name.startswith(f"{table}_2")}


def test_what_stands_goes_into_its_months_and_back(postgres: sa.Engine) -> None:
    """Over the turn of a year, in both large tables, with the default partition left empty."""
    engine = postgres
    told = publish(engine, NEW_YEAR)
    of_old_year = publish(engine, NEW_YEAR - timedelta(days=1))
    seen = hours(NEW_YEAR - timedelta(hours=30), 30)
    warehouse.record_observations(engine, "north", NEW_YEAR, seen)

    for step in (warehouse.downgrade, warehouse.migrate):
        step(engine, "0007") if step is warehouse.downgrade else step(engine)
        with engine.connect() as connection:
            stand = connection.scalars(sa.text("SELECT count(*) FROM forecast")).one()
        assert stand == len(told) + len(of_old_year)
        assert set(sa.inspect(engine).get_pk_constraint("forecast")["constrained_columns"]) == {
            column.name for column in FORECAST.primary_key
        }
        assert (counts(engine, "forecast") == {"forecast": stand}) == (step is warehouse.downgrade)

    assert counts(engine, "forecast") == {"forecast_2026_12": len(of_old_year), "forecast_2027_01": len(told)}
    assert counts(engine, "observation") == {"observation_2026_12": 22, "observation_2027_01": 8}
    assert_frame_equal(warehouse.forecasts(engine, NEW_YEAR.date()), told)
    assert_frame_equal(
        warehouse.observations(engine, ["north"], None, NEW_YEAR - timedelta(days=9), NEW_YEAR), seen
    )


def test_a_night_makes_its_month_and_the_next_before_it_is_needed(postgres: sa.Engine) -> None:
    publish(postgres, NEW_YEAR + timedelta(days=59))
    assert {"2027_03", "2027_04"} <= partitions(postgres, "forecast")
    assert set(counts(postgres, "forecast")) == {"forecast_2027_03"}


def test_a_night_whose_month_cannot_be_made_publishes_all_the_same(postgres: sa.Engine) -> None:
    """The database refuses: the rows wait in the default partition for the next night."""
    with postgres.begin() as connection:
        connection.execute(sa.text("ALTER FUNCTION make_months RENAME TO taken_away"))
    told = publish(postgres, NEW_YEAR + timedelta(days=59))
    assert counts(postgres, "forecast") == {"forecast_default": len(told)}
    assert_frame_equal(warehouse.forecasts(postgres, date(2027, 3, 1)), told)

    with postgres.begin() as connection:
        connection.execute(sa.text("ALTER FUNCTION taken_away RENAME TO make_months"))
    later = publish(postgres, NEW_YEAR + timedelta(days=60))
    assert counts(postgres, "forecast") == {"forecast_2027_03": len(told) + len(later)}
    assert_frame_equal(warehouse.forecasts(postgres, date(2027, 3, 1)), told)


def test_a_warehouse_that_cannot_be_reached_says_so(tmp_path: object) -> None:
    nowhere = warehouse.connect(f"postgresql+psycopg://nobody@/nothing?host={tmp_path}")
    with pytest.raises(WarehouseError):
        make_months(nowhere, FORECAST, NEW_YEAR, NEW_YEAR)


def test_sites_that_need_a_month_at_once_all_publish(postgres: sa.Engine) -> None:
    sites = [f"site{number}" for number in range(4)]
    april = NEW_YEAR + timedelta(days=90)
    with ThreadPoolExecutor(4) as workers:
        told = list(workers.map(lambda site_id: publish(postgres, april, site_id), sites))
    assert counts(postgres, "forecast") == {"forecast_2027_04": sum(map(len, told))}


@pytest.mark.parametrize("table", MONTHLY)
def test_months_before_a_day_go_and_its_own_stays_whole(engine: sa.Engine, table: str) -> None:
    """Alike where partitions are dropped and where rows are deleted."""
    for issued_at in (NEW_YEAR - timedelta(days=1), NEW_YEAR, NEW_YEAR + timedelta(days=31)):
        publish(engine, issued_at)
        warehouse.record_observations(engine, "north", issued_at, hours(issued_at - timedelta(hours=4), 4))
    instant = MONTHLY[table]
    with engine.connect() as connection:
        standing = connection.scalars(sa.select(instant)).all()
    kept = sorted(value for value in standing if value >= datetime(2027, 1, 1, tzinfo=UTC))

    assert drop_before(engine, table, date(2027, 1, 20)) == len(standing) - len(kept) > 0
    with engine.connect() as connection:
        assert sorted(connection.scalars(sa.select(instant))) == kept
    assert drop_before(engine, table, date(2027, 1, 20)) == 0
    if engine.dialect.name == "postgresql":
        assert not {month for month in partitions(engine, table) if month < "2027_01"}
    publish(engine, NEW_YEAR - timedelta(days=2))


def test_a_table_without_months_is_refused(engine: sa.Engine) -> None:
    with pytest.raises(WarehouseError, match="'night' has no months to drop; allowed: observation, forecast"):
        drop_before(engine, "night", NIGHT)


def test_rows_in_bulk_are_those_one_by_one(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Inserted and replaced: PostgreSQL's stream leaves what single statements leave."""
    first, second = forecast_rows(hours=100), forecast_rows(hours=90, value=7.0)
    told = []
    for bulk in (10**9, 1):
        monkeypatch.setattr("forecasting.warehouse.rows.BULK", bulk)
        for number, rows in enumerate((first, second, second)):
            digest = f"{bulk} {number}"
            assert warehouse.publish(engine, night_row(output_digest=digest), rows, recommendation_rows())
        told.append((warehouse.forecasts(engine, NIGHT), warehouse.recommendations(engine, NIGHT)))
    for one_by_one, in_bulk in zip(*told, strict=True):
        assert_frame_equal(one_by_one, in_bulk)
    assert_frame_equal(told[0][0], second)
