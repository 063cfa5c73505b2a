"""Patients to count: rows of an ``adt`` source, some of them at awkward times."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

Tables = dict[str, pd.DataFrame]


@pytest.fixture
def write_source(database_url: str) -> Callable[[Tables], str]:
    """Writes tables into the test's database and gives its URL."""

    def write(tables: Tables) -> str:
        engine = sa.create_engine(database_url)
        for name, frame in tables.items():
            types = {column: sa.DateTime() for column in frame.select_dtypes("datetime").columns}
            frame.to_sql(name, engine, index=False, if_exists="replace", dtype=types)
        engine.dispose()
        return database_url

    return write


@pytest.fixture
def patients() -> Callable[..., Tables]:
    return make_patients


def make_patients(
    start: datetime,
    hours: int,
    *,
    seed: int = 1,
    per_hour: float = 4.0,
    site_id: str = "north",
    ward: str = "icu",
) -> Tables:
    """Random visits and stays from ``start`` on (naive UTC), clean apart from awkward times."""
    random = np.random.default_rng(seed)

    def times(count: int) -> pd.Series:
        seconds = random.uniform(0, hours * 3600, count)
        on_the_hour = random.random(count) < 0.1
        seconds[on_the_hour] = np.round(seconds[on_the_hour] / 3600) * 3600
        return pd.Series(pd.Timestamp(start) + pd.to_timedelta(np.round(seconds, 6), unit="s")).dt.as_unit(
            "us"
        )

    def ends(starts: pd.Series, mean_hours: float) -> pd.Series:
        stay = pd.to_timedelta(np.round(random.exponential(mean_hours * 3600, len(starts))), unit="s")
        end = starts + stay
        return end.where(random.random(len(starts)) > 0.01)

    arrived = times(int(per_hour * hours))
    admitted = times(int(per_hour * hours / 4))
    return {
        "ed_visit": pd.DataFrame(
            {
                "visit_id": [f"v{number}" for number in range(len(arrived))],
                "site_id": site_id,
                "arrived_at": arrived,
                "departed_at": ends(arrived, 4.0),
                "acuity": 3,
                "disposition": "home",
            }
        ),
        "bed_stay": pd.DataFrame(
            {
                "stay_id": [f"s{number}" for number in range(len(admitted))],
                "site_id": site_id,
                "unit_id": ward,
                "bed_from": admitted,
                "bed_to": ends(admitted, 8.0),
            }
        ),
        "unit": pd.DataFrame(
            {
                "site_id": site_id,
                "unit_id": ["ed", ward],
                "name": ["Emergency", "Ward"],
                "unit_type": ["ed", "icu"],
                "staffed_beds": [30, 10],
            }
        ),
        "scheduled_shift": pd.DataFrame(
            {
                "site_id": site_id,
                "unit_id": ["ed", "ed", ward],
                "role": "registered_nurse",
                "shift_start": pd.Timestamp(start)
                + pd.to_timedelta([hours + 4, hours + 4, hours - 20], unit="h"),
                "shift_end": pd.Timestamp(start)
                + pd.to_timedelta([hours + 16, hours + 16, hours - 8], unit="h"),
                "heads": [5, 2, 3],
            }
        ),
    }
