"""How published forecasts did, once their outcomes were final."""

from __future__ import annotations

from datetime import date, datetime

import pandas as pd
import sqlalchemy as sa

from forecasting import schema
from forecasting.warehouse import tables
from forecasting.warehouse.engine import reading, writing
from forecasting.warehouse.rows import read_frame, replace_partition, to_rows

_SCORES = tables.FORECAST_SCORE.c


def record_scores(engine: sa.Engine, site_id: str, night: date, scores: pd.DataFrame) -> None:
    """Make these the scores of a site's night, in one transaction; earlier ones go.

    Raises:
        WarehouseError: a row is of another site or night, or the night was never opened.
    """
    rows = to_rows(schema.FORECAST_SCORE, scores, site_id=site_id, night=night)
    within = sa.and_(_SCORES.site_id == site_id, _SCORES.night == night)
    with writing(engine, f"scores {site_id}") as connection:
        replace_partition(connection, tables.FORECAST_SCORE, rows, within)


def scores(engine: sa.Engine, first: date, last: date, period: str) -> pd.DataFrame:
    """Scores of one period of the nights from ``first`` to ``last``: FORECAST_SCORE rows."""
    query = sa.select(tables.FORECAST_SCORE).where(
        _SCORES.night.between(first, last), _SCORES.period == period
    )
    with reading(engine) as connection:
        return read_frame(connection, schema.FORECAST_SCORE, query)


def scored_until(engine: sa.Engine, site_id: str, since: date) -> dict[date, tuple[str, datetime]]:
    """By night of a site that has scores: the digest of what was scored, and until when outcomes were."""
    query = (
        sa.select(_SCORES.night, _SCORES.output_digest, _SCORES.outcomes_until)
        .where(_SCORES.site_id == site_id, _SCORES.night >= since)
        .distinct()
    )
    with reading(engine) as connection:
        found = connection.execute(query).all()
    return {night: (digest, until) for night, digest, until in found}
