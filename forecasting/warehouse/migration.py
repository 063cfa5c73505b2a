"""Moves the warehouse between versions of its tables, and keeps its views those of the newest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from forecasting.warehouse.engine import WarehouseError, writing


def migrate(engine: sa.Engine, revision: str = "head") -> None:
    """Bring the warehouse up to a revision, in one transaction; nothing happens where it is there already.

    The views in ``sql/warehouse`` belong to the newest revision: they stand at no other.

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
            _drop_views(connection)
            step(config, revision)
        except CommandError as error:
            raise WarehouseError(
                f"warehouse {engine.url!r} is at revision {standing} and can't move to {revision!r}: {error}"
            ) from error
        if MigrationContext.configure(connection).get_current_revision() == script.get_current_head():
            _create_views(connection)


def _drop_views(connection: sa.Connection) -> None:
    for file in reversed(_view_files()):
        connection.exec_driver_sql(f"DROP VIEW IF EXISTS {file.stem}")


def _create_views(connection: sa.Connection) -> None:
    for file in _view_files():
        connection.exec_driver_sql(file.read_text(encoding="utf-8"))


def _view_files() -> list[Path]:
    # The folder lies beside the package in a checkout, and inside it once installed.
    package = Path(__file__).parents[1]
    return sorted(file for root in (package.parent, package) for file in root.glob("sql/warehouse/*.sql"))
