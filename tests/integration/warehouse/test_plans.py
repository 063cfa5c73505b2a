"""What PostgreSQL does for the queries of a night and of the BI views, over three months of four sites.

Told by EXPLAIN ANALYZE: which tables it read, by which index, and in how many months' partitions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from integration.warehouse.a_night import forecast_rows, night_row, recommendation_rows
from postgres_databases import postgres_database
from postgres_plans import Plan, plan_of

from forecasting import warehouse
from forecasting.warehouse.tables import MONTHLY

pytestmark = pytest.mark.integration

FIRST = datetime(2026, 8, 20, 8, tzinfo=UTC)
ISSUED_AT = datetime(2026, 11, 10, 8, tzinfo=UTC)
NIGHT = date(2026, 11, 10)
LARGE = ("forecast", "observation", "staffing_recommendation", "staffing_decision")
SITE = "site1"

FILL = """
INSERT INTO night (site_id, night, issued_at, state, started_at)
SELECT 'site' || site, issued::date, issued, 'published', issued
FROM generate_series(1, 4) AS site, generate_series(:first, :last, '1 day') AS issued;

INSERT INTO observation (site_id, unit_id, target, valid_at, value, known_at)
SELECT 'site' || site, 'u' || unit, 'bed_census', hour, 10, date_trunc('day', hour) + '32 hours'
FROM generate_series(1, 4) AS site, generate_series(1, 3) AS unit,
    generate_series(:first, :last - interval '1 hour', '1 hour') AS hour
WHERE date_trunc('day', hour) + '32 hours' <= :last;

INSERT INTO forecast
SELECT issued_at, site_id, 'u' || unit, 'bed_census', period, issued_at + ahead * interval '1 hour', level,
    10, 'ensemble', '1', ''
FROM night, generate_series(1, 3) AS unit, generate_series(0, 23) AS ahead,
    unnest(ARRAY[0.1, 0.5, 0.9]) AS level, unnest(ARRAY['PT1H', 'P1D']) AS period;

INSERT INTO staffing_recommendation (issued_at, night, site_id, unit_id, role, shift, shift_date, shift_start,
    shift_end, required, scheduled, recommended, action, relief, reason, note)
SELECT issued_at, night, site_id, 'u' || unit, 'registered_nurse', 'day', night + ahead,
    issued_at + ahead * interval '1 day', issued_at + ahead * interval '1 day' + interval '12 hours',
    5, 4, 5, 'add 1', '', 'At most 20 patients expected in any hour', ''
FROM night, generate_series(1, 5) AS unit, generate_series(1, 7) AS ahead;

INSERT INTO staffing_decision (site_id, night, unit_id, role, shift, shift_start, number, state, heads,
    decided_at, decided_by, comment)
SELECT site_id, night, unit_id, role, shift, shift_start, 1, 'approved', 5, issued_at, 'configuration', ''
FROM staffing_recommendation;

ANALYZE;
"""


@pytest.fixture(scope="module")
def filled(postgres_server: str, migrated_postgres: str) -> Iterator[sa.Engine]:
    """Twelve weeks of four sites; small pages in the cache, so that plans are those of larger tables."""
    with postgres_database(postgres_server, template=migrated_postgres) as url:
        engine = warehouse.connect(url)
        with engine.begin() as connection:
            connection.execute(sa.text("SELECT make_months('forecast', :first, :last)"), _span())
            connection.execute(sa.text("SELECT make_months('observation', :first, :last)"), _span())
            for statement in FILL.strip().split(";\n"):
                connection.execute(sa.text(statement.rstrip(";")), _span() if ":first" in statement else {})
        yield engine


def _span() -> dict[str, datetime]:
    return {"first": FIRST, "last": ISSUED_AT}


@contextmanager
def overheard(engine: sa.Engine) -> Iterator[list[tuple[str, Any]]]:
    """The SELECTs that are asked of the warehouse meanwhile, with their parameters."""
    asked: list[tuple[str, Any]] = []

    def listen(_c: object, _cursor: object, statement: str, parameters: Any, _x: object, _many: bool) -> None:
        if statement.startswith("SELECT") and " FROM " in statement.replace("\n", " "):
            asked.append((statement, parameters))

    sa.event.listen(engine, "before_cursor_execute", listen)
    yield asked
    sa.event.remove(engine, "before_cursor_execute", listen)


def plans_of(engine: sa.Engine, ask: Callable[[], object]) -> list[Plan]:
    """The plans of every query that a call asks."""
    with overheard(engine) as asked:
        ask()
    assert asked
    with engine.connect() as connection:
        return [plan_of(connection, statement, parameters) for statement, parameters in asked]


READS: dict[str, Callable[[sa.Engine], object]] = {
    "observations": lambda engine: warehouse.observations(
        engine, [SITE], None, ISSUED_AT - timedelta(days=2), ISSUED_AT
    ),
    "last observed": lambda engine: warehouse.last_observed(engine, SITE, ISSUED_AT),
    "versions": lambda engine: warehouse.observation_versions(
        engine, [SITE], "bed_census", ISSUED_AT - timedelta(days=2), ISSUED_AT
    ),
    "forecasts": lambda engine: warehouse.forecasts(engine, NIGHT, [SITE]),
    "forecasts of all": lambda engine: warehouse.forecasts(engine, NIGHT),
    "recommendations": lambda engine: warehouse.recommendations(engine, NIGHT, [SITE]),
    "recommendations of all": lambda engine: warehouse.recommendations(engine, NIGHT),
    "decisions": lambda engine: warehouse.decisions(engine, NIGHT, [SITE]),
}


@pytest.mark.parametrize("read", READS)
def test_a_nights_reads_go_by_an_index(filled: sa.Engine, read: str) -> None:
    for plan in plans_of(filled, lambda: READS[read](filled)):
        assert plan.without_index(*LARGE) == set()


@pytest.mark.parametrize(("read", "table"), [("observations", "observation"), ("forecasts", "forecast")])
def test_a_nights_read_of_some_days_opens_their_month_alone(filled: sa.Engine, read: str, table: str) -> None:
    last = plans_of(filled, lambda: READS[read](filled))[-1]
    assert last.of(table) == {f"{table}_2026_11"}


def test_a_nights_writes_read_by_an_index(filled: sa.Engine) -> None:
    """What it looks up of the rows that stand, to replace those of the same night."""
    night = replace(night_row("site2"), night=NIGHT, issued_at=ISSUED_AT)
    told = forecast_rows("site2", hours=2).assign(issued_at=ISSUED_AT)
    advice = recommendation_rows("site2", shifts=1).assign(issued_at=ISSUED_AT, night=NIGHT)
    seen = warehouse.observations(filled, ["site2"], None, ISSUED_AT - timedelta(hours=60), ISSUED_AT)

    def write() -> None:
        warehouse.record_observations(filled, "site2", ISSUED_AT, seen.assign(value=3.0))
        warehouse.publish(filled, night, told, advice)

    for plan in plans_of(filled, write):
        assert plan.without_index(*LARGE) == set()
        assert plan.of("forecast") <= {"forecast_2026_11"}


ASKED_OF_VIEWS = {
    "approved_staffing_plan": f"WHERE site_id = '{SITE}'",
    "decision_audit": f"WHERE site_id = '{SITE}' AND night = '{NIGHT}'",
    "forecast_outcome": f"WHERE site_id = '{SITE}' AND night = '{NIGHT - timedelta(days=2)}'",
    "forecast_quality": f"WHERE site_id = '{SITE}' AND night = '{NIGHT - timedelta(days=2)}'",
    "latest_observation": f"WHERE site_id = '{SITE}' AND valid_at >= '2026-11-08 00:00+00'",
    "night_status": f"WHERE night = '{NIGHT}'",
    "published_forecast": f"WHERE site_id = '{SITE}' AND period = 'PT1H'",
    "staffing_plan": f"WHERE site_id = '{SITE}'",
}
"""What a dashboard asks of each view."""


@pytest.mark.parametrize("view", ASKED_OF_VIEWS)
def test_a_view_goes_by_an_index_and_opens_the_months_it_needs(filled: sa.Engine, view: str) -> None:
    with filled.connect() as connection:
        plan = plan_of(connection, f"SELECT * FROM {view} {ASKED_OF_VIEWS[view]}")  # noqa: S608
    assert plan.reads
    assert plan.without_index(*LARGE) == set()
    for table in MONTHLY:
        assert plan.of(table) <= {f"{table}_2026_11"}


def test_every_view_is_asked(filled: sa.Engine) -> None:
    assert set(sa.inspect(filled).get_view_names()) == set(ASKED_OF_VIEWS)
