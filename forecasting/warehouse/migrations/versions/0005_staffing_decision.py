"""What people decided about a recommended shift: an audit that only grows.

Revision: 0005, after 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_TABLE = "staffing_decision"
_KEY = ("site_id", "night", "unit_id", "role", "shift", "shift_start", "number")


def upgrade() -> None:
    """Make the table; what was published before it stands as proposed."""
    op.create_table(
        _TABLE,
        sa.Column("site_id", sa.String, nullable=False),
        sa.Column("night", sa.Date, nullable=False),
        sa.Column("unit_id", sa.String, nullable=False),
        sa.Column("role", sa.String, nullable=False),
        sa.Column("shift", sa.String, nullable=False),
        sa.Column("shift_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("number", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("heads", sa.Integer),
        sa.Column("required", sa.Integer),
        sa.Column("scheduled", sa.Integer),
        sa.Column("recommended", sa.Integer),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.String, nullable=False),
        sa.Column("comment", sa.String, nullable=False),
        sa.Column("dag_run_id", sa.String),
        sa.PrimaryKeyConstraint(*_KEY, name=f"pk_{_TABLE}"),
    )
    op.create_index(f"ix_{_TABLE}_site_id_shift_start", _TABLE, ["site_id", "shift_start"])


def downgrade() -> None:
    """Drop the table, and with it every decision."""
    op.drop_table(_TABLE)
