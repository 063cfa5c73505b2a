"""The tables of a source of profile ``adt``, as the simulator and loaded files write them.

Times are stored as timestamps without a zone, in UTC. As in many reporting databases the tables have indexes
but no keys or constraints: what is wrong with the data is for the reader to find.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

# In SQLite as its own functions write an instant, so that texts compare as times do.
INSTANT = sa.DateTime().with_variant(sqlite.DATETIME(truncate_microseconds=True), "sqlite")  # type: ignore[no-untyped-call]

DISPOSITIONS = ("home", "admitted", "left_without_being_seen", "transferred")
"""How a visit may have ended."""

METADATA = sa.MetaData()

ED_VISIT = sa.Table(
    "ed_visit",
    METADATA,
    sa.Column("visit_id", sa.Text),
    sa.Column("site_id", sa.Text),
    sa.Column("arrived_at", INSTANT),
    sa.Column("departed_at", INSTANT, comment="when the patient left the ED; null while present"),
    sa.Column("acuity", sa.SmallInteger, comment="ESI triage level, 1 (sickest) to 5"),
    sa.Column(
        "disposition",
        sa.Text,
        comment=f"{', '.join(DISPOSITIONS)}; null while open",
    ),
    sa.Index("ed_visit_arrived", "site_id", "arrived_at"),
    sa.Index("ed_visit_departed", "site_id", "departed_at"),
    comment="A row for each visit to the emergency department. Times are UTC.",
)

BED_STAY = sa.Table(
    "bed_stay",
    METADATA,
    sa.Column("stay_id", sa.Text),
    sa.Column("site_id", sa.Text),
    sa.Column("unit_id", sa.Text),
    sa.Column("bed_from", INSTANT),
    sa.Column("bed_to", INSTANT, comment="null while the patient is in the bed"),
    sa.Index("bed_stay_from", "site_id", "bed_from"),
    sa.Index("bed_stay_to", "site_id", "bed_to"),
    comment="A row for each stay in a bed of a unit. Times are UTC.",
)

UNIT = sa.Table(
    "unit",
    METADATA,
    sa.Column("site_id", sa.Text),
    sa.Column("unit_id", sa.Text),
    sa.Column("name", sa.Text),
    sa.Column("unit_type", sa.Text),
    sa.Column("staffed_beds", sa.Integer),
)

SCHEDULED_SHIFT = sa.Table(
    "scheduled_shift",
    METADATA,
    sa.Column("site_id", sa.Text),
    sa.Column("unit_id", sa.Text),
    sa.Column("role", sa.Text),
    sa.Column("shift_start", INSTANT),
    sa.Column("shift_end", INSTANT),
    sa.Column("heads", sa.Integer),
    sa.Index("scheduled_shift_start", "site_id", "shift_start"),
    comment="Published rosters, past and to come. Times are UTC.",
)

WEATHER = sa.Table(
    "weather",
    METADATA,
    sa.Column("site_id", sa.Text),
    sa.Column("issued_at", INSTANT, comment="when it was told; a forecast's is before its hour"),
    sa.Column("valid_at", INSTANT),
    sa.Column("temperature_c", sa.Float),
    sa.Index("weather_valid", "site_id", "valid_at"),
    comment="Observations and forecasts of the temperature. Times are UTC.",
)

SIMULATION = sa.Table(
    "simulation",
    METADATA,
    sa.Column("complete", sa.Boolean, comment="false while rows are being written"),
    comment="Marks this database as written by the simulator, which may replace its tables.",
)

SOURCE_TABLES = (ED_VISIT, BED_STAY, UNIT, SCHEDULED_SHIFT)
