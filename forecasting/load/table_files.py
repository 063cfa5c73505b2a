"""CSV and Parquet files that hold tables of the ``adt`` profile, under their names or others."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import pandas as pd
import sqlalchemy as sa

from forecasting.adt import DISPOSITIONS, SOURCE_TABLES
from forecasting.load.errors import LoadRefused
from forecasting.load.feed import Feed
from forecasting.load.files import opened_text, unpacked_name
from forecasting.load.identity import Pseudonym
from forecasting.load.moments import EARLIEST, LATEST, RANGE
from forecasting.load.places import Places, site_name
from forecasting.load.plain_text import plain, shown

TABLES = {table.name: table for table in SOURCE_TABLES}
IDS = {"ed_visit": "visit_id", "bed_stay": "stay_id"}
NEEDED = {
    "ed_visit": ("visit_id", "site_id", "arrived_at"),
    "bed_stay": ("stay_id", "site_id", "unit_id", "bed_from"),
    "unit": ("site_id", "unit_id"),
    "scheduled_shift": ("site_id", "unit_id", "role", "shift_start", "shift_end", "heads"),
}
"""What a row must have to be of use; other columns are empty where a file lacks them."""
ENDS = frozenset({"departed_at", "bed_to"})
"""Times that are empty while a stay lasts: one that is there must be readable, or nobody ever leaves."""

SEPARATORS = ",;\t|"
MOST = {"SMALLINT": 2**15 - 1, "INTEGER": 2**31 - 1}
"""What a column of whole numbers can hold, by its type."""
TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?)?"
OFFSET = r"(?:[Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)"
"""How far a time is from UTC: as PostgreSQL writes it, without minutes, too."""
BEFORE_OFFSET = rf"\s+(?={OFFSET}$)"
"""SQL Server writes a blank there."""
_OF_A_PART = re.compile(r"(?:[.\-]|_?[0-9]).*")
"""What follows a table's name where it comes in several files: a date, a number."""
FORMAT = "written as 2026-03-01 14:05, with an offset such as +01:00 if need be"


def read_table(
    path: Path,
    columns: Mapping[str, Mapping[str, str]],
    places: Places,
    time_zone: ZoneInfo | Literal["site"],
    pseudonym: Pseudonym,
) -> Feed:
    """The rows of a file that is called like its table: ``ed_visit.csv``, ``bed_stay_2026-03.csv.gz``.

    Args:
        path: the file.
        columns: by table, what the file calls our columns; our own name where nothing is said.
        places: rows of other sites are left out.
        time_zone: of times without an offset; of the hour that autumn has twice, the first is meant.
        pseudonym: names visits and stays.

    Raises:
        LoadRefused: the file has the name of no table, can't be read, or lacks a column.
    """
    table = TABLES.get(_table_name(path))
    if table is None:
        raise LoadRefused(
            f"{path}: no table is called {unpacked_name(path).stem!r}; rename it to one of "
            f"{', '.join(TABLES)}; a number, or what a dot or a dash parts from it, may follow"
        )
    feed = Feed()
    frame = _of_our_sites(_renamed(_file(path), table, columns, path), places, feed, path)
    zones = _zones(frame, places, time_zone)
    typed = pd.DataFrame({column.name: _typed(frame[column.name], column, zones) for column in table.columns})
    frame = _readable(typed, frame, table, feed, path)
    for name in ENDS.intersection(frame):
        # An end in 9999 says that there was none yet.
        frame[name] = frame[name].where(frame[name] < LATEST)
    if "disposition" in frame:
        # Nobody reads free text, in which anything may stand.
        frame["disposition"] = frame["disposition"].where(frame["disposition"].isin(DISPOSITIONS))
    if table.name in IDS:
        of = IDS[table.name]
        frame[of] = [
            pseudonym.of(*parts) for parts in zip(frame["site_id"], frame[of].astype(str), strict=True)
        ]
    feed.tables.append((table.name, frame))
    feed.told.read[f"{table.name} rows"] = len(frame)
    return feed


def _table_name(path: Path) -> str:
    """What a file's name says of its table, without what says which part of it."""
    return _OF_A_PART.sub("", unpacked_name(path).stem)


def _renamed(
    told: pd.DataFrame, table: sa.Table, columns: Mapping[str, Mapping[str, str]], path: Path
) -> pd.DataFrame:
    """The table's columns, under our names; those that the file lacks are empty."""
    theirs = {
        name: columns.get(table.name, {}).get(name, name)
        for name in (column.name for column in table.columns)
    }
    there = list(told.columns)
    lacking = [theirs[name] for name in NEEDED[table.name] if theirs[name] not in there]
    if lacking:
        raise LoadRefused(
            f"{path}: no column {', '.join(map(repr, lacking))} among {', '.join(map(repr, there))}; "
            f"say which it is with --column {table.name}.OURS=THEIRS"
        )
    twice = sorted({name for name in theirs.values() if there.count(name) > 1})
    if twice:
        raise LoadRefused(
            f"{path}: column {', '.join(map(repr, twice))} stands more than once; name each anew"
        )
    return pd.DataFrame({name: told.get(of) for name, of in theirs.items()}, index=told.index)


def _file(path: Path) -> pd.DataFrame:
    ending = unpacked_name(path).suffix.lower()
    try:
        return _parquet(path) if ending == ".parquet" else _csv(path)
    except (OSError, ValueError, OverflowError, NotImplementedError, pd.errors.ParserWarning) as error:
        hint = "; write it in UTF-8" if isinstance(error, UnicodeError) else ""
        raise LoadRefused(f"{path}: can't be read as {ending[1:]}: {error}{hint}") from error


def _csv(path: Path) -> pd.DataFrame:
    with opened_text(path, errors="strict") as file:
        head = file.readline()
    with opened_text(path, errors="strict", newline="") as file, warnings.catch_warnings():
        # That rows have more cells than there are names is no mere warning.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        # Without index_col=False a comma at the end of each row would move all names by a column.
        return pd.read_csv(
            file,
            sep=max(SEPARATORS, key=head.count),
            dtype="string",
            index_col=False,
            skipinitialspace=True,
        )


def _parquet(path: Path) -> pd.DataFrame:
    import pyarrow as pa
    from pyarrow import parquet

    table = parquet.read_table(path)
    for place, column in enumerate(table.schema):
        if pa.types.is_nested(column.type):
            raise ValueError(f"column {column.name!r} is of type {column.type}; write it flat")
        if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
            table = table.set_column(place, column.name, table.column(place).cast(pa.string()))
    frame: pd.DataFrame = table.to_pandas(ignore_metadata=True)
    return frame


def _of_our_sites(frame: pd.DataFrame, places: Places, feed: Feed, path: Path) -> pd.DataFrame:
    told = frame["site_id"].astype("string").fillna("").map(plain)
    sites = {name: places.site((name,)) for name in told.unique()}
    for name, site in sites.items():
        if site is None:
            of_site = told == name
            why = f"rows of site {shown(name)}, which is no site's source_id"
            feed.told.leave_out(why, _row(path, of_site), int(of_site.sum()))
    ours = {name: site_name(site) for name, site in sites.items() if site is not None}
    return frame.assign(site_id=told.map(ours))[told.isin(ours)]


def _typed(told: pd.Series, column: sa.Column[object], zones: pd.Series) -> pd.Series:
    """The values of a column as its type has them; missing where they can't be read as that."""
    if isinstance(column.type, sa.DateTime):
        return _utc(told, zones)
    if isinstance(column.type, sa.Integer):
        return _whole_numbers(told, MOST[str(column.type)])
    texts: pd.Series = told.astype("string").map(plain, na_action="ignore")
    return texts.mask(texts.eq("").fillna(False))


def _readable(
    typed: pd.DataFrame, told: pd.DataFrame, table: sa.Table, feed: Feed, path: Path
) -> pd.DataFrame:
    """The rows that are of use; each other one is counted with the first of its faults."""
    left = pd.Series(True, index=typed.index)
    for column in table.columns:
        faulty = left & ~_of_use(typed[column.name], told[column.name], table.name, column.name)
        if faulty.any():
            feed.told.leave_out(_why(table.name, column), _row(path, faulty), int(faulty.sum()))
        left &= ~faulty
    return typed[left].reset_index(drop=True)


def _row(path: Path, rows: pd.Series) -> str:
    """Where the first of some rows stands."""
    return f"{path}, row {1 + int(rows[rows].index.to_numpy()[0])}"


def _of_use(read: pd.Series, told: pd.Series, table: str, column: str) -> pd.Series:
    """Whether each row has of a column what it must have."""
    if column in ENDS:
        stated = told.notna() & told.astype("string").str.strip().ne("")
        return read.notna() | ~stated
    if column not in NEEDED[table]:
        return pd.Series(True, index=read.index)
    if isinstance(read.dtype, pd.DatetimeTZDtype):
        return read.lt(LATEST)
    return read.notna()


def _why(table: str, column: sa.Column[object]) -> str:
    if isinstance(column.type, sa.DateTime):
        return f"{table} rows whose {column.name} can't be read ({FORMAT}) or lies {RANGE}"
    return f"{table} rows whose {column.name} can't be read"


def _whole_numbers(told: pd.Series, most: int) -> pd.Series:
    numbers = pd.to_numeric(told.astype("string"), errors="coerce").astype("Float64").round()
    return numbers.where(numbers.abs().le(most)).astype("Int64")


def _zones(frame: pd.DataFrame, places: Places, time_zone: ZoneInfo | Literal["site"]) -> pd.Series:
    if time_zone != "site":
        return pd.Series(time_zone.key, index=frame.index)
    zones = {site_name(site): site.time_zone for site in places.sites}
    return frame["site_id"].map(zones)


def _utc(told: pd.Series, zones: pd.Series) -> pd.Series:
    """Times in UTC; those without an offset are on their row's clock, of two the first.

    A time before the first that there can be is none, one after the last is the last.
    """
    if isinstance(told.dtype, pd.DatetimeTZDtype):
        return _in_range(told.dt.as_unit("us").dt.tz_convert("UTC"))
    instants = pd.Series(pd.NaT, index=told.index, dtype="datetime64[us, UTC]")
    if not pd.api.types.is_datetime64_dtype(told):
        told = told.astype("string").str.strip().str.replace(BEFORE_OFFSET, "", regex=True)
        stated = told.str.fullmatch(TIME + OFFSET, na=False)
        instants[stated] = pd.to_datetime(told[stated], utc=True, format="ISO8601", errors="coerce")
        local = told.where(told.str.fullmatch(TIME, na=False))
        told = pd.to_datetime(local, format="ISO8601", errors="coerce")
    local_times = _in_range(told.dt.as_unit("us").dt.tz_localize("UTC")).dt.tz_localize(None)
    for zone, local in local_times.dropna().groupby(zones):
        first = [True] * len(local)
        clock = local.dt.tz_localize(str(zone), ambiguous=first, nonexistent="shift_forward")
        instants[local.index] = clock.dt.tz_convert("UTC")
    return _in_range(instants)


def _in_range(times: pd.Series) -> pd.Series:
    no_earlier = times.where(times >= EARLIEST)
    return no_earlier.mask(no_earlier > LATEST, pd.Timestamp(LATEST))
