"""A source that isn't there fails at once, in words, without its password, and without a trace of us."""

from __future__ import annotations

import socket
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from forecasting.extract import SourceError, SourceUnreachable, connect
from forecasting.extract.source import reading

pytestmark = pytest.mark.integration


def closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def test_a_closed_port_is_unreachable_within_seconds_and_hides_the_password() -> None:
    began = time.monotonic()
    with pytest.raises(SourceUnreachable, match=r"postgresql database adt at 127\.0\.0\.1") as caught:
        connect(f"postgresql+psycopg://reader:s3cret@127.0.0.1:{closed_port()}/adt")
    assert time.monotonic() - began < 30
    assert "s3cret" not in str(caught.value)


def test_a_missing_sqlite_file_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(SourceUnreachable, match=r"absent\.db does not exist"):
        connect(f"sqlite:///{tmp_path / 'absent.db'}")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.db").write_text("not a database, whatever its name says" * 100)
    engine = connect(f"sqlite:///{tmp_path / 'notes.db'}")
    with pytest.raises(SourceError, match="file is not a database"), reading(engine) as connection:
        sa.inspect(connection).get_table_names()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("the reporting server", "is not a database URL"),
        ("mysql://reader@host/adt", "can't be a 'mysql' database; allowed: sqlite, postgresql"),
        ("postgresql+psycopg2://reader@host/adt", "install hospital-forecasting"),
    ],
)
def test_an_unusable_url_says_what_to_write(url: str, says: str) -> None:
    with pytest.raises(SourceError, match=says):
        connect(url)


def test_a_value_that_cannot_be_read_is_not_quoted(database_url: str) -> None:
    """Neither in the error nor in what a log prints with it; whoever mends it looks in the database."""
    engine = sa.create_engine(database_url)
    odd = {
        "sqlite": f"SELECT CAST(x'{'Quillfeather, Zoé'.encode('latin-1').hex()}' AS TEXT) AS unit_id",
        "postgresql": "SELECT CAST(told AS TIMESTAMP) FROM (VALUES ('Quillfeather, Zoé')) AS visit (told)",
    }
    with pytest.raises(SourceError, match="can't read one of its values") as caught, reading(engine) as read:
        read.execute(sa.text(odd[engine.dialect.name])).all()
    assert not isinstance(caught.value, SourceUnreachable)
    assert "Quillfeather" not in "".join(traceback.format_exception(caught.value))


def test_what_a_database_says_of_its_tables_is_told(database_url: str) -> None:
    with (
        pytest.raises(SourceError, match="absent_table"),
        reading(sa.create_engine(database_url)) as connection,
    ):
        connection.execute(sa.text("SELECT * FROM absent_table"))


def test_the_source_is_read_only(write_source: Callable[[dict[str, pd.DataFrame]], str]) -> None:
    engine = connect(write_source({"unit": pd.DataFrame({"unit_id": ["ed"]})}))
    with pytest.raises(SourceError, match=r"read-?only"), reading(engine) as connection:
        connection.execute(sa.text("DELETE FROM unit"))
