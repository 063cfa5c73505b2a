from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecasting.staffing.offered_load import (
    LoadError,
    StayLaw,
    boarding,
    dispersion,
    in_care,
    offered_load,
    safety,
    square_root_heads,
)

pytestmark = pytest.mark.unit

STAY = StayLaw.from_counts([0, 1, 2, 4, 8, 12], [10, 30, 40, 15, 5])
WAIT = StayLaw.from_counts([0, 2, 6, 24], [50, 30, 20])


@st.composite
def laws(draw: st.DrawFn) -> StayLaw:
    steps = draw(st.lists(st.floats(0.25, 6), min_size=1, max_size=5))
    counts = draw(st.lists(st.integers(1, 50), min_size=len(steps), max_size=len(steps)))
    return StayLaw.from_counts([0, *np.cumsum(steps).tolist()], counts)


def test_the_mean_stay_is_that_of_bins_counted_at_their_middle() -> None:
    assert STAY.mean_hours == pytest.approx((10 * 0.5 + 30 * 1.5 + 40 * 3 + 15 * 6 + 5 * 10) / 100)


@settings(max_examples=30, deadline=None)
@given(laws(), laws(), st.floats(0, 30))
def test_a_constant_rate_gives_rate_times_mean_stay(stay: StayLaw, wait: StayLaw, rate: float) -> None:
    classes = [in_care("care", 1.0, stay), boarding("boarding", 0.3, stay, wait)]
    load = offered_load(np.full((2, 120), rate), classes, hours=24)
    assert load["care"] == pytest.approx(rate * stay.mean_hours)
    assert load["boarding"] == pytest.approx(0.3 * rate * wait.mean_hours, abs=1e-9)


@settings(max_examples=20, deadline=None)
@given(laws(), st.integers(0, 10_000))
def test_every_arrival_is_present_for_its_stay_and_no_longer(stay: StayLaw, seed: int) -> None:
    arrivals = np.zeros((3, 120))
    arrivals[:, 40:60] = np.random.default_rng(seed).poisson(5, size=(3, 20))
    load = offered_load(arrivals, [in_care("all", 1.0, stay)], hours=80)["all"]
    assert load.sum(axis=1) == pytest.approx(arrivals.sum(axis=1) * stay.mean_hours)
    assert (load >= -1e-9).all()


def test_a_stay_after_a_stay_lasts_as_long_as_both() -> None:
    assert STAY.then(WAIT).mean_hours == pytest.approx(STAY.mean_hours + WAIT.mean_hours)


def test_the_load_follows_a_simulated_ed() -> None:
    random = np.random.default_rng(7)
    hours, days = 24 * 4, 2000
    rate = 6 + 4 * np.sin(np.arange(hours) / 24 * 2 * np.pi)
    arrivals = random.poisson(rate, size=(days, hours))
    hour = np.repeat(np.tile(np.arange(hours), days), arrivals.ravel())
    came = hour + random.random(len(hour))
    bins = np.array([0, 1, 2, 4, 8, 12])
    chosen = random.choice(5, size=len(came), p=[0.1, 0.3, 0.4, 0.15, 0.05])
    left = came + bins[chosen] + random.random(len(came)) * np.diff(bins)[chosen]
    looked = [30.5, 50.25, 70.75]
    present = [((came <= at) & (at < left)).sum() / days for at in looked]
    classes = [in_care("all", 1.0, STAY)]
    load = offered_load(rate[None, :], classes, hours=hours - 12)["all"][0]
    at_middle = np.interp(looked, np.arange(12, hours) + 0.5, load)
    assert at_middle == pytest.approx(present, rel=0.02)


def test_the_safety_is_that_of_halfin_and_whitt() -> None:
    assert [round(safety(delay), 2) for delay in (0.2, 0.1, 0.05)] == [1.06, 1.42, 1.74]
    assert safety(0.999) == pytest.approx(0, abs=1e-2)


def test_heads_stand_a_few_spreads_above_the_load() -> None:
    assert square_root_heads(np.array([0.0, 16.0, 25.0]), delay=0.1).tolist() == [0, 22, 33]
    assert square_root_heads(np.array([16.0]), delay=0.1, z=2.25).tolist() == [25]
    assert square_root_heads(np.array([16.0]), delay=0.5, z=0).tolist() == [16]


def test_dispersion_is_one_of_poisson_counts_and_measured_where_both_are_known() -> None:
    random = np.random.default_rng(1)
    expected = np.full(20_000, 12.0)
    assert dispersion(random.poisson(expected).astype(float), expected) == pytest.approx(1, abs=0.05)
    assert dispersion(np.array([14.0, np.nan]), np.array([12.0, 5.0])) == pytest.approx(4 / 12)
    with pytest.raises(LoadError, match="known and expected"):
        dispersion(np.array([np.nan]), np.array([3.0]))


def test_arrivals_must_reach_back_as_far_as_stays() -> None:
    with pytest.raises(
        LoadError, match="10 hours of arrivals before the first hour; the longest stay asks for"
    ):
        offered_load(np.ones((1, 34)), [in_care("all", 1.0, STAY)], hours=24)
    with pytest.raises(LoadError, match="fill gaps"):
        offered_load(np.full((1, 60), np.nan), [in_care("all", 1.0, STAY)], hours=24)


@pytest.mark.parametrize(
    ("edges", "counts", "says"),
    [
        ([0, 1], [1, 2], "2 edges don't bound 2 bins"),
        ([1, 2], [1], "rise from 0"),
        ([0, 1, 1], [1, 2], "rise from 0"),
        ([0, 1], [0], "at least one patient"),
        ([0, 1, 2], [3, -1], "must not be negative"),
    ],
)
def test_counts_that_are_no_law_are_refused(edges: list[float], counts: list[float], says: str) -> None:
    with pytest.raises(LoadError, match=says):
        StayLaw.from_counts(edges, counts)


def test_a_delay_that_is_no_probability_is_refused() -> None:
    with pytest.raises(LoadError, match="is not between 0 and 1"):
        safety(1.5)
