"""The source's tables, against those of the night before."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from typing import Any

import pandas as pd

from forecasting.schema import SOURCE_COLUMN, Severity
from forecasting.validate.suite import Check, Sentence, Suite, expect


def source_column_suite(drift: pd.DataFrame) -> Suite:
    """Columns stay what they are; rows of :func:`~forecasting.validate.source_drift.source_drift`.

    A column without which nothing can be counted has stopped the night before this, with its name.
    """
    kept = drift.loc[~drift["drift"].isin(["gone", "renamed"]), "table_name"]
    lost_tables = set(drift["table_name"]) - set(kept)
    return Suite(
        SOURCE_COLUMN.name,
        drift,
        (
            _check(
                "column_is_still_there",
                ["gone", "renamed"],
                lambda failed: " ".join(_gone(failed, lost_tables)),
            ),
            _check(
                "column_keeps_its_type",
                ["retyped"],
                lambda failed: " ".join(
                    f"{_column(row)} was {row['was']} and is {row['column_type']}{_reading(row)}."
                    for row in failed.to_dict("records")
                ),
            ),
            _check(
                "column_is_not_new",
                ["new"],
                lambda failed: " ".join(
                    f"{_column(row)} is new{_reading(row)}." for row in failed.to_dict("records")
                ),
            ),
        ),
    )


def _check(name: str, drifts: list[str], says: Sentence) -> Check:
    expectation = expect("column_values_to_not_be_in_set", column="drift", value_set=drifts)
    return Check(name, Severity.WARN, expectation, says, "drift")


def _gone(failed: pd.DataFrame, lost_tables: set[str]) -> Iterator[str]:
    for table in sorted(lost_tables):
        yield f"Table {table} is gone; the night goes on as if there never was one."
    for row in failed[~failed["table_name"].isin(lost_tables)].to_dict("records"):
        says = f"{_column(row)} is gone"
        says += f" and {row['instead']!r} is new: renamed?" if row["instead"] else "."
        if row["read_as"]:
            key = f"source.columns.{row['table_name']}.{row['read_as']}"
            says += f" {row['read_as']} is missing now; map it: {key}."
        yield says


def _column(row: Mapping[Hashable, Any]) -> str:
    return f"Column {row['column_name']!r} of {row['table_name']}"


def _reading(row: Mapping[Hashable, Any]) -> str:
    return f", read as {row['read_as']}" if row["read_as"] else "; it is not read"
