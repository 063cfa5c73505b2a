"""What came in an outage and was stamped on the hour after it is found, and given back whole."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.validate.catch_up import catch_ups, spread_out

pytestmark = pytest.mark.unit

HOURS = pd.date_range("2026-01-05", periods=8 * 168, freq="h", tz="UTC", unit="us")


def arrivals(rate: float, seed: int) -> pd.Series:
    daily = 1 - 0.6 * np.cos(2 * np.pi * (HOURS.hour.to_numpy() - 4) / 24)
    return pd.Series(np.random.default_rng(seed).poisson(rate * daily).astype(float), index=HOURS)


def with_outage(clean: pd.Series, begin: int, hours: int) -> pd.Series:
    late = clean.copy()
    late.iloc[begin + hours] += clean.iloc[begin : begin + hours].sum()
    late.iloc[begin : begin + hours] = np.nan
    return late


@pytest.mark.parametrize("rate", [2.0, 6.0])
@pytest.mark.parametrize("seed", range(5))
def test_a_catch_up_is_found_and_nothing_else(rate: float, seed: int) -> None:
    clean = arrivals(rate, seed)
    assert catch_ups(clean).empty
    late = with_outage(clean, 800, 12)
    found = catch_ups(late)
    assert list(found["valid_at"]) == [HOURS[812]]
    assert list(found["silent_hours"]) == [12]
    assert catch_ups(late.dropna()).equals(found)


def test_an_outage_whose_arrivals_are_lost_is_none() -> None:
    clean = arrivals(6.0, 1)
    clean.iloc[800:812] = np.nan
    assert catch_ups(clean).empty


def test_a_busy_hour_after_a_short_gap_is_none() -> None:
    clean = arrivals(6.0, 1)
    clean.iloc[800] = np.nan
    clean.iloc[801] = clean.iloc[801 - 168] + 6
    assert catch_ups(clean).empty


def test_nothing_known_is_no_catch_up() -> None:
    assert catch_ups(arrivals(1.0, 0).iloc[:0]).empty
    assert catch_ups(arrivals(1.0, 0) * np.nan).empty


@given(
    begin=st.integers(400, 1200),
    hours=st.integers(6, 48),
    seed=st.integers(0, 99),
    rate=st.sampled_from([2.0, 9.0]),
)
def test_patients_are_conserved_and_whole(begin: int, hours: int, seed: int, rate: float) -> None:
    clean = arrivals(rate, seed)
    late = with_outage(clean, begin, hours)
    shares = spread_out(late, catch_ups(late))
    if len(shares):
        assert shares.sum() == clean.iloc[begin : begin + hours + 1].sum()
        assert list(shares.index) == list(HOURS[begin : begin + hours + 1])
        assert ((shares >= 0) & (shares % 1 == 0)).all()


def test_what_is_given_back_follows_the_day() -> None:
    clean = arrivals(30.0, 3)
    late = with_outage(clean, 800, 24)
    shares = spread_out(late, catch_ups(late))
    spread = np.abs(shares - clean.reindex(shares.index)).mean()
    assert spread < 1.5 * np.sqrt(30.0)
