"""A census that rises by more patients than came is told; an honest one isn't."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from forecasting.balance import ALLOWED_SHARE, FEWEST_RISES, balance_of

pytestmark = pytest.mark.unit

HOURS = pd.date_range("2026-01-01", periods=2000, freq="h", tz="UTC")


def hospital(seed: int = 1) -> tuple[pd.Series, pd.Series]:
    """Arrivals in each hour, and who is there at its start."""
    random = np.random.default_rng(seed)
    came = random.poisson(5 * (1 - 0.7 * np.cos(2 * np.pi * (HOURS.hour.to_numpy() - 4) / 24)))
    there = [15]
    for count in came[:-1]:
        there.append(random.binomial(there[-1] + count, 0.8))
    return pd.Series(came, HOURS, dtype=float), pd.Series(there, HOURS, dtype=float)


@pytest.mark.parametrize("seed", range(3))
def test_a_census_never_rises_by_more_than_came(seed: int) -> None:
    arrivals, census = hospital(seed)
    balance = balance_of(arrivals, census)
    assert balance.rises > FEWEST_RISES
    assert (balance.unexplained, balance.share) == (0, 0.0)


@pytest.mark.parametrize("late", [-2, -1, 1, 2])
def test_arrivals_that_are_some_hours_off_are_told(late: int) -> None:
    arrivals, census = hospital()
    balance = balance_of(arrivals.shift(late), census)
    assert balance.share > ALLOWED_SHARE
    assert f"in {balance.unexplained} of them" in balance.says


def test_the_worst_hour_is_named() -> None:
    arrivals, census = hospital()
    arrivals.iloc[::3] = 0.0
    arrivals.iloc[999] = 0.0
    census.iloc[1000] = census.iloc[999] + 40
    balance = balance_of(arrivals, census)
    assert balance.worst == HOURS[999]
    assert f"by up to 40 more ({HOURS[999]:%Y-%m-%d %H:%M} UTC)" in balance.says


def test_missing_hours_and_too_few_of_them_say_nothing() -> None:
    arrivals, census = hospital()
    nobody = arrivals * 0
    assert balance_of(nobody.mask(arrivals.index > HOURS[50]), census).share == 0.0
    assert balance_of(nobody * np.nan, census).rises == 0
    assert balance_of(nobody.head(0), census.head(0)).rises == 0
