"""A recommendation says what it costs, what stays short, how long patients wait, and what would relieve.

Revision: 0004, after 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_TABLE = "staffing_recommendation"
_REALS = (
    "expected_cost",
    "expected_cost_scheduled",
    "short_hours",
    "wait_minutes",
    "wait_minutes_scheduled",
    "left_unseen",
    "left_unseen_scheduled",
)


def upgrade() -> None:
    """Add the columns, empty in rows that stand."""
    with op.batch_alter_table(_TABLE) as table:
        for name in _REALS:
            table.add_column(sa.Column(name, sa.Double))
        table.add_column(sa.Column("relief", sa.String, nullable=False, server_default=""))
    with op.batch_alter_table(_TABLE) as table:
        table.alter_column("relief", existing_type=sa.String, server_default=None)


def downgrade() -> None:
    """Drop the columns, and the rows of float pools: to readers of 0003 they would lack a rule."""
    advice = sa.table(_TABLE, sa.column("required"), sa.column("recommended"))
    of_a_pool = sa.and_(advice.c.required.is_(None), advice.c.recommended.is_not(None))
    op.execute(sa.delete(advice).where(of_a_pool))
    with op.batch_alter_table(_TABLE) as table:
        for name in ("relief", *_REALS):
            table.drop_column(name)
