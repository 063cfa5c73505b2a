"""Who was allowed to speak for a target, since when and on what evidence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import sqlalchemy as sa

from forecasting import schema
from forecasting.warehouse import tables
from forecasting.warehouse.engine import reading, writing
from forecasting.warehouse.rows import read_frame, to_rows, upsert

_DECISIONS = tables.MODEL_PROMOTION.c


def record_promotion(engine: sa.Engine, decision: Mapping[str, Any]) -> None:
    """Record one decision, for or against a challenger; recording it again replaces it.

    Args:
        engine: the warehouse.
        decision: a MODEL_PROMOTION row by column.

    Raises:
        SchemaError: a column is missing or has a value of another type.
    """
    rows = to_rows(schema.MODEL_PROMOTION, pd.DataFrame([decision]))
    with writing(engine, f"promotion {rows[0]['target']}") as connection:
        upsert(connection, tables.MODEL_PROMOTION, rows)


def promotions(engine: sa.Engine, target: str | None = None) -> pd.DataFrame:
    """Every decision on a target, or on all: MODEL_PROMOTION rows."""
    query = sa.select(tables.MODEL_PROMOTION)
    if target is not None:
        query = query.where(_DECISIONS.target == target)
    with reading(engine) as connection:
        return read_frame(connection, schema.MODEL_PROMOTION, query)
