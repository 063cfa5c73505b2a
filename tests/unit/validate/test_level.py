"""A series that changes its level for good is told from one that goes on."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from forecasting.level_change import LEVEL_MOVED
from forecasting.validate.level import level_of

pytestmark = pytest.mark.unit

ISSUED_AT = datetime(2026, 3, 1, 8, tzinfo=UTC)
NEW_YORK = ZoneInfo("America/New_York")


def arrivals(days: int, seed: int, last_days: int = 0, times: float = 1.0) -> pd.Series:
    """An ED of 60 patients a day, of whom ``times`` as many come in the last days."""
    hours = pd.date_range(end=pd.Timestamp(ISSUED_AT), periods=days * 24 + 1, freq="h", unit="us")[:-1]
    rate = 2.5 * (1 - 0.6 * np.cos(2 * np.pi * (hours.hour.to_numpy() - 9) / 24))
    rate[len(rate) - last_days * 24 :] *= times
    return pd.Series(np.random.default_rng(seed).poisson(rate).astype(float), hours)


@pytest.mark.parametrize("seed", range(6))
def test_a_steady_series_keeps_its_level(seed: int) -> None:
    assert abs(level_of(arrivals(168, seed), NEW_YORK, ISSUED_AT).change) < LEVEL_MOVED


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("times", "days"), [(2.0, 5), (0.5, 5), (1.5, 8)])
def test_another_level_is_told_within_days_and_by_how_much(seed: int, times: float, days: int) -> None:
    found = level_of(arrivals(168, seed, days, times), NEW_YORK, ISSUED_AT)
    assert np.sign(found.change) == np.sign(times - 1)
    assert abs(found.change) > LEVEL_MOVED
    assert (found.lately > found.before) == (times > 1)


def test_one_odd_day_is_no_level() -> None:
    assert abs(level_of(arrivals(168, 1, 1, 2.0), NEW_YORK, ISSUED_AT).change) < LEVEL_MOVED


def test_a_month_is_too_short_to_tell() -> None:
    assert np.isnan(level_of(arrivals(28, 1), NEW_YORK, ISSUED_AT)).all()
    assert np.isnan(level_of(arrivals(168, 1).iloc[:0], NEW_YORK, ISSUED_AT)).all()


def test_an_outage_is_no_level() -> None:
    known = arrivals(168, 1)
    assert abs(level_of(known.drop(known.index[-40:-2]), NEW_YORK, ISSUED_AT).change) < LEVEL_MOVED


def test_an_empty_unit_has_no_level_to_change() -> None:
    assert np.isnan(level_of(arrivals(168, 1) * 0, NEW_YORK, ISSUED_AT).change)
