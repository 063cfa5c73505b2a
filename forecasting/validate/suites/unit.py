"""The source's nursing units, against the configured ones."""

from __future__ import annotations

import pandas as pd

from forecasting.config import Site
from forecasting.schema import UNIT, Severity
from forecasting.validate.suite import Check, Suite, expect
from forecasting.validate.suites.structure import key_check, known_units_check


def unit_suite(unit: pd.DataFrame, site: Site) -> Suite:
    """Units are configured, all of them are there, of the same type, with a number of staffed beds."""
    types = {one.unit_id: str(one.unit_type) for one in site.units}
    missing = [unit_id for unit_id in types if unit_id not in set(unit["unit_id"])]
    configured = unit["unit_id"].map(types).astype("str")
    return Suite(
        UNIT.name,
        unit.assign(configured_type=configured.where(configured.notna(), unit["unit_type"])),
        (
            key_check(UNIT),
            known_units_check(site),
            Check(
                "configured_units_are_there",
                Severity.WARN,
                expect("column_distinct_values_to_contain_set", column="unit_id", value_set=list(types)),
                lambda _: (
                    f"The source's table unit has no {', '.join(map(repr, missing))}; their beds are taken "
                    "from hospital.toml."
                ),
                "unit_id",
            ),
            Check(
                "unit_type_agrees",
                Severity.WARN,
                expect("column_pair_values_to_be_equal", column_A="unit_type", column_B="configured_type"),
                lambda failed: " ".join(
                    f"Unit {row.unit_id!r} is {row.unit_type} in the source and {row.configured_type} in "
                    "hospital.toml, which holds."
                    for row in failed.itertuples()
                ),
                "unit_type",
            ),
            Check(
                "staffed_beds_are_known",
                Severity.WARN,
                expect("column_values_to_not_be_null", column="staffed_beds"),
                lambda failed: (
                    f"No staffed beds in the source for {_listed(failed)}; taken from hospital.toml."
                ),
                "staffed_beds",
                "no staffed beds",
            ),
            Check(
                "staffed_beds_are_not_negative",
                Severity.WARN,
                expect("column_values_to_be_between", column="staffed_beds", min_value=0),
                lambda failed: (
                    f"Negative staffed beds in the source for {_listed(failed)}; taken from hospital.toml."
                ),
                "staffed_beds",
                "negative staffed beds",
            ),
        ),
    )


def _listed(failed: pd.DataFrame) -> str:
    return ", ".join(f"unit {unit_id!r}" for unit_id in failed["unit_id"])
