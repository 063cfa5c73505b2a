"""The connection to a hospital's database: quick to fail, and read-only where the dialect can be."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from forecasting.extract.errors import SourceError, SourceUnreachable

CONNECT_SECONDS = 5
DIALECTS = ("sqlite", "postgresql")
WITHOUT_VALUES = ("08", "25", "28", "3D", "3F", "42", "53", "54", "55", "57", "58")
"""PostgreSQL's classes of errors about connections, rights, names and room, not about what a row holds."""


def connect(url: str, timeout_seconds: int | None = None) -> sa.Engine:
    """An engine on the source, tried once.

    Args:
        url: SQLAlchemy URL of a SQLite file or a PostgreSQL database; it may hold a password, never shown.
        timeout_seconds: how long PostgreSQL may take to answer one question; None for as long as it does.

    Raises:
        SourceError: the URL can't be used: no URL, another database than the two, or no driver for it.
        SourceUnreachable: the file does not exist or the server does not answer.
    """
    engine = _engine(_parse(url), timeout_seconds)
    with reading(engine):
        return engine


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection whose queries all see the same moment; database errors become source errors.

    What a database says of a value that it can't read may quote a patient's row: it stays out of the error,
    and out of the traceback that a log would print.
    """
    where = place(engine.url)
    try:
        with engine.connect() as connection:
            yield connection
    except sa.exc.SQLAlchemyError as error:
        if _may_quote_a_row(error):
            raise SourceError(
                f"source {where} can't read one of its values ({_kind(error)}). Its own words may quote a "
                "patient's row and are left to its log; try the queries of sql/extract there"
            ) from None
        if isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError):
            raise SourceUnreachable(f"source {where} does not answer: {_reason(error)}") from error
        raise SourceError(f"source {where} refused a query: {_reason(error)}") from error


def place(url: sa.URL) -> str:
    """Where the source is, in words that may be logged: no user, no password."""
    if url.get_backend_name() == "sqlite":
        return f"file {url.database}"
    return (
        f"{url.get_backend_name()} database {url.database} at {url.host or 'a local socket'}:{url.port or ''}"
    )


def _parse(url: str) -> sa.URL:
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError:
        raise SourceError(
            "HOSPITAL_SOURCE_URL is not a database URL; write one such as postgresql+psycopg://user@host/database"
        ) from None
    if parsed.get_backend_name() not in DIALECTS:
        raise SourceError(
            f"a source can't be a {parsed.get_backend_name()!r} database; allowed: {', '.join(DIALECTS)}"
        )
    return parsed


def _engine(url: sa.URL, timeout_seconds: int | None) -> sa.Engine:
    if url.get_backend_name() == "sqlite":
        return _sqlite(url)
    try:
        engine = sa.create_engine(
            url,
            poolclass=sa.NullPool,
            isolation_level="REPEATABLE READ",
            connect_args={
                "connect_timeout": CONNECT_SECONDS,
                "options": f"-c statement_timeout={(timeout_seconds or 0) * 1000}",
            },
        )
    except ImportError as error:
        raise SourceError(
            f"no driver for {url.drivername} ({error.name}); install hospital-forecasting[postgres] "
            "and write postgresql+psycopg://"
        ) from None
    sa.event.listen(engine, "connect", _read_utc)
    return engine


def _sqlite(url: sa.URL) -> sa.Engine:
    if not url.database or not Path(url.database).is_file():
        # SQLite would make an empty one.
        raise SourceUnreachable(
            f"source file {url.database or 'in memory'} does not exist; write it (forecasting simulate) "
            "or set HOSPITAL_SOURCE_URL to your database"
        )
    address = f"{Path(url.database).absolute().as_uri()}?mode=ro"
    return sa.create_engine(url, poolclass=sa.NullPool, creator=lambda: sqlite3.connect(address, uri=True))


def _read_utc(connection: Any, _record: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
        cursor.execute("SET TIME ZONE 'UTC'")
    connection.commit()


def _may_quote_a_row(error: sa.exc.SQLAlchemyError) -> bool:
    cause = getattr(error, "orig", None)
    if isinstance(cause, sqlite3.Error):
        # SQLite's own errors have a code; those without are the driver's, which quotes text it can't decode.
        return not hasattr(cause, "sqlite_errorcode")
    state = getattr(cause, "sqlstate", None)
    if state is not None:
        return not state.startswith(WITHOUT_VALUES)
    return cause is not None and not isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError)


def _kind(error: sa.exc.SQLAlchemyError) -> str:
    cause = getattr(error, "orig", None)
    state = getattr(cause, "sqlstate", None)
    return f"{type(cause).__name__}{f', SQLSTATE {state}' if state else ''}"


def _reason(error: sa.exc.SQLAlchemyError) -> str:
    cause = getattr(error, "orig", None) or error
    said, *more = str(cause).strip().splitlines() or [type(error).__name__]
    # PostgreSQL names the place in the query, and with it tables and columns.
    return " ".join([said, *(line for line in more[:1] if line.startswith("LINE "))])
