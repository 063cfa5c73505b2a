"""A hospital that counts its hours itself: tables of profile ``hourly``."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd


def hours_of(
    issued_at: datetime, days: int = 60, zone: ZoneInfo | None = None, seed: int = 1
) -> dict[str, pd.DataFrame]:
    """Arrivals and census of north, busy enough that an hour of silence is not by chance."""
    random = np.random.default_rng(seed)
    hours = pd.date_range(issued_at - timedelta(days=days), issued_at + timedelta(days=2), freq="h")
    labels = hours.tz_convert(zone or UTC).tz_localize(None)
    census = {"ed": 12 + random.integers(-4, 5, len(hours)), "icu": 7 + random.integers(-2, 3, len(hours))}
    return {
        "ed_arrivals_hourly": pd.DataFrame(
            {"site_id": "north", "hour_start": labels, "arrivals": random.poisson(6.0, len(hours))}
        ),
        "bed_census_hourly": pd.concat(
            pd.DataFrame(
                {
                    "site_id": "north",
                    "unit_id": unit_id,
                    "hour_start": labels,
                    "occupied_beds": values,
                    "staffed_beds": 14,
                }
            )
            for unit_id, values in census.items()
        ).reset_index(drop=True),
    }
