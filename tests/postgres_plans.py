"""What PostgreSQL did for a query, told by EXPLAIN ANALYZE: what it read, by which index."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa


@dataclass(frozen=True)
class Read:
    """A scan of a table, or of one of its partitions."""

    name: str
    index: str | None
    rows: float


@dataclass(frozen=True)
class Plan:
    """The scans that a query really made."""

    reads: tuple[Read, ...]

    def of(self, table: str) -> set[str]:
        """The partitions of a table in which rows were found; the table itself, where it is whole."""
        partition = re.compile(rf"{table}(_\d{{4}}_\d{{2}}|_default)?")
        return {read.name for read in self.reads if partition.fullmatch(read.name) and read.rows}

    def rows_of(self, table: str) -> float:
        """How many rows of a table were read, of those that were thrown away too."""
        return sum(read.rows for read in self.reads if read.name.startswith(table))

    def without_index(self, *tables: str) -> set[str]:
        """Of these tables, or partitions of them, those read without an index though they hold rows."""
        return {
            read.name
            for read in self.reads
            if read.index is None and read.rows and read.name.startswith(tables)
        }


def plan_of(connection: sa.Connection, statement: str, parameters: Any = None) -> Plan:
    """The plan that one statement was run by."""
    explain = f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}"
    (root,) = connection.exec_driver_sql(explain, parameters).scalar_one()
    return Plan(tuple(_reads(root["Plan"])))


def _reads(node: dict[str, Any]) -> Iterator[Read]:
    if node["Actual Loops"] == 0:
        return
    if "Relation Name" in node:
        index = node.get("Index Name") or ("bitmap" if "Bitmap" in node["Node Type"] else None)
        rows = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
        yield Read(node["Relation Name"], index, rows * node["Actual Loops"])
    for child in node.get("Plans", ()):
        yield from _reads(child)
