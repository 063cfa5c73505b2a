"""What the source's tables were like when a night was recorded, to know what has changed since."""

from __future__ import annotations

from datetime import datetime

import pandas as pd
import sqlalchemy as sa

from forecasting import schema
from forecasting.warehouse import tables
from forecasting.warehouse.engine import reading, writing
from forecasting.warehouse.rows import read_frame, replace_partition, to_rows

_COLUMNS = tables.SOURCE_COLUMN.c


def record_source_columns(
    engine: sa.Engine, site_id: str, issued_at: datetime, columns: pd.DataFrame
) -> None:
    """Make these what the night issued at ``issued_at`` saw at a site, in one transaction.

    Args:
        engine: the warehouse.
        site_id: the site that every row must be of.
        issued_at: UTC; the time that every row must be known at.
        columns: SOURCE_COLUMN rows.

    Raises:
        WarehouseError: a row is of another site or time.
    """
    rows = to_rows(schema.SOURCE_COLUMN, columns, site_id=site_id, known_at=issued_at)
    of_this_night = sa.and_(_COLUMNS.site_id == site_id, _COLUMNS.known_at == issued_at)
    with writing(engine, f"source_column {site_id}") as connection:
        replace_partition(connection, tables.SOURCE_COLUMN, rows, of_this_night)


def source_columns(engine: sa.Engine, site_id: str, before: datetime) -> pd.DataFrame:
    """What the last night recorded before that saw at a site: SOURCE_COLUMN rows; none if there is none."""
    last = sa.select(sa.func.max(_COLUMNS.known_at)).where(
        _COLUMNS.site_id == site_id, _COLUMNS.known_at < before
    )
    query = sa.select(tables.SOURCE_COLUMN).where(
        _COLUMNS.site_id == site_id, _COLUMNS.known_at == last.scalar_subquery()
    )
    with reading(engine) as connection:
        return read_frame(connection, schema.SOURCE_COLUMN, query)
