"""A recommendation says which rule it follows, to which level, what to do and how likely it is to be short.

Revision: 0003, after 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_TABLE = "staffing_recommendation"


def upgrade() -> None:
    """Add the columns, empty in rows that stand; where no rule holds, nothing is required."""
    with op.batch_alter_table(_TABLE) as table:
        table.alter_column("required", existing_type=sa.Integer, nullable=True)
        table.alter_column("recommended", existing_type=sa.Integer, nullable=True)
        table.add_column(sa.Column("action", sa.String, nullable=False, server_default=""))
        table.add_column(sa.Column("probability_short", sa.Double))
        table.add_column(sa.Column("rule_id", sa.String))
        table.add_column(sa.Column("quantile_level", sa.Double))
    with op.batch_alter_table(_TABLE) as table:
        table.alter_column("action", existing_type=sa.String, server_default=None)


def downgrade() -> None:
    """Drop the columns, and the rows of which no rule held: the table of 0002 has no place for them."""
    advice = sa.table(_TABLE, sa.column("required"))
    op.execute(sa.delete(advice).where(advice.c.required.is_(None)))
    with op.batch_alter_table(_TABLE) as table:
        for name in ("quantile_level", "rule_id", "probability_short", "action"):
            table.drop_column(name)
        table.alter_column("recommended", existing_type=sa.Integer, nullable=False)
        table.alter_column("required", existing_type=sa.Integer, nullable=False)
