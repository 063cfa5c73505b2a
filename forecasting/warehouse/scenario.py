"""What-ifs: what was asked of a published night, and what would have been recommended then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import sqlalchemy as sa

from forecasting import schema
from forecasting.warehouse import tables
from forecasting.warehouse.engine import reading, writing
from forecasting.warehouse.rows import read_frame, replace_partition, to_rows, upsert

_SCENARIOS = tables.SCENARIO.c
_RECOMMENDATIONS = tables.SCENARIO_RECOMMENDATION.c


def record_scenario(engine: sa.Engine, scenario: Mapping[str, Any], recommendation: pd.DataFrame) -> None:
    """Make these the rows of one site in a scenario, in one transaction; earlier ones go.

    Args:
        engine: the warehouse.
        scenario: a SCENARIO row by column.
        recommendation: SCENARIO_RECOMMENDATION rows of that scenario and site.

    Raises:
        SchemaError: a column is missing or has a value of another type.
        WarehouseError: a row is of another scenario, site or night, or the night was never opened.
    """
    (row,) = to_rows(schema.SCENARIO, pd.DataFrame([scenario]))
    partition = {name: row[name] for name in ("scenario_id", "site_id")}
    recommendations = to_rows(schema.SCENARIO_RECOMMENDATION, recommendation, night=row["night"], **partition)
    within = (_RECOMMENDATIONS[name] == value for name, value in partition.items())
    with writing(engine, f"scenario {row['scenario_id']}") as connection:
        upsert(connection, tables.SCENARIO, [row])
        replace_partition(connection, tables.SCENARIO_RECOMMENDATION, recommendations, sa.and_(*within))


def scenarios(engine: sa.Engine, scenario_id: str) -> pd.DataFrame:
    """What a scenario asked, site by site: SCENARIO rows."""
    query = sa.select(tables.SCENARIO).where(_SCENARIOS.scenario_id == scenario_id)
    with reading(engine) as connection:
        return read_frame(connection, schema.SCENARIO, query)


def scenario_recommendations(engine: sa.Engine, scenario_id: str) -> pd.DataFrame:
    """What a scenario would have recommended: SCENARIO_RECOMMENDATION rows."""
    query = sa.select(tables.SCENARIO_RECOMMENDATION).where(_RECOMMENDATIONS.scenario_id == scenario_id)
    with reading(engine) as connection:
        return read_frame(connection, schema.SCENARIO_RECOMMENDATION, query)
