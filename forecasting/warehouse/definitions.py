"""What ``sql/`` defines over the tables of the newest revision: views, functions, and who may use which."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

VIEWS, FUNCTIONS, ROLES = "warehouse", "partitions", "roles"
"""Folders of ``sql``; PostgreSQL alone knows functions and roles."""

USERS = frozenset({"pipeline", "dashboard_reader"})
"""The roles that use the warehouse and don't own it."""


def drop_definitions(connection: sa.Connection) -> None:
    """Drop the views and functions, within a transaction."""
    for file in reversed(sql_files(VIEWS)):
        connection.exec_driver_sql(f"DROP VIEW IF EXISTS {file.stem}")
    if connection.dialect.name == "postgresql":
        for file in sql_files(FUNCTIONS):
            connection.exec_driver_sql(f"DROP FUNCTION IF EXISTS {file.stem}")


def create_definitions(connection: sa.Connection) -> None:
    """Create the views and functions, within a transaction, granted anew to the roles there are."""
    for file in sql_files(VIEWS):
        _run(connection, _text(file))
    if connection.dialect.name == "postgresql":
        for file in sql_files(VIEWS):
            said = _opening_comment(file).replace("'", "''")
            _run(connection, f"COMMENT ON VIEW {file.stem} IS '{said}'")
        for file in sql_files(FUNCTIONS):
            _run(connection, _text(file))
        there = set(connection.scalars(sa.text("SELECT rolname FROM pg_roles")))
        for file in sql_files(ROLES):
            if file.stem in there & USERS:
                _run(connection, _text(file))


def sql_files(folder: str) -> list[Path]:
    """The files of a folder of ``sql``, by name."""
    # It lies beside the package in a checkout, and inside it once installed.
    package = Path(__file__).parents[1]
    return sorted(file for root in (package.parent, package) for file in root.glob(f"sql/{folder}/*.sql"))


def _run(connection: sa.Connection, text: str) -> None:
    # With parameters, even none, the driver would take a % for the place of one.
    connection.exec_driver_sql(text, execution_options={"no_parameters": True})


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def _opening_comment(file: Path) -> str:
    lines = []
    for line in _text(file).splitlines():
        if not line.startswith("--"):
            break
        lines.append(line.removeprefix("--").strip())
    return " ".join(lines)
