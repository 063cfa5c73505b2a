"""What a profile asks of a source, and under which names this source has it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeEngine

from forecasting.config import Source
from forecasting.extract.errors import SourceContractBroken
from forecasting.extract.shape import (
    BED_CENSUS_HOURLY,
    BESIDE,
    ED_ARRIVALS_HOURLY,
    HOURLY_COUNT,
    IDENTIFIERS,
    SHAPES,
    TIMES,
    Shape,
)
from forecasting.profile import Profile
from forecasting.schema import Target

SHOWN_NAMES = 40
MEASURED = {
    ED_ARRIVALS_HOURLY: (Target.ED_ARRIVALS, {"site_id": "site_id", "arrivals": "patients"}),
    BED_CENSUS_HOURLY: (
        Target.BED_CENSUS,
        {"site_id": "site_id", "unit_id": "unit_id", "occupied_beds": "patients"},
    ),
}
"""Tables that a long one stands for: the target that it measures, and their columns as the long one's."""
ABSENT = "CAST(NULL AS INTEGER)"
ABSENT_TIME = "CAST(NULL AS TIMESTAMP)"


@dataclass(frozen=True)
class SourceTable:
    """One table of the profile, as the source names it."""

    name: str
    """The profile's name."""
    actual: str
    """The source's name, quoted and with its schema."""
    columns: Mapping[str, str]
    """The profile's column names, each with the source's, quoted."""
    condition: str = ""
    """Which rows of it are meant; empty for all."""
    knows_offset: bool = False
    """Whether its times are moments, told with their offset, whatever clock was configured."""
    types: Mapping[str, str] = field(default_factory=dict)
    """Every column that the source's table has, read or not, with its type in the database's words."""
    read_as: Mapping[str, str] = field(default_factory=dict)
    """Those that are read, each with the profile's name of it."""

    @property
    def relation(self) -> str:
        """What stands after FROM: the table itself, or a subquery with the profile's column names."""
        if not self.condition and all(theirs in (ours, f'"{ours}"') for ours, theirs in self.columns.items()):
            return self.actual
        chosen = ", ".join(f"{theirs} AS {ours}" for ours, theirs in self.columns.items())
        where = f" WHERE {self.condition}" if self.condition else ""
        return f"(SELECT {chosen} FROM {self.actual}{where}) AS {self.name}"  # noqa: S608  (names from the database)


def resolve(connection: sa.Connection, source: Source) -> dict[str, SourceTable]:
    """The profile's tables that the source has, by the profile's name.

    Raises:
        SourceContractBroken: tables or columns are missing, or a time is not stored as one; all are named.
    """
    shape = SHAPES[source.profile]
    _refuse_unknown_names(source, shape)
    tables, faults = {}, []
    for name in shape.columns:
        try:
            table = _table(connection, name, source, shape)
        except SourceContractBroken as fault:
            faults.append(str(fault))
            continue
        if table is not None:
            tables[name] = table
    if faults:
        raise SourceContractBroken("\n".join(faults))
    return _with_hours(connection, tables, source) if source.profile is Profile.HOURLY else tables


def resolve_beside(connection: sa.Connection, source: Source, name: str) -> SourceTable:
    """A table of :data:`~forecasting.extract.shape.BESIDE`, as the source names it.

    Raises:
        SourceContractBroken: the source lacks it or one of its columns, or a time is not stored as one.
    """
    table = _table(connection, name, source, BESIDE)
    if table is None:
        raise SourceContractBroken(f"the source has no table {name!r}")
    return table


def _refuse_unknown_names(source: Source, shape: Shape) -> None:
    mappable = {**shape.mappable, **BESIDE.mappable}
    mapped: dict[str, tuple[Collection[str], Collection[str]]] = {
        "source.tables": (source.tables, mappable),
        "source.columns": (source.columns, mappable),
    }
    for name, columns in source.columns.items():
        mapped[f"source.columns.{name}"] = (columns, mappable.get(name, ()))
    for key, (names, allowed) in mapped.items():
        for name in names:
            if name not in allowed:
                raise SourceContractBroken(
                    f"{key}.{name} in hospital.toml names nothing of profile {source.profile}; "
                    f"allowed: {_listed(allowed)}"
                )


def _table(connection: sa.Connection, name: str, source: Source, shape: Shape) -> SourceTable | None:
    inspector = sa.inspect(connection)
    asked = source.tables.get(name, name)
    schema, _, bare = asked.rpartition(".")
    there = _relations(inspector, schema or None)
    actual = _match(bare, there)
    if actual is None:
        if name in shape.optional and name not in source.tables:
            return None
        raise SourceContractBroken(
            f"the source has no table {asked!r}; there are: {_listed(there)}. "
            f"Map it in hospital.toml: source.tables.{name}"
        )
    qualified = ".".join(_quoted(inspector, part) for part in (schema, actual) if part)
    types = {column["name"]: column["type"] for column in inspector.get_columns(actual, schema or None)}
    optional = shape.optional_columns.get(name, ())
    there_too = [
        ours for ours in optional if ours in source.columns.get(name, {}) or _match(ours, types) is not None
    ]
    columns = _columns([*shape.columns[name], *there_too], types, name, asked, source)
    times = sorted(TIMES.intersection(columns))
    for ours in times:
        _refuse_no_time(connection, qualified, columns[ours], types[columns[ours]], asked, name)
    spelt = {
        ours: _as_text(_quoted(inspector, theirs), types[theirs])
        if ours in IDENTIFIERS
        else _quoted(inspector, theirs)
        for ours, theirs in columns.items()
    }
    for ours in optional:
        spelt.setdefault(ours, ABSENT_TIME if ours in TIMES else ABSENT)
    knows_offset = all(getattr(types[columns[ours]], "timezone", False) for ours in times)
    return SourceTable(
        name,
        qualified,
        spelt,
        knows_offset=bool(times) and knows_offset,
        types={theirs: _in_words(kind, connection.dialect) for theirs, kind in types.items()},
        read_as={theirs: ours for ours, theirs in columns.items()},
    )


def _with_hours(
    connection: sa.Connection, tables: dict[str, SourceTable], source: Source
) -> dict[str, SourceTable]:
    """A table of hours for each target that the source can tell; a long one stands for those it lacks."""
    long = tables.pop(HOURLY_COUNT, None)
    if long is not None:
        for name, (target, columns) in MEASURED.items():
            tables.setdefault(name, _measured(long, name, target, columns, source))
    if not MEASURED.keys() & tables.keys():
        there = _listed(_relations(sa.inspect(connection), None))
        raise SourceContractBroken(
            f"the source has no table {ED_ARRIVALS_HOURLY!r}, {BED_CENSUS_HOURLY!r} or {HOURLY_COUNT!r}; "
            f"there are: {there}. Map one in hospital.toml: source.tables.{ED_ARRIVALS_HOURLY}, "
            f"source.tables.{BED_CENSUS_HOURLY} or source.tables.{HOURLY_COUNT}"
        )
    return tables


def _measured(
    long: SourceTable, name: str, target: Target, columns: Mapping[str, str], source: Source
) -> SourceTable:
    chosen = {ours: long.columns[theirs] for ours, theirs in columns.items()}
    chosen["hour_start"] = long.columns["hour_start"]
    if target is Target.BED_CENSUS:
        chosen["staffed_beds"] = ABSENT
    measure = source.hourly.measures.get(target.value, target.value).replace("'", "''")
    condition = f"{long.columns['measure']} = '{escaped(measure)}'"
    return replace(long, name=name, columns=chosen, condition=condition)


def _columns(
    wanted: Collection[str], types: Mapping[str, TypeEngine[Any]], name: str, asked: str, source: Source
) -> dict[str, str]:
    """The source's name of each column.

    Raises:
        SourceContractBroken: some are not there; each is named, and what it may be called now.
    """
    mapped = {ours: source.columns.get(name, {}).get(ours, ours) for ours in wanted}
    found = {ours: _match(theirs, types) for ours, theirs in mapped.items()}
    there = {ours: actual for ours, actual in found.items() if actual is not None}
    gone = [
        f"table {asked!r} has no column {theirs!r}; there are: {_listed(types)}. "
        f"Map it in hospital.toml: source.columns.{name}.{ours}{_likely(ours, theirs, types, there.values())}"
        for ours, theirs in mapped.items()
        if ours not in there
    ]
    if gone:
        raise SourceContractBroken("\n".join(gone))
    return there


def _likely(ours: str, wanted: str, types: Mapping[str, TypeEngine[Any]], read: Collection[str]) -> str:
    """What a missing column may be called now: something like it, or the table's only other time."""
    others = {name.casefold(): name for name in types if name not in read}
    likely = [others[alike] for alike in get_close_matches(wanted.casefold(), others, n=1)]
    if not likely and ours in TIMES:
        likely = [name for name in others.values() if isinstance(types[name], sa.DateTime)]
    return f" (to {likely[0]!r}?)" if len(likely) == 1 else ""


def _refuse_no_time(
    connection: sa.Connection, table: str, column: str, kind: TypeEngine[Any], asked: str, name: str
) -> None:
    quoted = _quoted(sa.inspect(connection), column)
    if connection.dialect.name == "sqlite":
        # SQLite keeps no types: the first rows tell.
        first = f"SELECT {quoted} AS time FROM {table} LIMIT 1000"  # noqa: S608  (names from the database)
        counts = f"SELECT SUM(NOT {_SQLITE_TIME}), SUM({_SQLITE_DATE}), COUNT(time) FROM ({first})"  # noqa: S608
        odd, dates, rows = connection.execute(sa.text(counts)).one()
        is_time, is_date = not odd, bool(rows) and dates == rows
    else:
        is_time, is_date = isinstance(kind, sa.DateTime), isinstance(kind, sa.Date)
    if is_date:
        raise SourceContractBroken(
            f"column {column!r} of table {asked!r} holds dates without a time of day: daily data can't be "
            f"read, a row an hour (or an event) is needed; map another in hospital.toml: source.tables.{name}"
        )
    if not is_time:
        raise SourceContractBroken(
            f"column {column!r} of table {asked!r} holds no timestamps (in SQLite, 'YYYY-MM-DD HH:MM:SS' "
            f"without an offset); map a view that casts it in hospital.toml: source.tables.{name}"
        )


_SQLITE_DATE = "time GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'"
_SQLITE_TIME = (
    "(time GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9] [0-9][0-9]:[0-9][0-9]:[0-9][0-9]*' "
    "AND substr(time, 20) NOT GLOB '*[^0-9.]*')"
)


def _quoted(inspector: sa.Inspector, name: str) -> str:
    """The name as it stands in a query's text: in quotes, for every database has words that are no names."""
    quote = inspector.dialect.identifier_preparer.quote_identifier
    quoted = quote(name)
    # Some drivers' names have their per cent signs doubled here, and a query's text once more.
    return escaped(quoted.replace("%%", "%") if "%%" in quote("%") else quoted)


def escaped(text: str) -> str:
    """A query's text with colons that begin no bind."""
    return text.replace(":", r"\:")


def _in_words(kind: TypeEngine[Any], dialect: sa.Dialect) -> str:
    try:
        return kind.compile(dialect)
    except sa.exc.CompileError:
        return "unknown"


def _as_text(column: str, kind: TypeEngine[Any]) -> str:
    return f"CAST({column} AS VARCHAR(255))" if isinstance(kind, sa.Integer | sa.Numeric) else column


def _relations(inspector: sa.Inspector, schema: str | None) -> list[str]:
    try:
        found = [*inspector.get_table_names(schema), *inspector.get_view_names(schema)]
        if inspector.dialect.name == "postgresql":
            found += inspector.get_materialized_view_names(schema)
    except sa.exc.OperationalError:
        # SQLite's word for a schema that isn't attached.
        return []
    return sorted(found)


def _match(name: str, there: Collection[str]) -> str | None:
    """The name as the database spells it: databases disagree on the case of unquoted names."""
    if name in there:
        return name
    alike = [other for other in there if other.casefold() == name.casefold()]
    return alike[0] if len(alike) == 1 else None


def _listed(names: Collection[str]) -> str:
    shown = ", ".join(list(names)[:SHOWN_NAMES]) or "none"
    return shown if len(names) <= SHOWN_NAMES else f"{shown} and {len(names) - SHOWN_NAMES} more"
