"""Connections and transactions, alike on SQLite and PostgreSQL."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

WAIT_SECONDS = 60
"""How long a writer waits for another one on SQLite, which lets one write at a time."""


class WarehouseError(RuntimeError):
    """The warehouse can't do what was asked; the message says what, where and what to do."""


def connect(url: str) -> sa.Engine:
    """An engine for the warehouse at a SQLAlchemy URL; a SQLite file's folder is made where it is missing.

    Raises:
        WarehouseError: the URL is not one of SQLite or PostgreSQL.
    """
    try:
        address = sa.make_url(url)
        backend = address.get_backend_name()
        # Stages are short processes, and some fork: no connection outlives its transaction.
        engine = sa.create_engine(address, poolclass=sa.NullPool, hide_parameters=True)
    except (sa.exc.ArgumentError, sa.exc.NoSuchModuleError, ModuleNotFoundError) as error:
        # The URL itself may hold a password: it stays out of the message.
        raise WarehouseError(f"the warehouse's URL can't be used: {error}") from None
    if backend not in ("sqlite", "postgresql"):
        raise WarehouseError(f"the warehouse can't be on {backend!r}; allowed: sqlite, postgresql")
    if backend == "sqlite":
        if address.database:
            Path(address.database).parent.mkdir(parents=True, exist_ok=True)
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


class WarehouseLost(WarehouseError, ConnectionError):
    """The warehouse does not answer, or no longer; worth trying again."""


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction that only reads, all of it as of one moment; it waits for no writer."""
    if engine.dialect.name == "postgresql":
        engine = engine.execution_options(isolation_level="REPEATABLE READ")
    with _speaking_plainly(engine), engine.begin() as connection:
        yield connection


@contextmanager
def writing(engine: sa.Engine, what: str) -> Iterator[sa.Connection]:
    """A transaction that writes all of it or nothing.

    Writers of the same ``what``, in any process, go one after the other. On SQLite all writers do.
    """
    with _speaking_plainly(engine), engine.execution_options(writes=True).begin() as connection:
        if connection.dialect.name == "postgresql":
            lock = sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(f"warehouse {what}", 0))
            connection.execute(sa.select(lock))
        yield connection


def was_refused(error: WarehouseError) -> bool:
    """Whether a database answered and would not; False where it was not reached."""
    return getattr(getattr(error.__cause__, "orig", None), "sqlstate", None) is not None


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # We emit BEGIN ourselves: the driver's own comes too late to keep two writers apart.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {WAIT_SECONDS * 1000}")
    connection.execute("PRAGMA foreign_keys = ON")
    _use_write_ahead_log(connection)


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    # SQLite does not wait for another process that is changing the mode, or is the last to leave it.
    give_up = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.01)
        else:
            return


def _begin_sqlite(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN DEFERRED")


@contextmanager
def _speaking_plainly(engine: sa.Engine) -> Iterator[None]:
    try:
        yield
    except sa.exc.DBAPIError as error:
        advice = (
            "; its tables are not those of this version: run `forecasting migrate`"
            if _lacks_tables(error)
            else ""
        )
        kind = WarehouseLost if _is_lost(error) else WarehouseError
        raise kind(f"warehouse {shown(engine)}: {str(error.orig).strip()}{advice}") from error


def shown(engine: sa.Engine) -> str:
    """Where the warehouse is, as it may be logged: SQLAlchemy hides a password, but for one in the query."""
    return engine.url.difference_update_query(("password", "sslpassword")).render_as_string()


def _is_lost(error: sa.exc.DBAPIError) -> bool:
    if not isinstance(error, sa.exc.OperationalError):
        return False
    if isinstance(error.orig, sqlite3.OperationalError):
        return error.orig.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CANTOPEN)
    # PostgreSQL names a code where it still could: 08 of connections, 57P of a server that goes down.
    code = getattr(error.orig, "sqlstate", None)
    return code is None or code.startswith(("08", "57P"))


def _lacks_tables(error: sa.exc.DBAPIError) -> bool:
    undefined = ("42P01", "42703")  # PostgreSQL's codes for an unknown table and an unknown column
    return getattr(error.orig, "sqlstate", None) in undefined or str(error.orig).startswith("no such ")
