"""Databases of a real PostgreSQL that live no longer than they are used."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa


@contextmanager
def postgres_database(server: str, template: str | None = None) -> Iterator[str]:
    """The URL of a new database, empty or as the one of another URL, dropped at the end."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    model = sa.make_url(template).database if template else "template1"
    admin = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(sa.text(f'CREATE DATABASE "{name}" TEMPLATE "{model}"'))
    yield sa.make_url(server).set(database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.execute(sa.text(f'DROP DATABASE "{name}" WITH (FORCE)'))
    admin.dispose()
