"""Rows of the source that can't be right, as extraction counted them."""

from __future__ import annotations

import pandas as pd

from forecasting.schema import SOURCE_DEFECT, Severity
from forecasting.validate.suite import Check, Suite, expect
from forecasting.validate.suites.structure import key_check

DEFECTS = {
    "duplicate_id": "repeat an id; each patient is counted once",
    "ends_before_start": "end before they start; they have no census",
    "never_ended": (
        "are open for longer than their unit's longest_stay_hours, and counted so long and no longer; "
        "end them in the source, or raise it if they are true; forecasting source check says which limit fits"
    ),
    "too_long": (
        "lasted longer than their unit's longest_stay_hours, and are counted so long and no longer; "
        "if they are true, raise it in hospital.toml"
    ),
    "in_two_beds": (
        "begin while another stay of the same visit goes on; the patient is counted in both beds: "
        "was the first one ended?"
    ),
    "bed_held_twice": (
        "begin in a bed that another stay still holds; both patients are counted: was the first one ended?"
    ),
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


NEVER_ENDED = "never_ended"


def source_defect_suite(source_defect: pd.DataFrame, present: pd.Series) -> Suite:
    """The source has none of the known defects.

    Args:
        source_defect: SOURCE_DEFECT rows.
        present: patients whom the census counts in the last hour, by unit.
    """
    checks = (_check(defect, meaning, present) for defect, meaning in DEFECTS.items())
    return Suite(SOURCE_DEFECT.name, source_defect, (key_check(SOURCE_DEFECT), *checks))


def _check(defect: str, meaning: str, present: pd.Series) -> Check:
    beside = present if defect == NEVER_ENDED else None
    return Check(
        f"no_{defect}",
        Severity.WARN,
        expect("column_values_to_not_be_in_set", column="defect", value_set=[defect]),
        lambda failed: f"{failed['source_rows'].sum()} source rows {meaning} ({_per_unit(failed, beside)}).",
        "defect",
        "{defect}",
    )


def _per_unit(failed: pd.DataFrame, present: pd.Series | None) -> str:
    rows = failed.groupby("unit_id")["source_rows"].sum()
    if present is not None:
        return ", ".join(
            f"{unit_id}: {count} of {count + present.get(unit_id, 0):.0f} open"
            for unit_id, count in rows.items()
        )
    return ", ".join(f"{unit_id or 'no unit'}: {count}" for unit_id, count in rows.items())
