"""Whatever a source calls its tables, columns and measures: it is read by that, or refused in words."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from forecasting.config import Hourly, Source
from forecasting.extract import SourceContractBroken, connect
from forecasting.extract.contract import resolve
from forecasting.profile import Profile

pytestmark = pytest.mark.integration

OWN = ("unit_id", "measure")
"""Columns that the tables here have besides."""
AWKWARD = st.text(
    alphabet=st.one_of(
        st.sampled_from("abXY_ :%{}()'\"\\$?é-0"), st.characters(min_codepoint=33, max_codepoint=1000)
    ),
    min_size=1,
    max_size=12,
).filter(lambda name: name.isprintable() and name.casefold() not in OWN)


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def written(folder: str, table: str, columns: list[str], row: list[object]) -> str:
    """The URL of a new SQLite file with a table of one row."""
    url = f"sqlite:///{Path(folder) / 'source.db'}"
    engine = sa.create_engine(url)
    connection = engine.raw_connection()
    connection.cursor().execute(f"CREATE TABLE {quoted(table)} ({', '.join(map(quoted, columns))})")
    marks = ", ".join("?" * len(row))
    connection.cursor().execute(f"INSERT INTO {quoted(table)} VALUES ({marks})", row)  # noqa: S608
    connection.commit()
    connection.close()
    engine.dispose()
    return url


def arrivals(url: str, source: Source) -> list[tuple[object, ...]]:
    """What a query that names the profile's columns reads."""
    with connect(url).connect() as connection:
        table = resolve(connection, source)["ed_arrivals_hourly"]
        asked = f"SELECT site_id, hour_start, arrivals FROM {table.relation}"  # noqa: S608
        return [tuple(row) for row in connection.execute(sa.text(asked))]


@settings(deadline=None, max_examples=25)
@example(names=["table", "nothing", "select", "order"], measure="null")
@example(names=["group", "over", "filter", "exclude"], measure="'")
@given(names=st.lists(AWKWARD, min_size=4, max_size=4, unique_by=str.casefold), measure=AWKWARD)
def test_any_name_is_read(names: list[str], measure: str) -> None:
    # A dot ends a schema's name; SQLite keeps some names for itself.
    table, site, hour, count = f"t{names[0].replace('.', '')}", *names[1:]
    row: list[object] = ["north", "2026-03-20 07:00:00", 5]
    with tempfile.TemporaryDirectory() as folder:
        columns = {"site_id": site, "hour_start": hour, "arrivals": count}
        wide = Source(
            profile=Profile.HOURLY,
            tables={"ed_arrivals_hourly": table},
            columns={"ed_arrivals_hourly": columns},
        )
        assert arrivals(written(folder, table, [site, hour, count], row), wide) == [tuple(row)]
    with tempfile.TemporaryDirectory() as folder:
        columns = {"site_id": site, "hour_start": hour, "patients": count}
        long = Source(
            profile=Profile.HOURLY,
            tables={"hourly_count": table},
            columns={"hourly_count": columns},
            hourly=Hourly(measures={"ed_arrivals": measure}),
        )
        told = written(folder, table, [site, hour, count, "unit_id", "measure"], [*row, "ed", measure])
        assert arrivals(told, long) == [tuple(row)]


@pytest.mark.parametrize(
    ("tables", "columns", "said"),
    [
        (
            {"ed_visit": "x"},
            {},
            r"source\.tables\.ed_visit .* nothing of profile hourly; allowed: ed_arrivals",
        ),
        ({}, {"ed_visit": {"site_id": "x"}}, r"source\.columns\.ed_visit .* nothing of profile hourly"),
        ({"bed_census_hourly": "no.such"}, {}, r"no table 'no\.such'.*source\.tables\.bed_census_hourly"),
        (
            {"bed_census_hourly": "ed_arrivals_hourly"},
            {"bed_census_hourly": {"staffed_beds": "beds"}},
            r"(?s)no column 'unit_id'",
        ),
    ],
)
def test_a_mapping_that_leads_nowhere_is_refused_with_its_key(
    tmp_path: Path, tables: dict[str, str], columns: dict[str, dict[str, str]], said: str
) -> None:
    row: list[object] = ["north", "2026-03-20 07:00:00", 5]
    url = written(str(tmp_path), "ed_arrivals_hourly", ["site_id", "hour_start", "arrivals"], row)
    with pytest.raises(SourceContractBroken, match=said):
        arrivals(url, Source(profile=Profile.HOURLY, tables=tables, columns=columns))


def test_a_time_with_an_offset_in_sqlite_is_refused(tmp_path: Path) -> None:
    row: list[object] = ["north", "2026-03-20 07:00:00-05:00", 5]
    url = written(str(tmp_path), "ed_arrivals_hourly", ["site_id", "hour_start", "arrivals"], row)
    with pytest.raises(SourceContractBroken, match="without an offset"):
        arrivals(url, Source(profile=Profile.HOURLY))
