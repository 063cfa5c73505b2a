"""The large tables' months: on PostgreSQL a partition each, made ahead of the rows, dropped past keeping.

A row whose month has no partition lies in the table's default one until the month is made, so that no night
fails for want of a partition. SQLite keeps the tables whole.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

import sqlalchemy as sa
import structlog

from forecasting.warehouse import tables
from forecasting.warehouse.engine import WarehouseError, was_refused, writing

log = structlog.get_logger(__name__)


def make_months(engine: sa.Engine, table: sa.Table, since: datetime, until: datetime) -> None:
    """See that a large table has a partition for each month of these instants, and for the one after.

    In a transaction of its own, before the one that writes the rows. Where the database refuses, the
    log says why and the rows lie in the default partition.

    Args:
        engine: the warehouse.
        table: one of ``tables.MONTHLY``.
        since: UTC, the first instant to be written.
        until: UTC, the last.

    Raises:
        WarehouseError: the warehouse does not answer.
    """
    if engine.dialect.name != "postgresql":
        return
    made = sa.func.make_months(table.name, since, until)
    try:
        with writing(engine, f"months {table.name}") as connection:
            connection.execute(sa.select(made))
    except WarehouseError as error:
        if not was_refused(error):
            raise
        log.warning("months_not_made", table=table.name, since=since, until=until, why=str(error))


def drop_before(engine: sa.Engine, table_name: str, day: date) -> int:
    """Drop the rows of a large table's months that ended before the month of a day, in one transaction.

    Rows of that month stay, those before the day too: a month goes as a whole, on SQLite as on PostgreSQL.

    Args:
        engine: the warehouse.
        table_name: "forecast", whose rows lie in the month of their issue time, or "observation", in that of
            their hour; both in UTC.
        day: the first one to keep.

    Returns:
        How many rows went.

    Raises:
        WarehouseError: no such large table, or others kept the table busy; nothing is dropped then.
    """
    if table_name not in tables.MONTHLY:
        raise WarehouseError(f"{table_name!r} has no months to drop; allowed: {', '.join(tables.MONTHLY)}")
    instant = tables.MONTHLY[table_name]
    first_kept = datetime(day.year, day.month, 1, tzinfo=UTC)
    with writing(engine, f"months {table_name}") as connection:
        if connection.dialect.name == "postgresql":
            dropped = sa.func.drop_months(table_name, first_kept, type_=sa.BigInteger)
            return connection.scalars(sa.select(dropped)).one()
        return connection.execute(sa.delete(instant.table).where(instant < first_kept)).rowcount
