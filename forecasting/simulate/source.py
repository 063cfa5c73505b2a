"""The ``adt`` source database of a simulated hospital: bulk loading."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import sqlalchemy as sa
import structlog

from forecasting.adt import METADATA, SIMULATION, SOURCE_TABLES, WEATHER
from forecasting.simulate.hospital import Hospital

ROWS_AT_ONCE = 50_000

log = structlog.get_logger(__name__)


class SourceInUseError(ValueError):
    """The database holds tables of the source's names that the simulator did not write."""


def write_source(
    hospitals: Hospital | Iterable[Hospital], engine: sa.Engine, *, with_weather: bool = False
) -> dict[str, int]:
    """Write the four source tables, and where asked the weather's, anew; return how many rows each has.

    Hospitals are taken one by one, so that a generator of many sites needs the memory of one. The tables are
    replaced only if the simulator wrote them; rows of a write that broke off are replaced by the next.

    Raises:
        SourceInUseError: the database has such tables and they are not simulated.
        ValueError: the database is neither SQLite nor PostgreSQL.
    """
    _refuse_other_dialects(engine)
    _refuse_real_source(engine)
    tables = (*SOURCE_TABLES, WEATHER) if with_weather else SOURCE_TABLES
    written = dict.fromkeys((table.name for table in tables), 0)
    with engine.begin() as connection:
        METADATA.drop_all(connection)
        for table in (SIMULATION, *tables):
            connection.execute(sa.schema.CreateTable(table))
            _comment(connection, table)
        connection.execute(SIMULATION.insert(), [{"complete": False}])
    for hospital in [hospitals] if isinstance(hospitals, Hospital) else hospitals:
        with engine.begin() as connection:
            for table in tables:
                frame: pd.DataFrame = getattr(hospital, table.name)
                _load(connection, table, frame)
                written[table.name] += len(frame)
    with engine.begin() as connection:
        # Building an index once is quicker than keeping it through the load.
        for table in tables:
            for index in table.indexes:
                index.create(connection)
        connection.execute(SIMULATION.update().values(complete=True))
    log.info("source written", **written)
    return written


def is_simulated(engine: sa.Engine) -> bool:
    """Whether the database holds a source that the simulator wrote to its end."""
    if not sa.inspect(engine).has_table(SIMULATION.name):
        return False
    with engine.connect() as connection:
        return connection.execute(sa.select(SIMULATION.c.complete)).scalar() is True


def _refuse_other_dialects(engine: sa.Engine) -> None:
    if engine.dialect.name not in LOADERS:
        raise ValueError(
            f"the simulator can't write to {engine.dialect.name!r}; allowed are {', '.join(sorted(LOADERS))}"
        )


def _refuse_real_source(engine: sa.Engine) -> None:
    present = set(sa.inspect(engine).get_table_names())
    taken = sorted(present & {table.name for table in (*SOURCE_TABLES, WEATHER)})
    if taken and SIMULATION.name not in present:
        raise SourceInUseError(
            f"{engine.url.render_as_string(hide_password=True)} has tables {', '.join(taken)} that are not "
            f"simulated and would be dropped; give the simulator a database of its own"
        )


def _comment(connection: sa.Connection, table: sa.Table) -> None:
    if not connection.dialect.supports_comments:
        return
    if table.comment:
        connection.execute(sa.schema.SetTableComment(table))
    for column in table.columns:
        if column.comment:
            connection.execute(sa.schema.SetColumnComment(column))


def _load(connection: sa.Connection, table: sa.Table, frame: pd.DataFrame) -> None:
    names = [column.name for column in table.columns]
    whole_seconds = dict.fromkeys(frame.select_dtypes("datetimetz").columns, "datetime64[s]")
    naive = frame.assign(**{name: frame[name].dt.tz_localize(None) for name in whole_seconds})
    rows = pa.Table.from_pandas(naive[names].astype(whole_seconds), preserve_index=False)
    for batch in rows.to_batches(max_chunksize=ROWS_AT_ONCE):
        LOADERS[connection.dialect.name](connection, table.name, batch)


# Both are several times faster than SQLAlchemy's own executemany, which looks at each value.
def _insert(connection: sa.Connection, table: str, batch: pa.RecordBatch) -> None:
    places = ", ".join("?" * batch.num_columns)
    values = [_sqlite_values(column) for column in batch.columns]
    rows = list(zip(*values, strict=True))
    if rows:
        connection.exec_driver_sql(f"INSERT INTO {table} VALUES ({places})", rows)  # noqa: S608 - our own name


def _sqlite_values(column: pa.Array) -> list[object]:
    as_stored = column.cast(pa.string()) if pa.types.is_timestamp(column.type) else column
    values: list[object] = as_stored.to_pylist()
    return values


def _copy(connection: sa.Connection, table: str, batch: pa.RecordBatch) -> None:
    text = io.BytesIO()
    pyarrow.csv.write_csv(batch, text)
    cursor: Any = connection.connection.cursor()
    with cursor.copy(f"COPY {table} FROM STDIN (FORMAT csv, HEADER)") as copy:
        copy.write(text.getvalue())


LOADERS: dict[str, Callable[[sa.Connection, str, pa.RecordBatch], None]] = {
    "sqlite": _insert,
    "postgresql": _copy,
}
