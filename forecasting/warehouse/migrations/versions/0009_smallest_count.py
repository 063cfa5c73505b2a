"""What views may show: below which count of patients they are silent, as of each night.

Revision: 0009, after 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add the column."""
    op.add_column("night", sa.Column("smallest_count", sa.Integer))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("night", "smallest_count")
