"""Observations in the versions in which each night knew them.

A source corrects itself: rows come late. Each hour is kept once per value it was seen with, stamped with the
issue time of the night that first saw it, so that any past night can be read as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pandas as pd
import sqlalchemy as sa

from forecasting.schema import OBSERVATION
from forecasting.warehouse import tables
from forecasting.warehouse.engine import WarehouseError, reading, writing
from forecasting.warehouse.rows import read_frame, replace_partition, to_rows, upsert

_HOURS = tables.OBSERVATION.c
_KEY = [_HOURS[name] for name in OBSERVATION.key]


def record_observations(engine: sa.Engine, site_id: str, issued_at: datetime, frame: pd.DataFrame) -> int:
    """Take up what the night issued at ``issued_at`` read of a site, in one transaction.

    Hours that are new, or whose value is not the one known before, get a version known from ``issued_at`` on;
    a missing value equals a missing one. Reading a night again replaces that night's versions. Whatever
    another night knew of an hour it goes on knowing, in whichever order the nights are recorded.

    Args:
        engine: the warehouse.
        site_id: the site that every row must be of.
        issued_at: UTC; no hour may start at it or later.
        frame: OBSERVATION rows.

    Returns:
        How many hours were new or changed.

    Raises:
        WarehouseError: a row is of another site or of an hour at or after the issue time.
    """
    read = OBSERVATION.conform(frame)
    _refuse_future(read, issued_at)
    with writing(engine, f"observation {site_id}") as connection:
        later = _next_night(connection, site_id, issued_at)
        if later is not None:
            knew = _known(connection, [site_id], _HOURS.known_at <= later)
        in_window = _HOURS.valid_at.between(read["valid_at"].min(), read["valid_at"].max())
        before = _known(
            connection, [site_id], _HOURS.known_at < issued_at, *([in_window] if len(read) else [])
        )
        news = _versions(_news(read, before), site_id, issued_at)
        of_this_night = sa.and_(_HOURS.site_id == site_id, _HOURS.known_at == issued_at)
        replace_partition(connection, tables.OBSERVATION, news, of_this_night)
        if later is not None:
            knows = _known(connection, [site_id], _HOURS.known_at <= later)
            upsert(connection, tables.OBSERVATION, _versions(_news(knew, knows), site_id, later))
    return len(news)


def observations(
    engine: sa.Engine,
    site_ids: Sequence[str],
    target: str | None,
    since: datetime,
    issued_at: datetime,
) -> pd.DataFrame:
    """Observations as the night issued at ``issued_at`` knew them.

    Args:
        engine: the warehouse.
        site_ids: which sites.
        target: which target; None for all.
        since: UTC, the first hour.
        issued_at: UTC; the hours end before it, and so does what is known of them.

    Returns:
        OBSERVATION rows; a missing value where the source was silent.
    """
    which = [_HOURS.known_at <= issued_at, _HOURS.valid_at >= since, _HOURS.valid_at < issued_at]
    if target is not None:
        which.append(_HOURS.target == target)
    with reading(engine) as connection:
        return _known(connection, site_ids, *which)


def last_observed(engine: sa.Engine, site_id: str, before: datetime) -> datetime | None:
    """The last hour, in UTC, that nights issued before ``before`` recorded of a site, if there is one."""
    query = sa.select(sa.func.max(_HOURS.valid_at)).where(_HOURS.site_id == site_id, _HOURS.known_at < before)
    with reading(engine) as connection:
        return connection.scalar(query)


def _known(
    connection: sa.Connection, site_ids: Sequence[str], *which: sa.ColumnElement[bool]
) -> pd.DataFrame:
    latest_first = sa.func.row_number().over(partition_by=_KEY, order_by=_HOURS.known_at.desc())
    versions = (
        sa.select(*_KEY, _HOURS.value, latest_first.label("age")).where(_HOURS.site_id.in_(site_ids), *which)
    ).subquery()
    columns = [versions.c[name] for name in OBSERVATION.columns.names]
    return read_frame(connection, OBSERVATION, sa.select(*columns).where(versions.c.age == 1))


def _next_night(connection: sa.Connection, site_id: str, issued_at: datetime) -> datetime | None:
    query = sa.select(sa.func.min(_HOURS.known_at))
    return connection.scalar(query.where(_HOURS.site_id == site_id, _HOURS.known_at > issued_at))


def _news(read: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    both = read.merge(known, on=list(OBSERVATION.key), how="left", suffixes=("", "_known"), indicator="side")
    same = both["value"].eq(both["value_known"]) | (both["value"].isna() & both["value_known"].isna())
    unchanged = same & both["side"].eq("both")
    return read[~unchanged.to_numpy()]


def _versions(frame: pd.DataFrame, site_id: str, known_at: datetime) -> list[dict[str, object]]:
    return [{**row, "known_at": known_at} for row in to_rows(OBSERVATION, frame, site_id=site_id)]


def _refuse_future(frame: pd.DataFrame, issued_at: datetime) -> None:
    future = frame["valid_at"] >= issued_at
    if future.any():
        raise WarehouseError(
            f"observation: {int(future.sum())} hours start at or after the issue time {issued_at}, "
            f"such as {frame.loc[future, 'valid_at'].iloc[0]}; a night can't know them"
        )
