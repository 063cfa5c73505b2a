"""${message}.

Revision: ${up_revision}, after ${down_revision}
"""

import sqlalchemy as sa
from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    """${message}."""
    ${upgrades or "pass"}


def downgrade() -> None:
    """Undo it."""
    ${downgrades or "pass"}
