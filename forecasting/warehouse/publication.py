"""Publishing a site's night: its forecasts, its recommendations and its state, all of them or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

import pandas as pd
import sqlalchemy as sa

from forecasting import schema
from forecasting.schema import NightState
from forecasting.warehouse import tables
from forecasting.warehouse.decision import take_back_changed
from forecasting.warehouse.engine import WarehouseError, reading, writing
from forecasting.warehouse.months import make_months
from forecasting.warehouse.night import Night, read_night, write_night
from forecasting.warehouse.rows import read_frame, replace_partition, to_rows

_FORECASTS = tables.FORECAST.c
_SHADOWS = tables.SHADOW_FORECAST.c
_RECOMMENDATIONS = tables.STAFFING_RECOMMENDATION.c
_NIGHTS = tables.NIGHT.c


def publish(
    engine: sa.Engine,
    night: Night,
    forecast: pd.DataFrame,
    recommendation: pd.DataFrame,
    shadow: pd.DataFrame | None = None,
) -> bool:
    """Make these the forecasts and recommendations of a site's night, in one transaction.

    Rows of that night that are no longer among them go, and what was decided about a shift is taken back
    where its numbers are others now. Where the night is published with the same ``output_digest`` nothing is
    touched, so that the rows keep the run ids that made them.

    Args:
        engine: the warehouse.
        night: the night as it ends, with its output digest; it is stored as published.
        forecast: FORECAST rows of that site and issue time.
        recommendation: STAFFING_RECOMMENDATION rows of that site, night and issue time.
        shadow: SHADOW_FORECAST rows of that site and issue time, kept beside to be scored; None for none.

    Returns:
        Whether anything was written.

    Raises:
        WarehouseError: there is no output digest, or a row is of another site, night or issue time.
    """
    if night.output_digest is None:
        raise WarehouseError(f"night {night.night} of {night.site_id} has no output_digest to publish under")
    partition = {"site_id": night.site_id, "issued_at": night.issued_at}
    forecasts = to_rows(schema.FORECAST, forecast, **partition)
    shadows = [] if shadow is None else to_rows(schema.SHADOW_FORECAST, shadow, **partition)
    recommendations = to_rows(schema.STAFFING_RECOMMENDATION, recommendation, night=night.night, **partition)
    make_months(engine, tables.FORECAST, night.issued_at, night.issued_at)
    with writing(engine, f"night {night.site_id}") as connection:
        standing = read_night(connection, night.site_id, night.night)
        if standing is not None and _is_same(standing, night):
            return False
        write_night(connection, replace(night, state=NightState.PUBLISHED))
        issue_times = {night.issued_at} | ({standing.issued_at} if standing else set())
        replace_partition(
            connection,
            tables.FORECAST,
            forecasts,
            sa.and_(_FORECASTS.site_id == night.site_id, _FORECASTS.issued_at.in_(issue_times)),
        )
        replace_partition(
            connection,
            tables.SHADOW_FORECAST,
            shadows,
            sa.and_(_SHADOWS.site_id == night.site_id, _SHADOWS.issued_at.in_(issue_times)),
        )
        replace_partition(
            connection,
            tables.STAFFING_RECOMMENDATION,
            recommendations,
            sa.and_(_RECOMMENDATIONS.site_id == night.site_id, _RECOMMENDATIONS.night == night.night),
        )
        take_back_changed(connection, night, recommendations, datetime.now(UTC))
    return True


def name_run(engine: sa.Engine, night: date, dag_run_id: str, mlflow_run_id: str) -> None:
    """Say which MLflow run tells of a night's rows, in those of that DAG run that name none."""
    with writing(engine, "runs") as connection:
        for table in (tables.NIGHT, tables.STAFFING_RECOMMENDATION):
            nameless = sa.and_(
                table.c.night == night, table.c.dag_run_id == dag_run_id, table.c.mlflow_run_id == ""
            )
            connection.execute(sa.update(table).where(nameless).values(mlflow_run_id=mlflow_run_id))


def forecasts(engine: sa.Engine, night: date, site_ids: Sequence[str] | None = None) -> pd.DataFrame:
    """The forecasts published for a night: FORECAST rows of these sites, or of all."""
    issued = sa.select(_NIGHTS.site_id, _NIGHTS.issued_at).where(_NIGHTS.night == night)
    if site_ids is not None:
        issued = issued.where(_NIGHTS.site_id.in_(site_ids))
    with reading(engine) as connection:
        # Named, the issue times leave all other months' partitions out of the plan; joined, they would not.
        keys = [tuple(row) for row in connection.execute(issued)]
        within = sa.tuple_(_FORECASTS.site_id, _FORECASTS.issued_at).in_(keys)
        return read_frame(connection, schema.FORECAST, sa.select(tables.FORECAST).where(within))


def shadow_forecasts(engine: sa.Engine, site_id: str, issued_at: datetime) -> pd.DataFrame:
    """What a site's champion would have said where climatology spoke in its stead: SHADOW_FORECAST rows."""
    query = sa.select(tables.SHADOW_FORECAST).where(
        _SHADOWS.site_id == site_id, _SHADOWS.issued_at == issued_at
    )
    with reading(engine) as connection:
        return read_frame(connection, schema.SHADOW_FORECAST, query)


def recommendations(engine: sa.Engine, night: date, site_ids: Sequence[str] | None = None) -> pd.DataFrame:
    """What was recommended on a night: STAFFING_RECOMMENDATION rows of these sites, or of all."""
    query = sa.select(tables.STAFFING_RECOMMENDATION).where(_RECOMMENDATIONS.night == night)
    if site_ids is not None:
        query = query.where(_RECOMMENDATIONS.site_id.in_(site_ids))
    with reading(engine) as connection:
        return read_frame(connection, schema.STAFFING_RECOMMENDATION, query)


def _is_same(standing: Night, night: Night) -> bool:
    return standing.state is NightState.PUBLISHED and standing.output_digest == night.output_digest
