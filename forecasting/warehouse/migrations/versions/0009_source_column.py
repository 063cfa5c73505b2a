"""What the source's tables were like on each night.

Revision: 0009, after 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Make the table."""
    key = ("site_id", "known_at", "table_name", "column_name")
    op.create_table(
        "source_column",
        sa.Column("site_id", sa.String, nullable=False),
        sa.Column("known_at", sa.DateTime(timezone=True), nullable=False),
        *(sa.Column(name, sa.String, nullable=False) for name in ("table_name", "column_name")),
        *(sa.Column(name, sa.String, nullable=False) for name in ("column_type", "read_as")),
        sa.PrimaryKeyConstraint(*key, name="pk_source_column"),
    )


def downgrade() -> None:
    """Drop the table, with its rows."""
    op.drop_table("source_column")
