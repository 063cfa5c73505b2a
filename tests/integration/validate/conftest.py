"""Clean observations of a small site, to be spoilt one way at a time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from forecasting.config import Settings, Site
from forecasting.schema import OBSERVATION, SCHEDULED_SHIFT, SOURCE_DEFECT, UNIT, Target
from forecasting.validate import Verdict, validate

Tables = dict[str, pd.DataFrame]

NIGHT = date(2026, 3, 1)
ISSUED_AT = datetime(2026, 3, 1, 8, tzinfo=UTC)


@pytest.fixture
def site(settings: Settings) -> Site:
    return settings.site("north")


@pytest.fixture
def observe(site: Site) -> Callable[..., pd.DataFrame]:
    """Observations of the days before the issue time, as a source without fault would give them."""

    def observe(days: float, ends: datetime = ISSUED_AT, seed: int = 0) -> pd.DataFrame:
        random = np.random.default_rng(seed)
        count = int(days * 24)
        hours = pd.date_range(ends - timedelta(hours=count), periods=count, freq="h", unit="us")
        daily = 1 - 0.6 * np.cos(2 * np.pi * (hours.hour.to_numpy() - 9) / 24)
        arrivals = random.poisson(4 * daily)
        series = {
            ("ed", Target.ED_ARRIVALS): arrivals,
            ("ed", Target.BED_CENSUS): those_there(arrivals, random),
            ("icu", Target.BED_CENSUS): random.binomial(9, 0.8, count),
        }
        parts = [
            pd.DataFrame({"unit_id": unit_id, "target": str(target), "valid_at": hours, "value": values})
            for (unit_id, target), values in series.items()
        ]
        return OBSERVATION.conform(pd.concat(parts).assign(site_id=site.site_id))

    return observe


def those_there(arrivals: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Patients at each hour's start: of those who were there or came, a quarter leaves in an hour."""
    there = [12]
    for came in arrivals[:-1]:
        there.append(random.binomial(there[-1] + came, 0.75))
    return np.array(there)


@pytest.fixture
def tables(site: Site, observe: Callable[..., pd.DataFrame]) -> Tables:
    """A clean night of three days' look-back."""
    shifts = pd.DataFrame(
        {
            "site_id": site.site_id,
            "unit_id": ["ed", "icu"],
            "role": "registered_nurse",
            "shift_start": pd.Timestamp(ISSUED_AT) + pd.Timedelta(hours=4),
            "shift_end": pd.Timestamp(ISSUED_AT) + pd.Timedelta(hours=16),
            "heads": [5, 4],
        }
    )
    units = pd.DataFrame(
        {
            "site_id": site.site_id,
            "unit_id": ["ed", "icu"],
            "unit_type": ["ed", "icu"],
            "staffed_beds": [30, 10],
        }
    )
    return {
        "observation": observe(3),
        "unit": UNIT.conform(units),
        "scheduled_shift": SCHEDULED_SHIFT.conform(shifts),
        "source_defect": SOURCE_DEFECT.empty(),
    }


@pytest.fixture
def history(observe: Callable[..., pd.DataFrame]) -> pd.DataFrame:
    """Twenty weeks before the night's look-back."""
    return observe(140, ends=ISSUED_AT - timedelta(days=3), seed=1)


@pytest.fixture
def judge_night(site: Site, settings: Settings, history: pd.DataFrame) -> Callable[..., Verdict]:
    """The verdict over tables, with the usual history unless another is given."""

    def judge_night(tables: Tables, known: pd.DataFrame | None = None) -> Verdict:
        return validate(tables, history if known is None else known, site, settings, NIGHT, ISSUED_AT)

    return judge_night
