from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from forecasting import warehouse


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    """A migrated, empty warehouse, once on SQLite and once on PostgreSQL."""
    engine = warehouse.connect(database_url)
    warehouse.migrate(engine)
    yield engine
    engine.dispose()
