"""The profile's ``.sql`` files, rendered for one source."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from types import MappingProxyType

import sqlalchemy as sa

import forecasting
from forecasting.extract.contract import SourceTable, escaped
from forecasting.profile import Profile
from forecasting.schema import ELAPSED_HOURS

_PLACEHOLDER = re.compile(r"\{(\w+)(?::(\w+))?\}")
_COMMENT = re.compile(r"--.*")
NEVER_HOURS = 10_000_000

NEUTRAL = "neutral"
"""A dialect of no database: what each spells in its own way stays a function, for others to spell."""

# SQLite's times are text, 'YYYY-MM-DD HH:MM:SS' with or without a fraction; minutes begin at character 15.
_HOUR_OF = {
    "postgresql": "date_trunc('hour', {0})",
    "sqlite": "substr({0}, 1, 13) || ':00:00'",
}
_FIRST_HOUR_FROM = {
    "postgresql": "date_trunc('hour', {0} - INTERVAL '1 microsecond') + INTERVAL '1 hour'",
    "sqlite": (
        "CASE WHEN substr({0}, 15) <= '00:00.000000' THEN substr({0}, 1, 13) || ':00:00' "
        "ELSE strftime('%Y-%m-%d %H:00:00', substr({0}, 1, 19), '+1 hour') END"
    ),
}
# The same hour as a number: whole hours since 1970-01-01 00:00 UTC.
_HOUR_NUMBER_FROM = {
    # Of PostgreSQL's infinity there is no number.
    "postgresql": "CASE WHEN isfinite({0}) THEN CAST(CEIL(EXTRACT(EPOCH FROM {0}) / 3600) AS INTEGER) END",
    "sqlite": (
        "(CAST(strftime('%s', substr({0}, 1, 19)) AS INTEGER) + (substr({0}, 20) > '.000000') + 3599) / 3600"
    ),
}
_ON_THE_HOUR = {
    "postgresql": "CAST({0} = date_trunc('hour', {0}) AS INTEGER)",
    "sqlite": "(substr({0}, 15) <= '00:00.000000')",
}
# What a cell states as a number, whatever its column's type; missing where it is none.
_NUMBER = {
    "postgresql": (
        "CASE WHEN CAST({0} AS TEXT) ~ '^ *-?[0-9]{{1,12}}([.][0-9]*)? *$' "
        "THEN CAST(CAST({0} AS TEXT) AS NUMERIC) END"
    ),
    "sqlite": (
        "CASE WHEN typeof({0}) = 'integer' OR typeof({0}) = 'real' AND abs({0}) < 1e12 THEN {0} "
        "WHEN trim({0}) GLOB '*[0-9]*' AND trim({0}) NOT GLOB '*[^0-9.-]*' AND trim({0}) NOT GLOB '?*-*' "
        "AND trim({0}) NOT GLOB '*.*.*' AND length({0}) < 16 THEN CAST({0} AS REAL) END"
    ),
}
_FUNCTIONS = {
    "number": _NUMBER,
    "hour_of": _HOUR_OF,
    "first_hour_from": _FIRST_HOUR_FROM,
    "hour_number_from": _HOUR_NUMBER_FROM,
    "on_the_hour": _ON_THE_HOUR,
}
_LISTED = {
    "span": ("since_hour", "until_hour", "begins_strictly", "ends_strictly"),
    "asked": ("hour_number", "strictly"),
    "clock": ("since_hour", "until_hour", "hours_ahead"),
    "ed_visit_concept": ("concept_id",),
    "ed_admission_concept": ("concept_id",),
    "stay_limit": ("unit_id", "longest_hours"),
}
"""Columns of the tables that are given with the question."""

Row = tuple[int | str, ...]
Lists = Mapping[str, Sequence[Row]]
"""Rows of whole numbers and names, by table of :data:`_LISTED`."""
NO_LISTS: Lists = MappingProxyType({})


def query(
    profile: Profile, name: str, tables: Mapping[str, SourceTable], dialect: str, lists: Lists = NO_LISTS
) -> sa.TextClause:
    """The query of ``sql/extract/<profile>/<name>.sql`` in a dialect, over a source's own names.

    A profile whose events are counted asks the questions of ``adt`` where it has none of its own. A word that
    is no table of the source is a query, read as a table.
    """
    return sa.text(rendered(profile, name, tables, dialect, lists))


def questions_of(profile: Profile) -> list[str]:
    """The names of the queries that a profile asks: its own, and those of ``adt`` that it shares."""
    folders = {profile, Profile.ADT} if profile.counts_events else {profile}
    return sorted(
        {file.stem for folder in folders for file in (_folder() / "extract" / folder).glob("*.sql")}
    )


def rendered(
    profile: Profile, name: str, tables: Mapping[str, SourceTable], dialect: str, lists: Lists
) -> str:
    """The text of a query; see :func:`query`."""

    def filled_in(match: re.Match[str]) -> str:
        word, column = match.groups()
        if column is not None:
            return f"{word}({column})" if dialect == NEUTRAL else _FUNCTIONS[word][dialect].format(column)
        if word == "elapsed_bin":
            return f"({_elapsed_bins()}) AS {word}"
        if word in _LISTED:
            return f"({_listed(_LISTED[word], lists[word], dialect)}) AS {word}"
        if word not in tables:
            return f"({rendered(profile, word, tables, dialect, lists)}) AS {word}"
        return tables[word].relation

    return _PLACEHOLDER.sub(filled_in, _COMMENT.sub("", _text(profile, name)))


def _elapsed_bins() -> str:
    """The bins of hours since a patient took the bed, a row each; the last one never ends."""
    ends = (*ELAPSED_HOURS[1:], NEVER_HOURS)
    return " UNION ALL ".join(
        f"SELECT {begin} AS elapsed_from, {end} AS elapsed_to"
        for begin, end in zip(ELAPSED_HOURS, ends, strict=True)
    )


def _listed(columns: Sequence[str], rows: Sequence[Row], dialect: str) -> str:
    """Rows as a table; SQLite and PostgreSQL call the columns of a list of values column1, column2, ..."""
    if dialect == NEUTRAL:
        return " UNION ALL ".join(
            "SELECT "
            + ", ".join(f"{_literal(value)} AS {name}" for name, value in zip(columns, row, strict=True))
            for row in rows
        )
    named = ", ".join(f"column{place} AS {name}" for place, name in enumerate(columns, 1))
    values = ", ".join(f"({', '.join(escaped(_literal(value)) for value in row)})" for row in rows)
    if not values:
        return f"SELECT {', '.join(f'0 AS {name}' for name in columns)} WHERE 1 = 0"
    return f"SELECT {named} FROM (VALUES {values}) AS listed"  # noqa: S608  (literals)


def _literal(value: int | str) -> str:
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(int(value))


def bound_time(time: datetime, dialect: str) -> datetime | str:
    """A UTC time as the dialect's sources store it: without a zone; in SQLite, text without a fraction."""
    naive = time.replace(tzinfo=None)
    return naive.strftime("%Y-%m-%d %H:%M:%S") if dialect == "sqlite" else naive


@cache
def _text(profile: Profile, name: str) -> str:
    folder = _folder() / "extract"
    own = folder / profile / f"{name}.sql"
    shared = profile.counts_events and not own.is_file()
    return (folder / Profile.ADT / own.name if shared else own).read_text(encoding="utf-8")


def _folder() -> Path:
    package = Path(forecasting.__file__).parent
    installed = package / "sql"
    return installed if installed.is_dir() else package.parent / "sql"
