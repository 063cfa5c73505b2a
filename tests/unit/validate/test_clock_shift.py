"""A source whose clock was moved is found out by the shape of its day."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from forecasting.validate.clock_shift import hours_late

pytestmark = pytest.mark.unit

ISSUED_AT = datetime(2026, 3, 1, 8, tzinfo=UTC)
NEW_YORK = ZoneInfo("America/New_York")


def arrivals(seed: int, a_day: float = 80.0, late: int = 0, last_days: int = 0) -> pd.Series:
    """Twelve weeks of an ED that is quiet at night, stamped some hours late in the last days."""
    hours = pd.date_range(end=pd.Timestamp(ISSUED_AT), periods=84 * 24 + 1, freq="h", unit="us")[:-1]
    local = hours.tz_convert(NEW_YORK).hour.to_numpy()
    moved = np.where(np.arange(len(hours)) >= len(hours) - last_days * 24, late, 0)
    rate = a_day / 24 * (1 + 0.6 * np.sin(2 * np.pi * (local - moved - 9) / 24))
    return pd.Series(np.random.default_rng(seed).poisson(rate).astype(float), hours)


@pytest.mark.parametrize("seed", range(20))
def test_a_clock_that_stays_is_left_alone(seed: int) -> None:
    assert hours_late(arrivals(seed), NEW_YORK, ISSUED_AT) == 0
    assert hours_late(arrivals(seed, a_day=8), NEW_YORK, ISSUED_AT) == 0


@pytest.mark.parametrize("late", [5, -5, 8, 12])
def test_three_days_on_another_clock_are_found_out(late: int) -> None:
    assert abs(hours_late(arrivals(1, late=late, last_days=3), NEW_YORK, ISSUED_AT) - late) <= 1


def test_an_hour_takes_weeks_and_many_patients() -> None:
    busy = arrivals(1, a_day=400, late=1, last_days=14)
    assert hours_late(busy, NEW_YORK, ISSUED_AT) == 1


def test_a_busy_day_or_an_outage_is_no_other_clock() -> None:
    known = arrivals(2)
    assert hours_late(known.where(known.index < known.index[-30], known * 3), NEW_YORK, ISSUED_AT) == 0
    assert hours_late(known.drop(known.index[-40:-30]), NEW_YORK, ISSUED_AT) == 0


def test_nothing_is_said_of_a_short_history_or_none() -> None:
    known = arrivals(1, late=5, last_days=3)
    assert hours_late(known.iloc[-20 * 24 :], NEW_YORK, ISSUED_AT) == 0
    assert hours_late(known.iloc[:0], NEW_YORK, ISSUED_AT) == 0
    assert hours_late(known * 0, NEW_YORK, ISSUED_AT) == 0
