"""Observations in the versions in which each night knew them.

A source corrects itself: rows come late. Each hour is kept once per value it was seen with, stamped with the
issue time of the night that first saw it, so that any past night can be read as it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import sqlalchemy as sa

from forecasting.schema import OBSERVATION, OBSERVATION_VERSION
from forecasting.warehouse import tables
from forecasting.warehouse.engine import WarehouseError, reading, writing
from forecasting.warehouse.months import make_months
from forecasting.warehouse.rows import instants, read_frame, replace_partition, to_rows, upsert

_HOURS = tables.OBSERVATION.c
_KEY = list(OBSERVATION.key)
_SERIES = ["unit_id", "target"]


class _Series(NamedTuple):
    unit_id: str
    target: str


def record_observations(engine: sa.Engine, site_id: str, issued_at: datetime, frame: pd.DataFrame) -> int:
    """Take up what the night issued at ``issued_at`` read of a site, in one transaction.

    Hours that are new, or whose value is not the one known before, get a version known from ``issued_at`` on;
    a missing value equals a missing one. So do hours between the first and the last one read that were known
    and are told no more: they are missing from now on. Reading a night again replaces that night's versions.
    Whatever another night knew of an hour it goes on knowing, in whichever order the nights are recorded.

    Args:
        engine: the warehouse.
        site_id: the site that every row must be of.
        issued_at: UTC; no hour may start at it or later.
        frame: OBSERVATION rows.

    Returns:
        How many hours were new, changed or taken back.

    Raises:
        WarehouseError: a row is of another site or of an hour at or after the issue time.
    """
    read = OBSERVATION.conform(frame)
    _refuse_future(read, issued_at)
    if len(read):
        make_months(engine, tables.OBSERVATION, read["valid_at"].min(), read["valid_at"].max())
    with writing(engine, f"observation {site_id}") as connection:
        later = _next_night(connection, site_id, issued_at)
        if later is not None:
            knew = _known(connection, [site_id], _HOURS.known_at <= later)
        in_window = _HOURS.valid_at.between(read["valid_at"].min(), read["valid_at"].max())
        before = _known(
            connection, [site_id], _HOURS.known_at < issued_at, *([in_window] if len(read) else [])
        )
        told = pd.concat([read, no_longer_told(read, before)], ignore_index=True)
        news = _versions(_news(told, before), site_id, issued_at)
        of_this_night = sa.and_(_HOURS.site_id == site_id, _HOURS.known_at == issued_at)
        replace_partition(connection, tables.OBSERVATION, news, of_this_night)
        if later is not None:
            knows = _known(connection, [site_id], _HOURS.known_at <= later)
            upsert(connection, tables.OBSERVATION, _versions(_news(knew, knows), site_id, later))
    return len(news)


def no_longer_told(read: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """Hours with a known value, between the first and the last one read, that are not among those read.

    Of a series that is read, hours before its first one are left out: a source that tells it only from a
    later hour on, as after a purge, takes nothing back.

    Args:
        read: OBSERVATION rows of a site.
        known: what was known of it before.

    Returns:
        OBSERVATION rows, their values missing.
    """
    window = known["valid_at"].between(read["valid_at"].min(), read["valid_at"].max())
    values = known[window & known["value"].notna()]
    begins = read.groupby(_SERIES)["valid_at"].min().rename("begins").reset_index()
    beside = values.merge(read[_KEY], on=_KEY, how="left", indicator="side")
    beside = beside.merge(begins, on=_SERIES, how="left")
    gone = beside["side"].eq("left_only") & ~(beside["valid_at"] < beside["begins"])
    return OBSERVATION.conform(beside.loc[gone, _KEY].assign(value=np.nan))


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
    which = (_HOURS.known_at <= issued_at, _HOURS.valid_at >= since, _HOURS.valid_at < issued_at)
    with reading(engine) as connection:
        return _known(connection, site_ids, *which, target=target)


def observation_versions(
    engine: sa.Engine, site_ids: Sequence[str], target: str, since: datetime, until: datetime
) -> pd.DataFrame:
    """Every version of the hours from ``since`` to before ``until``, whenever it became known.

    Returns:
        OBSERVATION_VERSION rows; see :func:`observations` for what one night knew.
    """
    columns = [_HOURS[name] for name in OBSERVATION_VERSION.columns.names]
    frames = []
    with reading(engine) as connection:
        for site_id in sorted(set(site_ids)):
            of_site = sa.and_(_HOURS.site_id == site_id, _HOURS.target == target)
            in_span = sa.and_(_HOURS.valid_at >= since, _HOURS.valid_at < until)
            query = sa.select(*columns).where(of_site, in_span)
            frames.append(read_frame(connection, OBSERVATION_VERSION, query))
    return pd.concat([OBSERVATION_VERSION.empty(), *frames], ignore_index=True)


def observed_span(
    engine: sa.Engine, site_ids: Sequence[str], target: str
) -> tuple[datetime, datetime] | None:
    """The first and the last hour, in UTC, with a value of a target at any of the sites; None without any."""
    which = (_HOURS.site_id.in_(site_ids), _HOURS.target == target, _HOURS.value.is_not(None))
    query = sa.select(sa.func.min(_HOURS.valid_at), sa.func.max(_HOURS.valid_at)).where(*which)
    with reading(engine) as connection:
        first, last = connection.execute(query).one()
    return None if first is None else (first, last)


def last_observed(engine: sa.Engine, site_id: str, before: datetime) -> datetime | None:
    """The last hour, in UTC, that nights issued before ``before`` recorded of a site, if there is one."""
    query = sa.select(sa.func.max(_HOURS.valid_at)).where(_HOURS.site_id == site_id, _HOURS.known_at < before)
    with reading(engine) as connection:
        return connection.scalar(query)


def _known(
    connection: sa.Connection,
    site_ids: Sequence[str],
    *which: sa.ColumnElement[bool],
    target: str | None = None,
) -> pd.DataFrame:
    """The newest version of each hour among those of a condition: OBSERVATION rows, sorted by key.

    One series after the other, as the primary key holds them: the database need not sort, and no more than
    one series' rows are Python objects at a time.
    """
    parts = [
        _known_of_series(connection, site_id, series, *which)
        for site_id in sorted(set(site_ids))
        for series in sorted(_series_of(connection, site_id))
        if target in (None, series.target)
    ]
    frame: pd.DataFrame = pa.concat_tables([OBSERVATION.columns.empty_table(), *parts]).to_pandas()
    return frame


def _series_of(connection: sa.Connection, site_id: str) -> Iterator[_Series]:
    """The site's series, found by one step along the primary key each instead of a look at every hour."""
    place = sa.tuple_(_HOURS.unit_id, _HOURS.target)
    query = (
        sa.select(_HOURS.unit_id, _HOURS.target)
        .where(_HOURS.site_id == site_id)
        .order_by(_HOURS.unit_id, _HOURS.target)
        .limit(1)
    )
    found = connection.execute(query).one_or_none()
    while found is not None:
        series = _Series(*found)
        yield series
        found = connection.execute(query.where(place > sa.tuple_(*series))).one_or_none()


def _known_of_series(
    connection: sa.Connection, site_id: str, series: _Series, *which: sa.ColumnElement[bool]
) -> pa.Table:
    query = (
        sa.select(sa.type_coerce(_HOURS.valid_at, sa.String), _HOURS.value)
        .where(_HOURS.site_id == site_id, _HOURS.unit_id == series.unit_id, _HOURS.target == series.target)
        .where(*which)
        .order_by(_HOURS.valid_at, _HOURS.known_at)
    )
    rows = connection.execute(query).all()
    hours = instants([hour for hour, _ in rows])
    newest = np.append(np.diff(hours.cast(pa.int64())) != 0, True)[: len(rows)]
    columns = {
        "site_id": pa.repeat(site_id, len(rows)),
        "unit_id": pa.repeat(series.unit_id, len(rows)),
        "target": pa.repeat(series.target, len(rows)),
        "valid_at": hours,
        "value": pa.array([value for _, value in rows], pa.float64()),
    }
    versions = pa.table(columns, schema=OBSERVATION.columns)
    return versions if newest.all() else versions.filter(pa.array(newest))


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
