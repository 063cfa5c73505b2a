"""The tables of what-ifs: what was asked, and what would have been recommended.

Revision: 0006, after 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the tables; a scenario's recommendations have the columns of the published ones."""
    op.create_table(
        "scenario",
        sa.Column("scenario_id", sa.String, nullable=False),
        sa.Column("site_id", sa.String, nullable=False),
        sa.Column("night", sa.Date, nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("title", sa.String, nullable=False),
        sa.Column("arrivals", sa.Double, nullable=False),
        sa.Column("census", sa.Double, nullable=False),
        sa.Column("stay", sa.Double, nullable=False),
        sa.Column("absence", sa.Double, nullable=False),
        sa.Column("closed_beds", sa.String, nullable=False),
        sa.Column("ratio_set", sa.String),
        sa.Column("remarks", sa.String, nullable=False),
        sa.Column("output_digest", sa.String, nullable=False),
        sa.Column("config_digest", sa.String, nullable=False),
        sa.Column("mlflow_run_id", sa.String, nullable=False),
        sa.Column("dag_run_id", sa.String, nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("scenario_id", "site_id", name="pk_scenario"),
        sa.ForeignKeyConstraint(
            ["site_id", "night"],
            ["night.site_id", "night.night"],
            name="fk_scenario_night",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_scenario_night", "scenario", ["night"])
    published = sa.Table("staffing_recommendation", sa.MetaData(), autoload_with=op.get_bind())
    op.create_table(
        "scenario_recommendation",
        sa.Column("scenario_id", sa.String, nullable=False),
        *(sa.Column(column.name, column.type, nullable=column.nullable) for column in published.c),
        sa.PrimaryKeyConstraint(
            "scenario_id",
            *(column.name for column in published.primary_key),
            name="pk_scenario_recommendation",
        ),
        sa.ForeignKeyConstraint(
            ["scenario_id", "site_id"],
            ["scenario.scenario_id", "scenario.site_id"],
            name="fk_scenario_recommendation_scenario",
            ondelete="CASCADE",
        ),
    )


def downgrade() -> None:
    """Drop the tables, with their rows."""
    op.drop_table("scenario_recommendation")
    op.drop_index("ix_scenario_night", "scenario")
    op.drop_table("scenario")
