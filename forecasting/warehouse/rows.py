"""Frames to rows and back, and the one way in which a partition of a table is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from forecasting.schema import Table
from forecasting.warehouse.engine import WarehouseError

Row = dict[str, Any]

CHUNK = 5_000
"""Rows handed to the driver at once."""

BULK = 500
"""From so many rows on, PostgreSQL takes them as one stream, through a temporary table."""


def to_rows(table: Table, frame: pd.DataFrame, **everywhere: Any) -> list[Row]:
    """The frame as rows of plain Python values, missing as None.

    Args:
        table: whose columns and types the frame must have.
        frame: the rows.
        **everywhere: what each named column must hold in every row, such as ``site_id="north"``.

    Raises:
        SchemaError: the frame is not one of that table.
        WarehouseError: a row holds something else in one of those columns.
    """
    typed = table.conform(frame)
    for column, value in everywhere.items():
        strangers = typed[column].ne(value)
        if strangers.any():
            example = typed.loc[strangers, column].iloc[0]
            raise WarehouseError(
                f"{table.name}: {int(strangers.sum())} rows have {column} {example}; all must have {value}"
            )
    rows: list[Row] = pa.Table.from_pandas(typed, schema=table.columns, preserve_index=False).to_pylist()
    return rows


def read_frame(connection: sa.Connection, table: Table, query: sa.Select[Any]) -> pd.DataFrame:
    """What the query yields, with exactly the table's columns and types, sorted by key."""
    result = connection.execute(query)
    return table.conform(pd.DataFrame(result.fetchall(), columns=list(result.keys())))


def instants(values: list[Any]) -> pa.Array:
    """Times as a driver hands them over, in UTC: text from SQLite, aware datetimes from PostgreSQL."""
    if values and isinstance(values[0], str):
        return pc.assume_timezone(pa.array(values).cast(pa.timestamp("us")), "UTC")
    return pa.array(values, pa.timestamp("us", tz="UTC"))


def replace_partition(
    connection: sa.Connection, table: sa.Table, rows: list[Row], within: sa.ColumnElement[bool]
) -> None:
    """Make ``rows`` all there is of the table ``within`` a condition: drop the others, upsert these."""
    key = list(table.primary_key)
    standing = connection.execute(sa.select(*key).where(within)).all()
    if standing:
        kept = {tuple(row[column.name] for column in key) for row in rows}
        names = [f"gone_{column.name}" for column in key]
        gone = [dict(zip(names, values, strict=True)) for values in standing if tuple(values) not in kept]
        if gone:
            same_key = (column == sa.bindparam(name) for column, name in zip(key, names, strict=True))
            connection.execute(sa.delete(table).where(*same_key), gone)
    upsert(connection, table, rows)


def upsert(connection: sa.Connection, table: sa.Table, rows: list[Row]) -> None:
    """Insert the rows, of distinct keys; where a key is there already, its row takes the new values."""
    insert = _INSERT[connection.dialect.name](table)
    if connection.dialect.name == "postgresql" and len(rows) >= BULK:
        names = [column.name for column in table.c]
        incoming = _copied(connection, table, rows)
        connection.execute(_or_update(insert.from_select(names, sa.select(*incoming.c[tuple(names)]))))
        incoming.drop(connection)
        return
    for start in range(0, len(rows), CHUNK):
        connection.execute(_or_update(insert), rows[start : start + CHUNK])


def _or_update(insert: Any) -> Any:
    table = insert.table
    values = {column.name: insert.excluded[column.name] for column in table.c if not column.primary_key}
    return insert.on_conflict_do_update(index_elements=list(table.primary_key), set_=values)


def _copied(connection: sa.Connection, table: sa.Table, rows: list[Row]) -> sa.Table:
    """The rows in a temporary table, through PostgreSQL's COPY."""
    columns = [sa.Column(column.name, column.type) for column in table.c]
    incoming = sa.Table("incoming", sa.MetaData(), *columns, prefixes=["TEMPORARY"])
    incoming.create(connection)
    names = ", ".join(column.name for column in columns)
    driver: Any = connection.connection
    with driver.cursor() as cursor, cursor.copy(f"COPY incoming ({names}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row([row[column.name] for column in columns])
    return incoming


_INSERT: Mapping[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
