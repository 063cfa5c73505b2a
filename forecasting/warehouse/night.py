"""The night of a site: one row that says how it stands, or how it ended and why."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

import pandas as pd
import sqlalchemy as sa

from forecasting import schema
from forecasting.schema import NightState
from forecasting.warehouse import tables
from forecasting.warehouse.engine import WarehouseError, reading, writing
from forecasting.warehouse.rows import read_frame, upsert

_NIGHTS = tables.NIGHT.c


@dataclass(frozen=True, kw_only=True)
class Night:
    """A row of schema.NIGHT; times are UTC."""

    site_id: str
    night: date
    issued_at: datetime
    started_at: datetime
    state: NightState = NightState.RUNNING
    why: str = ""
    data_digest: str | None = None
    output_digest: str | None = None
    mlflow_run_id: str | None = None
    dag_run_id: str | None = None
    finished_at: datetime | None = None
    timings: Mapping[str, float] = field(default_factory=dict)
    """Seconds per stage."""
    smallest_count: int | None = None
    """The smallest count of patients that views show, as of this night; None where it was not said."""


def open_night(engine: sa.Engine, night: Night) -> bool:
    """Say that a site's night is running; False, and nothing changed, where it is published already.

    A published night stays published, and its rows readable, until another publication replaces it.
    """
    return _write(engine, night, NightState.RUNNING)


def close_night(engine: sa.Engine, night: Night) -> bool:
    """Say how a site's night ended without being published; False, and nothing changed, where it is.

    Raises:
        WarehouseError: the night's state is neither blocked nor failed.
    """
    if night.state not in (NightState.BLOCKED, NightState.FAILED):
        raise WarehouseError(
            f"night {night.night} of {night.site_id} can't be closed as {night.state.value!r}; "
            "allowed: blocked, failed (publish makes it published)"
        )
    return _write(engine, night, night.state)


def find_night(engine: sa.Engine, site_id: str, night: date) -> Night | None:
    """The night of a site, or None where it was never opened."""
    with reading(engine) as connection:
        return read_night(connection, site_id, night)


def nights(engine: sa.Engine, night: date) -> pd.DataFrame:
    """How that night stands at every site: NIGHT rows."""
    with reading(engine) as connection:
        return read_frame(connection, schema.NIGHT, sa.select(tables.NIGHT).where(_NIGHTS.night == night))


def last_published(engine: sa.Engine, site_ids: Collection[str]) -> date | None:
    """The last night that each of the sites has published; None where there is none."""
    query = (
        sa.select(_NIGHTS.night)
        .where(_NIGHTS.state == NightState.PUBLISHED.value, _NIGHTS.site_id.in_(site_ids))
        .group_by(_NIGHTS.night)
        .having(sa.func.count() == len(set(site_ids)))
        .order_by(_NIGHTS.night.desc())
        .limit(1)
    )
    with reading(engine) as connection:
        return connection.scalar(query)


def published_nights(engine: sa.Engine, site_id: str, first: date, last: date) -> list[Night]:
    """The nights of a site from ``first`` to ``last`` that are published, in their order."""
    query = (
        sa.select(tables.NIGHT)
        .where(_NIGHTS.site_id == site_id, _NIGHTS.night.between(first, last))
        .where(_NIGHTS.state == NightState.PUBLISHED.value)
        .order_by(_NIGHTS.night)
    )
    with reading(engine) as connection:
        return [Night(**_from_row(dict(row))) for row in connection.execute(query).mappings()]


def read_night(connection: sa.Connection, site_id: str, night: date) -> Night | None:
    """As `find_night`, within a transaction."""
    query = sa.select(tables.NIGHT).where(_NIGHTS.site_id == site_id, _NIGHTS.night == night)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else Night(**_from_row(dict(row)))


def write_night(connection: sa.Connection, night: Night) -> None:
    """Insert or overwrite the night's row, within a transaction."""
    upsert(connection, tables.NIGHT, [_to_row(night)])


def _write(engine: sa.Engine, night: Night, state: NightState) -> bool:
    with writing(engine, f"night {night.site_id}") as connection:
        standing = read_night(connection, night.site_id, night.night)
        if standing is not None and standing.state is NightState.PUBLISHED:
            return False
        write_night(connection, replace(night, state=state))
        return True


def _to_row(night: Night) -> dict[str, Any]:
    timings = json.dumps(dict(night.timings), sort_keys=True)
    return {**vars(night), "state": night.state.value, "timings": timings}


def _from_row(row: dict[str, Any]) -> dict[str, Any]:
    return {
        **row,
        "state": NightState(row["state"]),
        "why": row["why"] or "",
        "timings": json.loads(row["timings"] or "{}"),
    }
