"""The table of promotions: which model may speak, decided when and on what evidence.

Revision: 0002, after 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "model_promotion",
        sa.Column("target", sa.String, nullable=False),
        sa.Column("night", sa.Date, nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("challenger", sa.String, nullable=False),
        sa.Column("challenger_version", sa.String, nullable=False),
        sa.Column("champion", sa.String, nullable=False),
        sa.Column("champion_version", sa.String, nullable=False),
        sa.Column("promoted", sa.Boolean, nullable=False),
        sa.Column("why", sa.String, nullable=False),
        sa.Column("challenger_wql", sa.Double),
        sa.Column("champion_wql", sa.Double),
        sa.Column("difference", sa.Double),
        sa.Column("difference_low", sa.Double),
        sa.Column("difference_high", sa.Double),
        sa.Column("hours", sa.Integer),
        sa.Column("issue_times", sa.Integer),
        sa.Column("mlflow_run_id", sa.String),
        sa.PrimaryKeyConstraint(
            "target", "night", "challenger", "challenger_version", name="pk_model_promotion"
        ),
    )


def downgrade() -> None:
    """Drop the table, with its rows."""
    op.drop_table("model_promotion")
