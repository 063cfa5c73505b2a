"""A census that stands still is told from a quiet unit."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from forecasting.validate.frozen import LEAST_HOURS, frozen_hours

pytestmark = pytest.mark.unit

HOURS = pd.date_range("2026-01-05", periods=8 * 168, freq="h", tz="UTC", unit="us")


def census(moves: float, seed: int) -> pd.Series:
    """A ward in which an hour brings a change with some probability."""
    random = np.random.default_rng(seed)
    steps = random.choice([-1, 1], len(HOURS)) * (random.random(len(HOURS)) < moves)
    return pd.Series(np.abs(20 + np.cumsum(steps)).astype(float) + 1, index=HOURS)


@pytest.mark.parametrize("moves", [0.05, 0.3, 0.8])
@pytest.mark.parametrize("seed", range(5))
def test_a_living_unit_is_left_alone(moves: float, seed: int) -> None:
    assert not frozen_hours(census(moves, seed)).any()


@pytest.mark.parametrize(("moves", "hours"), [(0.8, 25), (0.3, 72)])
def test_a_frozen_feed_is_found_but_for_its_first_hour(moves: float, hours: int) -> None:
    still = census(moves, 1)
    still.iloc[500 : 500 + hours] = still.iloc[499]
    found = frozen_hours(still)
    assert found.iloc[500 : 500 + hours].all()
    assert not found.iloc[:500].any()
    assert found.sum() <= hours + LEAST_HOURS


def test_a_closed_unit_is_not_frozen() -> None:
    closed = census(0.8, 1)
    closed.iloc[500:700] = 0
    assert not frozen_hours(closed).any()


def test_a_gap_is_not_a_still_stretch() -> None:
    lacking = census(0.8, 1).drop(HOURS[500:700])
    assert not frozen_hours(lacking).any()
    assert frozen_hours(lacking.iloc[:0]).empty
