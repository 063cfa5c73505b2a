"""The large tables lie in monthly partitions, on PostgreSQL.

Revision: 0008, after 0007
"""

from collections.abc import Iterator
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_INSTANTS = {"forecast": "issued_at", "observation": "valid_at"}
"""The column that says in which month a row lies, by table; one of the key's."""


def upgrade() -> None:
    """Put what stands into its months; SQLite keeps its tables whole."""
    if op.get_bind().dialect.name == "postgresql":
        for name, instant in _INSTANTS.items():
            _make_anew(name, partition_by=f"RANGE ({instant})")


def downgrade() -> None:
    """Make the tables whole again, with all their rows."""
    if op.get_bind().dialect.name == "postgresql":
        for name in _INSTANTS:
            _make_anew(name, partition_by=None)


def _make_anew(name: str, partition_by: str | None) -> None:
    standing = sa.Table(name, sa.MetaData(), autoload_with=op.get_bind())
    key = standing.primary_key
    columns = [sa.Column(column.name, column.type, nullable=column.nullable) for column in standing.c]
    indexes = {str(index.name): [column.name for column in index.columns] for index in standing.indexes}
    op.rename_table(name, f"{name}_before")
    # PostgreSQL names indexes in the schema, not in their table.
    op.execute(f"ALTER TABLE {name}_before RENAME CONSTRAINT {key.name} TO {key.name}_before")
    for index in indexes:
        op.drop_index(index, f"{name}_before")
    op.create_table(
        name,
        *columns,
        sa.PrimaryKeyConstraint(*key.columns.keys(), name=str(key.name)),
        postgresql_partition_by=partition_by,
    )
    if partition_by is not None:
        _make_partitions(name, _INSTANTS[name])
    op.execute(f"INSERT INTO {name} SELECT * FROM {name}_before")  # noqa: S608 - no other names than those above
    op.drop_table(f"{name}_before")
    for index, indexed in indexes.items():
        op.create_index(index, name, indexed)


def _make_partitions(name: str, instant: str) -> None:
    op.execute(f"CREATE TABLE {name}_default PARTITION OF {name} DEFAULT")
    span = op.get_bind().execute(sa.text(f"SELECT min({instant}), max({instant}) FROM {name}_before")).one()  # noqa: S608
    now = datetime.now(UTC)
    for month in _months(span[0] or now, max(span[1] or now, now)):
        op.execute(
            f"CREATE TABLE {name}_{month:%Y_%m} PARTITION OF {name} "
            f"FOR VALUES FROM ('{month.isoformat()}') TO ('{_next(month).isoformat()}')"
        )


def _months(first: datetime, last: datetime) -> Iterator[datetime]:
    """From the month of one instant to the one after another's."""
    month = first.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    while month <= _next(last.astimezone(UTC)):
        yield month
        month = _next(month)


def _next(month: datetime) -> datetime:
    start = month.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1)
