"""Rows of the source that can't be right, as extraction counted them."""

from __future__ import annotations

import pandas as pd

from forecasting.schema import SOURCE_DEFECT, Severity
from forecasting.validate.suite import Check, Suite, expect
from forecasting.validate.suites.structure import key_check

DEFECTS = {
    "duplicate_id": "repeat an id; each patient is counted once",
    "ends_before_start": "end before they start; they have no census",
    "missing_time": "have no start; they are not counted",
    "missing_unit": "have no unit, or one that hardly any row names; they are not counted",
    "duplicate_hour": "repeat an hour; it is counted once",
    "contradictory_hour": "state other numbers for the same hour; it is taken as missing",
    "aggregate_row": "are totals over units; they are left out",
    "not_a_number": "state no number; the hour is taken as missing",
    "not_whole": "state a fraction of a patient; it is rounded",
    "not_on_the_hour": "have a time that is not on the hour; they are left out",
    "hour_was_twice": "stand for an hour that the clock showed twice; both are taken as missing",
    "hour_never_was": "have a time that the clock never showed; is source.hourly.time_zone right?",
    "once_a_day": "are of a unit that is counted once a day; it has no hours to forecast from",
}


def source_defect_suite(source_defect: pd.DataFrame) -> Suite:
    """The source has none of the known defects."""
    checks = (_check(defect, meaning) for defect, meaning in DEFECTS.items())
    return Suite(SOURCE_DEFECT.name, source_defect, (key_check(SOURCE_DEFECT), *checks))


def _check(defect: str, meaning: str) -> Check:
    return Check(
        f"no_{defect}",
        Severity.WARN,
        expect("column_values_to_not_be_in_set", column="defect", value_set=[defect]),
        lambda failed: f"{failed['source_rows'].sum()} source rows {meaning} ({_per_unit(failed)}).",
        "defect",
        "{defect}",
    )


def _per_unit(failed: pd.DataFrame) -> str:
    rows = failed.groupby("unit_id")["source_rows"].sum()
    return ", ".join(f"{unit_id or 'no unit'}: {count}" for unit_id, count in rows.items())
