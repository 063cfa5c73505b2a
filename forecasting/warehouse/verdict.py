"""What the monitor makes of each series, and whether it asks for a training."""

from __future__ import annotations

from datetime import date, datetime

import pandas as pd
import sqlalchemy as sa

from forecasting import schema
from forecasting.warehouse import tables
from forecasting.warehouse.engine import reading, writing
from forecasting.warehouse.rows import read_frame, replace_partition, to_rows

_VERDICTS = tables.SERIES_VERDICT.c
_REQUESTS = tables.TRAINING_REQUEST.c


def record_verdicts(engine: sa.Engine, night: date, verdicts: pd.DataFrame, requests: pd.DataFrame) -> None:
    """Make these what the monitor said as of a night, in one transaction; what it said before goes.

    Args:
        engine: the warehouse.
        night: as of which it judged.
        verdicts: SERIES_VERDICT rows of that night.
        requests: TRAINING_REQUEST rows of that night.
    """
    judged = to_rows(schema.SERIES_VERDICT, verdicts, night=night)
    asked = to_rows(schema.TRAINING_REQUEST, requests, night=night)
    with writing(engine, "verdicts") as connection:
        replace_partition(connection, tables.SERIES_VERDICT, judged, _VERDICTS.night == night)
        replace_partition(connection, tables.TRAINING_REQUEST, asked, _REQUESTS.night == night)


def verdicts(engine: sa.Engine, first: date, before: date) -> pd.DataFrame:
    """The last verdict on each series from ``first`` on and before ``before``: SERIES_VERDICT rows."""
    series = (_VERDICTS.site_id, _VERDICTS.unit_id, _VERDICTS.target)
    newest = sa.func.row_number().over(partition_by=series, order_by=_VERDICTS.night.desc())
    ranked = (
        sa.select(tables.SERIES_VERDICT, newest.label("newest_first"))
        .where(_VERDICTS.night >= first, _VERDICTS.night < before)
        .subquery()
    )
    columns = [ranked.c[name] for name in schema.SERIES_VERDICT.columns.names]
    query = sa.select(*columns).where(ranked.c.newest_first == 1)
    with reading(engine) as connection:
        return read_frame(connection, schema.SERIES_VERDICT, query)


def training_asked(engine: sa.Engine, target: str, before: date) -> datetime | None:
    """The issue time, in UTC, of the last night before ``before`` as of which a training was asked for."""
    query = sa.select(_REQUESTS.issued_at).where(_REQUESTS.target == target, _REQUESTS.night < before)
    with reading(engine) as connection:
        return connection.scalar(query.order_by(_REQUESTS.night.desc()).limit(1))


def training_requests(engine: sa.Engine, night: date) -> pd.DataFrame:
    """The trainings that were asked for as of a night: TRAINING_REQUEST rows."""
    query = sa.select(tables.TRAINING_REQUEST).where(_REQUESTS.night == night)
    with reading(engine) as connection:
        return read_frame(connection, schema.TRAINING_REQUEST, query)
