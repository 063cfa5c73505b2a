"""Units that have closed, opened, been renamed or merged."""

from __future__ import annotations

import pandas as pd

from forecasting.config import Site
from forecasting.schema import OBSERVATION, Severity
from forecasting.validate.suite import Check, Suite, expect

MINUTE = "%Y-%m-%d %H:%M"


def unit_change_suite(changes: pd.DataFrame, site: Site) -> Suite:
    """Each unit goes on having patients, and had them before; see :mod:`forecasting.validate.unit_change`."""
    configured = {unit.unit_id for unit in site.units}
    return Suite(
        f"{OBSERVATION.name}.unit",
        changes.assign(opened=changes["opened_at"].notna().astype(int)),
        (
            Check(
                "unit_is_open",
                Severity.WARN,
                expect("column_values_to_be_between", column="empty_hours", max_value=0),
                lambda failed: " ".join(
                    f"Unit {row['unit_id']!r} has had no patient, or no row, since "
                    f"{row['empty_since']:{MINUTE}} UTC; {row['usual']:.0f} were usual. "
                    f"{_whither(row['taken_in_by'], row['gained'], configured)}"
                    for row in failed.to_dict("records")
                ),
                "unit_id",
            ),
            Check(
                "unit_is_not_new",
                Severity.WARN,
                expect("column_values_to_be_between", column="opened", max_value=0),
                lambda failed: " ".join(
                    f"Unit {row['unit_id']!r} has patients since {row['opened_at']:{MINUTE}} UTC only: "
                    "opened then, or called otherwise before? Its forecast is unsure for some weeks."
                    for row in failed.to_dict("records")
                ),
                "unit_id",
            ),
        ),
    )


def _whither(taken_in_by: str, gained: float, configured: set[str]) -> str:
    """Where the patients of an empty unit may be, and what to do about it."""
    if not taken_in_by:
        return "Closed (take it out of hospital.toml), or called otherwise now (units.source_id)?"
    more = f"Unit {taken_in_by!r} has {gained:.0f} more since then"
    if taken_in_by in configured:
        return f"{more}: merged into it? Then take the empty one out of hospital.toml."
    return f"{more} and is not in hospital.toml: renamed? Then say so there: units.source_id."
