"""The tables of the nightly run: nights, observations, validation, forecasts and recommendations.

Revision: 0001, the first
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "night",
        sa.Column("site_id", sa.String, nullable=False),
        sa.Column("night", sa.Date, nullable=False),
        sa.Column("issued_at", _INSTANT, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("why", sa.String),
        sa.Column("data_digest", sa.String),
        sa.Column("output_digest", sa.String),
        sa.Column("mlflow_run_id", sa.String),
        sa.Column("dag_run_id", sa.String),
        sa.Column("started_at", _INSTANT, nullable=False),
        sa.Column("finished_at", _INSTANT),
        sa.Column("timings", sa.String),
        sa.PrimaryKeyConstraint("site_id", "night", name="pk_night"),
    )
    op.create_index("ix_night_night", "night", ["night"])
    op.create_table(
        "observation",
        sa.Column("site_id", sa.String, nullable=False),
        sa.Column("unit_id", sa.String, nullable=False),
        sa.Column("target", sa.String, nullable=False),
        sa.Column("valid_at", _INSTANT, nullable=False),
        sa.Column("value", sa.Double),
        sa.Column("known_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint(
            "site_id", "unit_id", "target", "valid_at", "known_at", name="pk_observation"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_observation_site_id_known_at_valid_at", "observation", ["site_id", "known_at", "valid_at"]
    )
    op.create_table(
        "validation_result",
        sa.Column("site_id", sa.String, nullable=False),
        sa.Column("night", sa.Date, nullable=False),
        sa.Column("table_name", sa.String, nullable=False),
        sa.Column("expectation", sa.String, nullable=False),
        sa.Column("column_name", sa.String, nullable=False),
        sa.Column("severity", sa.String, nullable=False),
        sa.Column("success", sa.Boolean, nullable=False),
        sa.Column("checked_rows", sa.Integer),
        sa.Column("failed_rows", sa.Integer),
        sa.Column("detail", sa.String),
        sa.PrimaryKeyConstraint(
            "site_id", "night", "table_name", "expectation", "column_name", name="pk_validation_result"
        ),
        _of_a_night("validation_result"),
    )
    op.create_table(
        "quarantined_row",
        sa.Column("site_id", sa.String, nullable=False),
        sa.Column("night", sa.Date, nullable=False),
        sa.Column("table_name", sa.String, nullable=False),
        sa.Column("unit_id", sa.String, nullable=False),
        sa.Column("target", sa.String, nullable=False),
        sa.Column("valid_at", _INSTANT, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("value", sa.Double),
        sa.Column("source_rows", sa.Integer),
        sa.PrimaryKeyConstraint(
            "site_id", "night", "table_name", "unit_id", "target", "valid_at", "reason",
            name="pk_quarantined_row",
        ),
        _of_a_night("quarantined_row"),
    )  # fmt: skip
    op.create_table(
        "forecast",
        sa.Column("issued_at", _INSTANT, nullable=False),
        sa.Column("site_id", sa.String, nullable=False),
        sa.Column("unit_id", sa.String, nullable=False),
        sa.Column("target", sa.String, nullable=False),
        sa.Column("period", sa.String, nullable=False),
        sa.Column("valid_at", _INSTANT, nullable=False),
        sa.Column("quantile", sa.Double, nullable=False),
        sa.Column("value", sa.Double, nullable=False),
        sa.Column("model", sa.String, nullable=False),
        sa.Column("model_version", sa.String, nullable=False),
        sa.Column("note", sa.String, nullable=False),
        sa.PrimaryKeyConstraint(
            "issued_at", "site_id", "unit_id", "target", "period", "valid_at", "quantile",
            name="pk_forecast",
        ),
    )  # fmt: skip
    op.create_table(
        "staffing_recommendation",
        sa.Column("issued_at", _INSTANT, nullable=False),
        sa.Column("night", sa.Date, nullable=False),
        sa.Column("site_id", sa.String, nullable=False),
        sa.Column("unit_id", sa.String, nullable=False),
        sa.Column("role", sa.String, nullable=False),
        sa.Column("shift", sa.String, nullable=False),
        sa.Column("shift_date", sa.Date, nullable=False),
        sa.Column("shift_start", _INSTANT, nullable=False),
        sa.Column("shift_end", _INSTANT, nullable=False),
        sa.Column("patients_p10", sa.Double),
        sa.Column("patients_p50", sa.Double),
        sa.Column("patients_p90", sa.Double),
        sa.Column("required", sa.Integer, nullable=False),
        sa.Column("scheduled", sa.Integer),
        sa.Column("recommended", sa.Integer, nullable=False),
        sa.Column("gap", sa.Integer),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("note", sa.String, nullable=False),
        sa.Column("model", sa.String),
        sa.Column("model_version", sa.String),
        sa.Column("mlflow_run_id", sa.String),
        sa.Column("dag_run_id", sa.String),
        sa.Column("data_digest", sa.String),
        sa.PrimaryKeyConstraint(
            "issued_at",
            "site_id",
            "unit_id",
            "role",
            "shift",
            "shift_start",
            name="pk_staffing_recommendation",
        ),
        _of_a_night("staffing_recommendation"),
    )
    op.create_index(
        "ix_staffing_recommendation_night_site_id", "staffing_recommendation", ["night", "site_id"]
    )


def downgrade() -> None:
    """Drop the tables, with their rows."""
    for table in (
        "staffing_recommendation",
        "forecast",
        "quarantined_row",
        "validation_result",
        "observation",
        "night",
    ):
        op.drop_table(table)


def _of_a_night(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["site_id", "night"],
        ["night.site_id", "night.night"],
        name=f"fk_{table}_night",
        ondelete="CASCADE",
    )
