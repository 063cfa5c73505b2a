"""What is too old to keep, and the tables' upkeep."""

from __future__ import annotations

from datetime import date, datetime

import sqlalchemy as sa
import structlog

from forecasting.schema import NightState
from forecasting.warehouse import tables
from forecasting.warehouse.engine import WarehouseError, reading, was_refused, writing
from forecasting.warehouse.months import drop_before

_NIGHTS = tables.NIGHT.c
_LAST_PUBLISHED = (
    sa.select(_NIGHTS.site_id, sa.func.max(_NIGHTS.issued_at).label("issued_at"))
    .where(_NIGHTS.state == NightState.PUBLISHED.value)
    .group_by(_NIGHTS.site_id)
    .subquery()
)
SWEPT = (tables.FORECAST, tables.SHADOW_FORECAST, tables.FORECAST_SCORE, tables.QUARANTINED_ROW)
"""Tables of which old rows go; every other one is kept whole."""

log = structlog.get_logger(__name__)


def expire_forecasts(engine: sa.Engine, before: datetime, *, dry_run: bool) -> int:
    """Remove forecasts issued before that, but each site's last published night. Returns how many.

    Months that are over by then go at once, up to that of the earliest night that is kept; the rows of others
    one by one, and so do those of months that others keep busy.
    """
    dropped = 0 if dry_run else _drop_months(engine, before)
    return dropped + _expire(engine, tables.FORECAST, _old(tables.FORECAST, before), dry_run=dry_run)


def expire_shadow_forecasts(engine: sa.Engine, before: datetime, *, dry_run: bool) -> int:
    """Remove shadow forecasts issued before that, but each site's last published night. Returns how many."""
    within = _old(tables.SHADOW_FORECAST, before)
    return _expire(engine, tables.SHADOW_FORECAST, within, dry_run=dry_run)


def expire_scores(engine: sa.Engine, before: date, *, dry_run: bool) -> int:
    """Remove the scores of nights before that. Returns how many."""
    return _expire(engine, tables.FORECAST_SCORE, tables.FORECAST_SCORE.c.night < before, dry_run=dry_run)


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


def _drop_months(engine: sa.Engine, before: datetime) -> int:
    with reading(engine) as connection:
        first_kept = connection.scalar(sa.select(sa.func.min(_LAST_PUBLISHED.c.issued_at)))
    try:
        return drop_before(engine, tables.FORECAST.name, min(before, first_kept or before).date())
    except WarehouseError as error:
        if not was_refused(error):
            raise
        log.warning("months_not_dropped", table=tables.FORECAST.name, before=before, why=str(error))
        return 0


def _old(table: sa.Table, before: datetime) -> sa.ColumnElement[bool]:
    last = _LAST_PUBLISHED.c
    kept = sa.exists().where(last.site_id == table.c.site_id, last.issued_at == table.c.issued_at)
    return sa.and_(table.c.issued_at < before, ~kept)


def _expire(engine: sa.Engine, table: sa.Table, where: sa.ColumnElement[bool], *, dry_run: bool) -> int:
    if dry_run:
        with reading(engine) as connection:
            return connection.scalar(sa.select(sa.func.count()).select_from(table).where(where)) or 0
    with writing(engine, f"retention {table.name}") as connection:
        return connection.execute(sa.delete(table).where(where)).rowcount
