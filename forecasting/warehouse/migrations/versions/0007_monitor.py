"""The monitor's tables: forecasts in shadow, scores, verdicts on series, and what it asks for.

Revision: 0007, after 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "shadow_forecast",
        sa.Column("issued_at", INSTANT, nullable=False),
        *(sa.Column(name, sa.String, nullable=False) for name in ("site_id", "unit_id", "target", "period")),
        sa.Column("valid_at", INSTANT, nullable=False),
        *(sa.Column(name, sa.Double, nullable=False) for name in ("quantile", "value")),
        *(sa.Column(name, sa.String, nullable=False) for name in ("model", "model_version", "note")),
        sa.PrimaryKeyConstraint(
            *("issued_at", "site_id", "unit_id", "target", "period", "valid_at", "quantile"),
            name="pk_shadow_forecast",
        ),
    )
    op.create_table(
        "forecast_score",
        sa.Column("night", sa.Date, nullable=False),
        *(sa.Column(name, sa.String, nullable=False) for name in ("site_id", "unit_id", "target", "period")),
        sa.Column("lead_day", sa.Integer, nullable=False),
        *(sa.Column(name, sa.String, nullable=False) for name in ("shift", "speaker")),
        sa.Column("published", sa.Boolean, nullable=False),
        *(sa.Column(name, sa.String, nullable=False) for name in ("model", "model_version")),
        sa.Column("hours", sa.Integer, nullable=False),
        *(sa.Column(name, sa.Double, nullable=False) for name in ("outcome", "pinball", "mae", "bias")),
        *(sa.Column(name, sa.Double) for name in ("coverage_80", "coverage_90", "pit_80", "pit_90")),
        sa.Column("outcomes_until", INSTANT, nullable=False),
        sa.Column("output_digest", sa.String, nullable=False),
        sa.PrimaryKeyConstraint(
            *("night", "site_id", "unit_id", "target", "period", "lead_day", "shift", "speaker"),
            name="pk_forecast_score",
        ),
        sa.ForeignKeyConstraint(
            ["site_id", "night"],
            ["night.site_id", "night.night"],
            name="fk_forecast_score_night",
            ondelete="CASCADE",
        ),
    )
    op.create_table(
        "series_verdict",
        sa.Column("night", sa.Date, nullable=False),
        *(sa.Column(name, sa.String, nullable=False) for name in ("site_id", "unit_id", "target")),
        *(sa.Column(name, sa.String, nullable=False) for name in ("state", "why")),
        sa.Column("judged_from", sa.Date),
        sa.Column("days", sa.Integer, nullable=False),
        *(sa.Column(name, sa.Double) for name in ("champion_pinball", "climatology_pinball")),
        *(sa.Column(name, sa.Double) for name in ("skill", "skill_low", "skill_high", "coverage_80", "bias")),
        *(sa.Column(name, sa.Double) for name in ("loss_change", "loss_change_low", "loss_change_high")),
        *(sa.Column(name, sa.Double) for name in ("level_change", "missing_share")),
        sa.Column("mlflow_run_id", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("night", "site_id", "unit_id", "target", name="pk_series_verdict"),
    )
    op.create_table(
        "training_request",
        sa.Column("target", sa.String, nullable=False),
        sa.Column("night", sa.Date, nullable=False),
        sa.Column("issued_at", INSTANT, nullable=False),
        *(sa.Column(name, sa.String, nullable=False) for name in ("why", "mlflow_run_id")),
        sa.PrimaryKeyConstraint("target", "night", name="pk_training_request"),
    )


def downgrade() -> None:
    """Drop the tables, with their rows."""
    for name in ("training_request", "series_verdict", "forecast_score", "shadow_forecast"):
        op.drop_table(name)
