"""What an installation keeps, as bytes to be searched for what should not be there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

SOURCE = "source.db"
SIMULATED_ID = re.compile(rb"(north|west)-[vs]\d{8}")
"""A visit or a stay of the simulator."""

Held = Iterator[tuple[str, bytes]]
"""Where, and what."""


def files(folder: Path) -> Held:
    """Every file under a folder but the hospital's own database; of Parquet what it reads as, besides."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.name.startswith(SOURCE):
            yield str(path), path.read_bytes()
            if path.suffix == ".parquet":
                yield f"{path}, read", _texts(pq.read_table(path, partitioning=None))


def tables(url: str) -> Held:
    """Every row of every table of a database."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        for name in sa.inspect(connection).get_table_names():
            rows = connection.execute(sa.text(f'SELECT * FROM "{name}"')).all()  # noqa: S608
            yield f"table {name}", str(rows).encode()


def leaks(held: Held, *planted: re.Pattern[bytes]) -> list[str]:
    """Where something planted stands, and what."""
    return [
        f"{where}: {found[0].decode(errors='replace')}"
        for where, content in held
        for pattern in planted
        if (found := pattern.search(content))
    ]


def _texts(table: pa.Table) -> bytes:
    """Its names and distinct texts: numbers and times hold no name."""
    texts = [table.column(field.name).unique() for field in table.schema if pa.types.is_string(field.type)]
    return str([table.schema.names, *(column.to_pylist() for column in texts)]).encode()
