"""Nights on which nothing is wrong, judged: what is said of them for nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pandas as pd

from benchmarks import iowa
from benchmarks.planted.case import clean_year
from benchmarks.planted.hospital import START
from forecasting.config import Settings
from forecasting.profile import Profile
from forecasting.schema import OBSERVATION, SCHEDULED_SHIFT, SOURCE_DEFECT, UNIT
from forecasting.validate import validate

LOOK_BACK = timedelta(days=3)
HISTORY = timedelta(weeks=24)
NIGHTS_APART = timedelta(days=5)


def warned_nights(hours: pd.DataFrame, settings: Settings, nights: Sequence[datetime]) -> pd.Series:
    """The share of some nights on which each expectation failed, hours being as they were.

    Args:
        hours: OBSERVATION rows of the group's one site.
        settings: its configuration.
        nights: issue times.
    """
    site = settings.sites[0]
    units = pd.DataFrame(
        [
            {
                "site_id": site.site_id,
                "unit_id": one.unit_id,
                "unit_type": one.unit_type,
                "staffed_beds": one.beds,
            }
            for one in site.units
        ]
    )
    failed: list[str] = []
    for issued_at in nights:
        known = hours[hours["valid_at"].between(issued_at - HISTORY, issued_at, inclusive="left")]
        tonight = known["valid_at"] >= issued_at - LOOK_BACK
        tables = {
            OBSERVATION.name: known[tonight],
            UNIT.name: UNIT.conform(units),
            SCHEDULED_SHIFT.name: SCHEDULED_SHIFT.empty(),
            SOURCE_DEFECT.name: SOURCE_DEFECT.empty(),
        }
        verdict = validate(tables, known[~tonight], site, settings, issued_at.date(), issued_at)
        failed += verdict.results.loc[~verdict.results["success"], "expectation"].tolist()
    return pd.Series(failed, dtype=str).value_counts() / len(nights)


def quiet_nights(seed: int | None) -> pd.Series:
    """The warnings of a clean simulated year's nights; of the real ED's where no seed is given."""
    if seed is None:
        return warned_nights(iowa.history(), iowa.settings(), iowa.VALIDATION.origins)
    year = clean_year(Profile.HOURLY, seed).year
    count = (year.issued_at - START - HISTORY) // NIGHTS_APART
    return warned_nights(year.hours, year.settings, [year.issued_at - n * NIGHTS_APART for n in range(count)])
