"""What profile ``adt`` asks of a source, and under which names this source has it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeEngine

from forecasting.config import Source
from forecasting.extract.errors import SourceContractBroken

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "ed_visit": ("visit_id", "site_id", "arrived_at", "departed_at"),
    "bed_stay": ("stay_id", "site_id", "unit_id", "bed_from", "bed_to"),
    "unit": ("site_id", "unit_id", "unit_type", "staffed_beds"),
    "scheduled_shift": ("site_id", "unit_id", "role", "shift_start", "shift_end", "heads"),
}
TIMES = frozenset({"arrived_at", "departed_at", "bed_from", "bed_to", "shift_start", "shift_end"})
OPTIONAL = frozenset({"scheduled_shift"})
SHOWN_NAMES = 40


@dataclass(frozen=True)
class SourceTable:
    """One table of the profile, as the source names it."""

    name: str
    """The profile's name."""
    actual: str
    """The source's name, quoted and with its schema."""
    columns: Mapping[str, str]
    """The profile's column names, each with the source's, quoted."""

    @property
    def relation(self) -> str:
        """What stands after FROM: the table itself, or a subquery with the profile's column names."""
        if all(ours == theirs for ours, theirs in self.columns.items()):
            return self.actual
        chosen = ", ".join(f"{theirs} AS {ours}" for ours, theirs in self.columns.items())
        return f"(SELECT {chosen} FROM {self.actual}) AS {self.name}"  # noqa: S608  (names from the database)


def resolve(connection: sa.Connection, source: Source) -> dict[str, SourceTable]:
    """The profile's tables that the source has, by the profile's name.

    Raises:
        SourceContractBroken: a table or column is missing, or a time is not stored as one.
    """
    _refuse_unknown_names(source)
    tables = {}
    for name in COLUMNS:
        table = _table(connection, name, source)
        if table is not None:
            tables[name] = table
    return tables


def _refuse_unknown_names(source: Source) -> None:
    mapped: dict[str, tuple[Collection[str], Collection[str]]] = {
        "source.tables": (source.tables, COLUMNS),
        "source.columns": (source.columns, COLUMNS),
    }
    for name, columns in source.columns.items():
        mapped[f"source.columns.{name}"] = (columns, COLUMNS.get(name, ()))
    for key, (names, allowed) in mapped.items():
        for name in names:
            if name not in allowed:
                raise SourceContractBroken(
                    f"{key}.{name} in hospital.toml names nothing of profile adt; allowed: {_listed(allowed)}"
                )


def _table(connection: sa.Connection, name: str, source: Source) -> SourceTable | None:
    inspector = sa.inspect(connection)
    asked = source.tables.get(name, name)
    schema, _, bare = asked.rpartition(".")
    there = _relations(inspector, schema or None)
    actual = _match(bare, there)
    if actual is None:
        if name in OPTIONAL and name not in source.tables:
            return None
        raise SourceContractBroken(
            f"the source has no table {asked!r}; there are: {_listed(there)}. "
            f"Map it in hospital.toml: source.tables.{name}"
        )
    quote = inspector.dialect.identifier_preparer.quote
    qualified = f"{quote(schema)}.{quote(actual)}" if schema else quote(actual)
    types = {column["name"]: column["type"] for column in inspector.get_columns(actual, schema or None)}
    columns = {ours: _column(ours, types, name, asked, source) for ours in COLUMNS[name]}
    for ours in sorted(TIMES.intersection(columns)):
        theirs = columns[ours]
        if not _is_time(connection, qualified, quote(theirs), types[theirs]):
            raise SourceContractBroken(
                f"column {theirs!r} of table {asked!r} holds no timestamps (in SQLite, 'YYYY-MM-DD HH:MM:SS' "
                f"in UTC); map a view that casts it in hospital.toml: source.tables.{name}"
            )
    return SourceTable(name, qualified, {ours: quote(theirs) for ours, theirs in columns.items()})


def _column(ours: str, there: Collection[str], name: str, asked: str, source: Source) -> str:
    mapped = source.columns.get(name, {}).get(ours, ours)
    actual = _match(mapped, there)
    if actual is None:
        raise SourceContractBroken(
            f"table {asked!r} has no column {mapped!r}; there are: {_listed(there)}. "
            f"Map it in hospital.toml: source.columns.{name}.{ours}"
        )
    return actual


def _is_time(connection: sa.Connection, table: str, column: str, kind: TypeEngine[Any]) -> bool:
    if connection.dialect.name != "sqlite":
        return isinstance(kind, sa.DateTime)
    # SQLite keeps no types: the first rows tell.
    odd = sa.text(
        f"SELECT COUNT(*) FROM (SELECT {column} AS time FROM {table} LIMIT 1000) "  # noqa: S608  (names from the database)
        "WHERE time NOT GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9] [0-9][0-9]:[0-9][0-9]:[0-9][0-9]*'"
    )
    return bool(connection.scalar(odd) == 0)


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
