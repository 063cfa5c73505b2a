"""What views may show: below which count of patients they are silent, as of each night.

Revision: 0010, after 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add the column."""
    op.add_column("night", sa.Column("smallest_count", sa.Integer))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("night", "smallest_count")
