"""What is too old to keep, and the tables' upkeep."""

from __future__ import annotations

from datetime import date, datetime

import sqlalchemy as sa

from forecasting.schema import NightState
from forecasting.warehouse import tables
from forecasting.warehouse.engine import reading, writing

_NIGHTS = tables.NIGHT.c
SWEPT = (tables.FORECAST, tables.QUARANTINED_ROW)
"""Tables of which old rows go; every other one is kept whole."""


def expire_forecasts(engine: sa.Engine, before: datetime, *, dry_run: bool) -> int:
    """Remove forecasts issued before that, but each site's last published night. Returns how many."""
    last = (
        sa.select(_NIGHTS.site_id, sa.func.max(_NIGHTS.issued_at).label("issued_at"))
        .where(_NIGHTS.state == NightState.PUBLISHED.value)
        .group_by(_NIGHTS.site_id)
        .subquery()
    )
    of = tables.FORECAST.c
    kept = sa.exists().where(last.c.site_id == of.site_id, last.c.issued_at == of.issued_at)
    return _expire(engine, tables.FORECAST, sa.and_(of.issued_at < before, ~kept), dry_run=dry_run)


def expire_quarantine(engine: sa.Engine, before: date, *, dry_run: bool) -> int:
    """Remove rows that were set aside on nights before that. Returns how many."""
    return _expire(engine, tables.QUARANTINED_ROW, tables.QUARANTINED_ROW.c.night < before, dry_run=dry_run)


def tidy(engine: sa.Engine) -> None:
    """Renew what the planner knows of the tables, and on PostgreSQL free the room of removed rows."""
    if engine.dialect.name == "sqlite":
        # It uses the room again by itself.
        with writing(engine, "upkeep") as connection:
            connection.exec_driver_sql("ANALYZE")
        return
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        for table in SWEPT:
            connection.exec_driver_sql(f"VACUUM (ANALYZE) {table.name}")


def _expire(engine: sa.Engine, table: sa.Table, where: sa.ColumnElement[bool], *, dry_run: bool) -> int:
    if dry_run:
        with reading(engine) as connection:
            return connection.scalar(sa.select(sa.func.count()).select_from(table).where(where)) or 0
    with writing(engine, f"retention {table.name}") as connection:
        return connection.execute(sa.delete(table).where(where)).rowcount
