"""What PostgreSQL does for a night's questions to an ``adt`` source, by the indexes that its page recommends.

The planner chooses by itself, over 100,000 stays a year of five sites; ``make bench-source`` has ten million.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa
from postgres_databases import postgres_database
from postgres_plans import Plan, plan_of

from benchmarks.many_stays import INDEXES, LAYOUTS, TABLES, fill, site_ids
from forecasting.config import Settings
from forecasting.extract.adt import read_adt
from forecasting.extract.questions import Questions

pytestmark = pytest.mark.integration

README = Path(__file__).parents[3] / "sql" / "extract" / "adt" / "README.md"
ISSUED_AT = datetime(2026, 12, 15, 8, tzinfo=UTC)
STAYS, SITES = 100_000, 5
YEAR, INCREMENT = timedelta(days=365), timedelta(days=4, hours=1)
ACTIVITY = "activity"
"""Reads eight weeks, whatever the window."""


@pytest.fixture(scope="module")
def source(postgres_server: str) -> Iterator[sa.Engine]:
    """A year of a group and two months before it, in partitions by month and in one table."""
    with postgres_database(postgres_server) as url:
        engine = sa.create_engine(url)
        for layout in LAYOUTS:
            fill(engine, layout, STAYS, ISSUED_AT.replace(tzinfo=None), YEAR.days, SITES)
        yield engine
        engine.dispose()


class Planned(Questions):
    """Questions that keep by which plan each was answered."""

    def __init__(self, *asked: Any) -> None:
        super().__init__(*asked)
        self.plans: dict[str, Plan] = {}

    def ask(self, name: str, *asked: Any, **more: Any) -> pd.DataFrame:
        """As of the class above."""

        def listen(_c: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
            if not statement.startswith("EXPLAIN"):
                self.plans[name] = plan_of(self.connection, statement, parameters)

        sa.event.listen(self.connection, "before_cursor_execute", listen)
        answer = super().ask(name, *asked, **more)
        sa.event.remove(self.connection, "before_cursor_execute", listen)
        return answer


def plans(connection: sa.Connection, settings: Settings, layout: str, window: timedelta) -> dict[str, Plan]:
    """By question, the plans of a site's hours of a window."""
    tables = {name: f"{layout}.{name}" for name in (*TABLES, "unit")}
    source = settings.source.model_copy(update={"tables": tables})
    site = settings.site("north").model_copy(update={"source_id": site_ids()[3]})
    questions = Planned(connection, source, site, ISSUED_AT - window, ISSUED_AT)
    read_adt(questions, ISSUED_AT - window)
    return questions.plans


def rows_of(connection: sa.Connection, table: str, condition: str, window: timedelta) -> int:
    """How many rows of the site a table has."""
    query = sa.text(f"SELECT count(*) FROM {table} WHERE site_id = :site AND {condition}")  # noqa: S608
    since = (ISSUED_AT - window).replace(tzinfo=None)
    return int(connection.scalars(query, {"site": site_ids()[3], "since": since}).one())


def of_targets(found: dict[str, Plan]) -> dict[str, Plan]:
    """Those that count a target."""
    return {name: plan for name, plan in found.items() if name.endswith(("census", "arrivals"))}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_year_is_one_pass_over_the_site_s_rows_for_each_target(
    source: sa.Engine, settings: Settings, layout: str
) -> None:
    with source.connect() as connection:
        found = of_targets(plans(connection, settings, layout, YEAR))
        of_year, before = (
            {
                table: rows_of(connection, f"{layout}.{table}", f"{begins} {when} :since", YEAR)
                for table, (_, begins, _) in TABLES.items()
            }
            for when in (">=", "<")
        )
    for plan in found.values():
        read = {table: plan.rows_of(table) for table in TABLES if plan.of(table)}
        assert read
        for table, rows in read.items():
            assert of_year[table] <= rows <= of_year[table] + 2 * before[table]
            assert plan.without_index(table) == set()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_increment_reads_its_own_days_and_who_was_there_before(
    source: sa.Engine, settings: Settings, layout: str
) -> None:
    with source.connect() as connection:
        found = plans(connection, settings, layout, INCREMENT)
        began_or_there = "(bed_from >= :since OR bed_to >= :since OR bed_to IS NULL)"
        there = rows_of(connection, f"{layout}.bed_stay", began_or_there, INCREMENT)
    assert there < 0.05 * STAYS / SITES
    for name, plan in found.items():
        for table in TABLES:
            assert plan.without_index(table) == set(), name
        if name in of_targets(found):
            assert 0 < sum(plan.rows_of(table) for table in TABLES) <= 4 * there


def test_an_increment_of_arrivals_opens_its_own_months_alone(source: sa.Engine, settings: Settings) -> None:
    with source.connect() as connection:
        plan = plans(connection, settings, "months", INCREMENT)["ed_arrivals"]
    assert {read.name for read in plan.reads} == {"ed_visit_2026_12"}


def recommended() -> list[tuple[str, str]]:
    """The table and what follows it, of each index on the page."""
    return re.findall(r"^CREATE INDEX ON (\w+) (.+);$", README.read_text(), re.MULTILINE)


def test_the_page_recommends_the_indexes_that_are_shown_here() -> None:
    assert recommended() == [(table, columns) for table, of in INDEXES.items() for columns in of]


@pytest.mark.parametrize(("table", "columns"), recommended())
def test_without_an_index_the_census_reads_more(
    source: sa.Engine, settings: Settings, table: str, columns: str
) -> None:
    """Where one visit and one stay, told once more without their end, are open for two months."""
    with source.connect() as connection:
        for name, (identifier, begins, ends) in TABLES.items():
            rows = f"{identifier}, site_id, {begins} FROM whole.{name} WHERE site_id = :site"
            early = f"{begins} < :since AND {ends} < :since ORDER BY {begins} DESC LIMIT 1"
            connection.execute(
                sa.text(
                    f"INSERT INTO whole.{name} ({identifier}, site_id, {begins}) SELECT {rows} AND {early}"
                ),
                {"site": site_ids()[3], "since": (ISSUED_AT - timedelta(days=60)).replace(tzinfo=None)},
            )
        connection.execute(sa.text("UPDATE whole.bed_stay SET unit_id = 'ward01' WHERE unit_id IS NULL"))

        def rows_read() -> float:
            found = of_targets(plans(connection, settings, "whole", INCREMENT))
            return sum(plan.rows_of(table) for plan in found.values())

        with_index = rows_read()
        key = columns.partition(")")[0].strip("(").replace(", ", "_")
        names = sa.inspect(connection).get_indexes(table, schema="whole")
        (index,) = [
            str(one["name"]) for one in names if "_".join(map(str, one["column_names"])).startswith(key)
        ]
        connection.execute(sa.text(f'DROP INDEX whole."{index}"'))
        without = rows_read()
        connection.rollback()
    assert without > 1.5 * with_index
