"""Moves the warehouse between versions of its tables; its views and functions are those of the newest."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from forecasting.warehouse.definitions import create_definitions, drop_definitions
from forecasting.warehouse.engine import WarehouseError, shown, writing


def migrate(engine: sa.Engine, revision: str = "head") -> None:
    """Bring the warehouse up to a revision, in one transaction; nothing happens where it is there already.

    The views in ``sql/warehouse`` and the functions in ``sql/partitions`` belong to the newest revision: they
    stand at no other. The roles of ``sql/roles`` that are there may then do again what they may.

    Args:
        engine: the warehouse.
        revision: a revision's id, or "head".

    Raises:
        WarehouseError: no such revision, or a newer version of this program migrated the warehouse.
    """
    _move(engine, command.upgrade, revision)


def downgrade(engine: sa.Engine, revision: str = "base") -> None:
    """Take the warehouse back to a revision, in one transaction. Tables made since then go, with their rows.

    Args:
        engine: the warehouse.
        revision: a revision's id, or "base".

    Raises:
        WarehouseError: no such revision, or a newer version of this program migrated the warehouse.
    """
    _move(engine, command.downgrade, revision)


def _move(engine: sa.Engine, step: Callable[[Config, str], None], revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", "forecasting.warehouse:migrations")
    script = ScriptDirectory.from_config(config)
    with writing(engine, "migration") as connection:
        config.attributes["connection"] = connection
        standing = MigrationContext.configure(connection).get_current_revision()
        try:
            if script.as_revision_number(revision) == standing:
                return
            # Tables can't be altered under a view.
            drop_definitions(connection)
            step(config, revision)
        except CommandError as error:
            raise WarehouseError(
                f"warehouse {shown(engine)} is at revision {standing} and can't move to {revision!r}: {error}"
            ) from error
        if MigrationContext.configure(connection).get_current_revision() == script.get_current_head():
            create_definitions(connection)
