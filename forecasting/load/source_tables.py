"""The tables that files are loaded into, kept so that a later file corrects an earlier one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC
from typing import Any

import pandas as pd
import sqlalchemy as sa

from forecasting.adt import BED_STAY, ED_VISIT, INSTANT, SCHEDULED_SHIFT, SIMULATION, SOURCE_TABLES, UNIT
from forecasting.load.errors import LoadRefused
from forecasting.load.event import AdtEvent, EventKind, Renumbering, under_one_number, ways
from forecasting.load.feed import Feed
from forecasting.load.segment import source_rows

KEYS_AT_ONCE = 300
ROWS_AT_ONCE = 20_000

METADATA = sa.MetaData()
TABLES = {table.name: table.to_metadata(METADATA) for table in SOURCE_TABLES}
# A row's id begins with its visit's pseudonym; the number of the stretch stands behind.
OF_VISIT = {
    ED_VISIT.name: sa.func.substr(TABLES[ED_VISIT.name].c.visit_id, 1, 32),
    BED_STAY.name: sa.func.substr(TABLES[BED_STAY.name].c.stay_id, 1, 32),
}
for _name, _visit in OF_VISIT.items():
    sa.Index(f"{_name}_of_visit", _visit)

EVENT = sa.Table(
    "adt_event",
    METADATA,
    sa.Column("event_id", sa.Text, primary_key=True),
    sa.Column("visit_id", sa.Text, nullable=False, index=True),
    sa.Column("site_id", sa.Text, nullable=False),
    sa.Column("trigger", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("at", INSTANT, nullable=False),
    sa.Column("told_at", INSTANT, nullable=False),
    sa.Column("unit_id", sa.Text, nullable=False),
    sa.Column("in_ed", sa.Boolean, nullable=False),
    sa.Column("disposition", sa.Text),
    comment="What ADT messages told: those to come, cancels among them, are put together with it.",
)

RENUMBERING = sa.Table(
    "adt_renumbering",
    METADATA,
    sa.Column("site_id", sa.Text, nullable=False),
    sa.Column("visit_id", sa.Text, primary_key=True),
    sa.Column("prior_visit_id", sa.Text, primary_key=True, index=True),
    comment="Which visits are one: of a visit that got another number, or was merged into another.",
)

KEYS = {
    UNIT.name: ("site_id", "unit_id"),
    SCHEDULED_SHIFT.name: ("site_id", "unit_id", "role", "shift_start"),
}


@contextmanager
def opened(url: str) -> Iterator[SourceTables]:
    """The tables of a database, as long as it is needed.

    Raises:
        LoadRefused: the database can't be used, doesn't answer, or refuses what is written.
    """
    try:
        engine = sa.create_engine(url, hide_parameters=True)
    except (sa.exc.ArgumentError, ImportError) as error:
        raise LoadRefused(
            "HOSPITAL_SOURCE_URL is no database that can be written; allowed are sqlite:///… and "
            f"postgresql+psycopg://… with the extra postgres installed ({type(error).__name__})"
        ) from None
    try:
        yield SourceTables(engine)
    except sa.exc.SQLAlchemyError as error:
        # The whole error names rows, and with them patients' visits.
        said = str(getattr(error, "orig", None) or type(error).__name__).strip().splitlines()
        where = engine.url.render_as_string(hide_password=True)
        raise LoadRefused(
            f"{where} can't be written: {said[0] if said else type(error).__name__}; nothing of the last "
            "file is in it: mend it, and load the files again"
        ) from error
    finally:
        engine.dispose()


class SourceTables:
    """Where loaded files go: the four tables of the profile, and what messages told."""

    def __init__(self, engine: sa.Engine) -> None:
        """Make the tables that aren't there.

        Raises:
            LoadRefused: the database has such tables and loading didn't make them.
        """
        present = set(sa.inspect(engine).get_table_names())
        taken = sorted(present & {*TABLES, SIMULATION.name})
        if taken and EVENT.name not in present:
            raise LoadRefused(
                f"{engine.url.render_as_string(hide_password=True)} has tables {', '.join(taken)} that were "
                "not loaded from files; set HOSPITAL_SOURCE_URL to a database of its own"
            )
        METADATA.create_all(engine)
        self._engine = engine

    def put(self, feed: Feed) -> Counter[str]:
        """Write a feed, all of it or nothing, and return how many rows each table was given.

        A visit, stay, unit or shift that is there already is replaced; what the feed withdraws goes.
        """
        written: Counter[str] = Counter()
        with self._engine.begin() as connection:
            told, known_as = _with_those_before(connection, feed)
            found = [*ways(told), *feed.ways]
            touched = {*known_as, *(event.visit_id for event in told), *(way.visit_id for way in found)}
            touched |= {visit_id for _, visit_id in feed.withdrawn}
            rows = source_rows(found)
            for name, of_table in ((ED_VISIT.name, rows.ed_visit), (BED_STAY.name, rows.bed_stay)):
                _delete(connection, name, OF_VISIT[name], touched)
                _insert(connection, TABLES[name], of_table)
                written[name] += len(of_table)
            for name, frame in feed.tables:
                written[name] += _replace(connection, name, frame)
        return written


def _with_those_before(connection: sa.Connection, feed: Feed) -> tuple[list[AdtEvent], frozenset[str]]:
    """All events of the visits that a feed tells of, stored beside those known before.

    Returns:
        The events, each under the number that its visit has among all it ever had; and those numbers.
    """
    renumberings = _renumberings_with_those_before(connection, feed)
    asked = {event.visit_id for event in feed.events}
    asked |= {visit_id for one in renumberings for visit_id in (one.visit_id, one.prior_visit_id)}
    by_id = {event.event_id: event for event in feed.events}
    known: dict[str, AdtEvent] = {}
    for visits in _some(sorted(asked), KEYS_AT_ONCE):
        for row in connection.execute(sa.select(EVENT).where(EVENT.c.visit_id.in_(visits))).mappings():
            known[row["event_id"]] = AdtEvent(
                **dict(row)
                | {
                    "kind": EventKind(row["kind"]),
                    "at": row["at"].replace(tzinfo=UTC),
                    "told_at": row["told_at"].replace(tzinfo=UTC),
                }
            )
    _insert(connection, EVENT, [asdict(event) for event in by_id.values() if event.event_id not in known])
    return under_one_number((known | by_id).values(), renumberings)


def _renumberings_with_those_before(connection: sa.Connection, feed: Feed) -> set[Renumbering]:
    """All renumberings that have to do with the visits of a feed, stored beside those known before."""
    told = set(feed.renumberings)
    known: set[Renumbering] = set()
    asked = {event.visit_id for event in feed.events}
    asked |= {visit_id for one in told for visit_id in (one.visit_id, one.prior_visit_id)}
    reached: set[str] = set()
    while asked:
        found: set[Renumbering] = set()
        for visits in _some(sorted(asked), KEYS_AT_ONCE):
            of_them = RENUMBERING.c.visit_id.in_(visits) | RENUMBERING.c.prior_visit_id.in_(visits)
            rows = connection.execute(sa.select(RENUMBERING).where(of_them)).mappings()
            found |= {Renumbering(**row) for row in rows}
        known |= found
        reached |= asked
        asked = {visit for one in found for visit in (one.visit_id, one.prior_visit_id)} - reached
    _insert(connection, RENUMBERING, [asdict(one) for one in told - known])
    return told | known


def _replace(connection: sa.Connection, name: str, frame: pd.DataFrame) -> int:
    table = TABLES[name]
    if name in OF_VISIT:
        _delete(connection, name, OF_VISIT[name], set(frame.iloc[:, 0]))
    else:
        keys = [table.c[key] for key in KEYS[name]]
        frame = frame.drop_duplicates(list(KEYS[name]), keep="last")
        _delete(connection, name, sa.tuple_(*keys), set(_rows(frame[list(KEYS[name])])))
    names = list(frame.columns)
    _insert(connection, table, (dict(zip(names, row, strict=True)) for row in _rows(frame)))
    return len(frame)


def _rows(frame: pd.DataFrame) -> Iterator[tuple[Any, ...]]:
    naive = frame.assign(
        **{name: frame[name].dt.tz_localize(None) for name in frame.select_dtypes("datetimetz").columns}
    )
    whole = naive.astype(object).where(naive.notna(), None)
    return whole.itertuples(index=False, name=None)


def _delete(connection: sa.Connection, name: str, key: sa.ColumnElement[Any], values: set[Any]) -> None:
    if not values or connection.execute(sa.select(sa.exists().select_from(TABLES[name]))).scalar() is False:
        return
    for some in _some(sorted(values), KEYS_AT_ONCE):
        connection.execute(TABLES[name].delete().where(key.in_(some)))


def _insert(connection: sa.Connection, table: sa.Table, rows: Iterable[dict[str, Any]]) -> None:
    for some in _some(list(rows), ROWS_AT_ONCE):
        connection.execute(table.insert(), [_naive(row) for row in some])


def _naive(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value.replace(tzinfo=None) if getattr(value, "tzinfo", None) else value
        for name, value in row.items()
    }


def _some(values: Sequence[Any], at_once: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(values), at_once):
        yield values[start : start + at_once]
