from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from forecasting import warehouse


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    """A migrated, empty warehouse, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        engine = warehouse.connect(f"sqlite:///{tmp_path / 'database.db'}")
        warehouse.migrate(engine)
    else:
        engine = warehouse.connect(request.getfixturevalue("postgres_warehouse"))
    yield engine
    engine.dispose()
