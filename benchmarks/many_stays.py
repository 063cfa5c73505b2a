"""A hospital group's visits and stays in a PostgreSQL database: in partitions by month, or in one table."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import pandas as pd
import sqlalchemy as sa

SITES, WARDS = 50, 20
"""Of the group, where nothing else is asked for; of each site."""
STAYS_A_VISIT = 4
STAY_HOURS, VISIT_HOURS = 48, 5
LONG_STAY, TIMES_LONGER = 200, 30
"""One stay in so many is meant to last so many times as long as others."""
LAYOUTS = ("months", "whole")
"""Schemas: partitions by the month of the start; a table without any."""
BEFORE = timedelta(days=61)
"""How long before the year the source begins: an increment and a year must not read all there is."""
TABLES = {
    "bed_stay": ("stay_id", "bed_from", "bed_to"),
    "ed_visit": ("visit_id", "arrived_at", "departed_at"),
}
"""Each table's identifier, start and end."""
INDEXES = {
    "bed_stay": (
        "(stay_id)",
        "(site_id, bed_from) INCLUDE (stay_id, unit_id, bed_to)",
        "(site_id, bed_to) INCLUDE (stay_id, unit_id, bed_from)",
    ),
    "ed_visit": (
        "(visit_id)",
        "(site_id, arrived_at) INCLUDE (visit_id, departed_at)",
        "(site_id, departed_at) INCLUDE (visit_id, arrived_at)",
    ),
}
"""Those of ``sql/extract/adt/README.md``."""

_COLUMNS = {
    "bed_stay": "stay_id text, site_id text, unit_id text, bed_from timestamp, bed_to timestamp",
    "ed_visit": "visit_id text, site_id text, arrived_at timestamp, departed_at timestamp, acuity integer",
}
_CHOSEN = {
    "bed_stay": "'s' || n, site_id, 'ward' || lpad((n / :sites % :wards)::text, 2, '0'), began, until",
    "ed_visit": "'v' || n, site_id, began, until, 3",
}
_ROWS = """
INSERT INTO {layout}.{table}
SELECT {chosen}
FROM (
    SELECT n, site_id, began, CASE WHEN ended < :until THEN ended END AS until
    FROM (
        SELECT
            n,
            'site' || lpad((n % :sites)::text, 2, '0') AS site_id,
            began,
            began + make_interval(
                secs => round(
                    -ln(1 - random()) * :mean * CASE WHEN n / :sites % :rare = 0 THEN :longer ELSE 1 END
                )
            ) AS ended
        FROM (
            SELECT n, :since + make_interval(secs => round((n + random()) * :apart)) AS began
            FROM generate_series(0, :rows - 1) AS n
        ) AS beginning
    ) AS made
) AS told
"""
_UNIT = """
CREATE TABLE {layout}.unit AS
SELECT 'site' || lpad(site::text, 2, '0') AS site_id, unit_id, unit_type, 30 AS staffed_beds
FROM generate_series(0, {sites} - 1) AS site
CROSS JOIN (
    SELECT 'ward' || lpad(number::text, 2, '0') AS unit_id, 'medical_surgical' AS unit_type
    FROM generate_series(0, {wards} - 1) AS number
    UNION ALL
    SELECT 'ed', 'ed'
) AS named
"""


def site_ids() -> list[str]:
    """What the sites are called."""
    return [f"site{number:02}" for number in range(SITES)]


def fill(engine: sa.Engine, layout: str, stays: int, until: datetime, days: int, sites: int = SITES) -> None:
    """Make the tables of a layout, with so many stays in the last ``days``, their indexes and statistics.

    Who has not left by ``until`` has no end; the rows lie in the order in which they began, whatever their
    site, as a source adds them.

    Args:
        engine: the database.
        layout: one of :data:`LAYOUTS`, which becomes a schema.
        stays: how many of all sites begin in the last ``days`` before ``until``; a quarter as many visits.
        until: naive UTC.
        days: see ``stays``.
        sites: among how many the rows are shared.
    """
    since = until - timedelta(days=days) - BEFORE
    with engine.begin() as connection:
        connection.execute(sa.text(f"DROP SCHEMA IF EXISTS {layout} CASCADE"))
        connection.execute(sa.text(f"CREATE SCHEMA {layout}"))
        connection.execute(sa.text("SELECT setseed(0.5)"))
        connection.execute(sa.text(_UNIT.format(layout=layout, sites=sites, wards=WARDS)))
        for table, share in (("bed_stay", 1), ("ed_visit", STAYS_A_VISIT)):
            _make(connection, layout, table, since, until)
            rows = round(stays / share * ((until - since) / timedelta(days=days)))
            values = {
                "since": since,
                "until": until,
                "rows": rows,
                "apart": (until - since).total_seconds() / rows,
                "mean": 3600 * (STAY_HOURS if table == "bed_stay" else VISIT_HOURS),
                "sites": sites,
                "rare": LONG_STAY,
                "longer": TIMES_LONGER if table == "bed_stay" else 1,
            }
            wards = {"wards": WARDS} if table == "bed_stay" else {}
            statement = sa.text(_ROWS.format(layout=layout, table=table, chosen=_CHOSEN[table]))
            connection.execute(statement, {**values, **wards})
            for on in INDEXES[table]:
                connection.execute(sa.text(f"CREATE INDEX ON {layout}.{table} {on}"))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for table in TABLES:
            connection.execute(sa.text(f"VACUUM ANALYZE {layout}.{table}"))


def _make(connection: sa.Connection, layout: str, table: str, since: datetime, until: datetime) -> None:
    if layout == "whole":
        connection.execute(sa.text(f"CREATE UNLOGGED TABLE {layout}.{table} ({_COLUMNS[table]})"))
        return
    _, begins, _ = TABLES[table]
    connection.execute(
        sa.text(f"CREATE TABLE {layout}.{table} ({_COLUMNS[table]}) PARTITION BY RANGE ({begins})")
    )
    a_month = timedelta(days=31)
    edges = pd.date_range(since - a_month, until + a_month, freq="MS").strftime("%Y-%m-%d")
    for first, last in pairwise(edges):
        connection.execute(
            sa.text(
                f"CREATE UNLOGGED TABLE {layout}.{table}_{first[:7].replace('-', '_')} "
                f"PARTITION OF {layout}.{table} FOR VALUES FROM ('{first}') TO ('{last}')"
            )
        )
