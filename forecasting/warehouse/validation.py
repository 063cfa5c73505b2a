"""What validation found in a site's night: the verdict of each expectation and the rows set aside."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pandas as pd
import sqlalchemy as sa

from forecasting import schema
from forecasting.warehouse import tables
from forecasting.warehouse.engine import WarehouseError, reading, writing
from forecasting.warehouse.night import read_night
from forecasting.warehouse.rows import read_frame, replace_partition, to_rows


def record_validation(
    engine: sa.Engine, site_id: str, night: date, results: pd.DataFrame, quarantined: pd.DataFrame
) -> None:
    """Make these the validation of a site's night, in one transaction; the night must have been opened.

    Args:
        engine: the warehouse.
        site_id: the site that every row must be of.
        night: the night that every row must be of.
        results: VALIDATION_RESULT rows.
        quarantined: QUARANTINED_ROW rows.

    Raises:
        WarehouseError: a row is of another site or night, or the night was never opened.
    """
    partition = {"site_id": site_id, "night": night}
    verdicts = to_rows(schema.VALIDATION_RESULT, results, **partition)
    set_aside = to_rows(schema.QUARANTINED_ROW, quarantined, **partition)
    with writing(engine, f"validation {site_id}") as connection:
        if read_night(connection, site_id, night) is None:
            raise WarehouseError(f"night {night} of {site_id} was never opened; open_night comes first")
        for table, rows in ((tables.VALIDATION_RESULT, verdicts), (tables.QUARANTINED_ROW, set_aside)):
            replace_partition(
                connection, table, rows, sa.and_(table.c.site_id == site_id, table.c.night == night)
            )


def validation_results(engine: sa.Engine, night: date, site_ids: Sequence[str] | None = None) -> pd.DataFrame:
    """The verdicts of a night: VALIDATION_RESULT rows of these sites, or of all."""
    return _read(engine, schema.VALIDATION_RESULT, tables.VALIDATION_RESULT, night, site_ids)


def quarantined_rows(engine: sa.Engine, night: date, site_ids: Sequence[str] | None = None) -> pd.DataFrame:
    """The rows set aside on a night: QUARANTINED_ROW rows of these sites, or of all."""
    return _read(engine, schema.QUARANTINED_ROW, tables.QUARANTINED_ROW, night, site_ids)


def _read(
    engine: sa.Engine, columns: schema.Table, table: sa.Table, night: date, site_ids: Sequence[str] | None
) -> pd.DataFrame:
    query = sa.select(table).where(table.c.night == night)
    if site_ids is not None:
        query = query.where(table.c.site_id.in_(site_ids))
    with reading(engine) as connection:
        return read_frame(connection, columns, query)
