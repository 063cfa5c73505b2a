"""Every table has its columns, its types and its key."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pandas as pd
import pyarrow as pa

from forecasting.config import Site
from forecasting.schema import Severity, Table
from forecasting.validate.suite import Check, Suite, expect


def columns_suite(tables: Iterable[tuple[Table, pd.DataFrame]]) -> Suite:
    """Each column of each table is there, has values of its type, and no gap where it belongs to the key."""
    rows = [
        {
            "table": table.name,
            "column": column.name,
            "wanted": str(column.type),
            "found": _found(table, column, frame),
        }
        for table, frame in tables
        for column in table.columns
    ]
    return Suite(
        "columns",
        pd.DataFrame(rows),
        (
            Check(
                "column_has_its_type",
                Severity.BLOCK,
                expect("column_pair_values_to_be_equal", column_A="found", column_B="wanted"),
                lambda failed: (
                    "; ".join(
                        f"{table}.{column} is {found}, {wanted} is needed"
                        for table, column, wanted, found in failed.itertuples(index=False)
                    )
                    + "."
                ),
            ),
        ),
    )


def key_check(table: Table) -> Check:
    """No two rows have the same key."""
    return Check(
        "key_is_unique",
        Severity.BLOCK,
        expect("compound_columns_to_be_unique", column_list=list(table.key)),
        lambda failed: (
            f"{len(failed)} rows of {table.name} share their key ({', '.join(table.key)}) with another."
        ),
    )


def known_units_check(
    site: Site, pools: Iterable[str] = (), patients_of: Callable[[pd.DataFrame], str] = lambda _: ""
) -> Check:
    """Every row is of a unit that is configured, or of one of these float pools.

    Args:
        site: whose units.
        pools: ids of its float pools.
        patients_of: what the rows of an unknown unit say of its patients, in words.
    """

    def says(failed: pd.DataFrame) -> str:
        return " ".join(
            f"Unit {unit_id!r} is not in hospital.toml; its rows are left out{patients_of(rows)}."
            for unit_id, rows in failed.groupby("unit_id")
        )

    return Check(
        "unit_is_known",
        Severity.WARN,
        expect(
            "column_values_to_be_in_set",
            column="unit_id",
            value_set=[*(unit.unit_id for unit in site.units), *pools],
        ),
        says,
        "unit_id",
        "unit {unit_id!r} is not in hospital.toml",
    )


def _found(table: Table, column: pa.Field, frame: pd.DataFrame) -> str:
    if column.name not in frame.columns:
        return "absent"
    gaps = int(frame[column.name].isna().sum())
    if gaps and column.name in table.key:
        return f"missing in {gaps} rows"
    try:
        pa.array(frame[column.name], type=column.type, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return str(frame[column.name].dtype)
    return str(column.type)
