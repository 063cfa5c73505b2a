from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.models.tft.windows.draw import share, stratified

pytestmark = pytest.mark.unit

SERIES = st.lists(st.integers(0, 6), min_size=1, max_size=80).map(np.array)
SEEDS = st.lists(st.integers(0, 2**31), min_size=1, max_size=3)


@st.composite
def draws(draw: st.DrawFn) -> tuple[np.ndarray, int, list[int]]:
    """Series of windows, a number of windows that there are, and a seed."""
    series = draw(SERIES)
    return series, draw(st.integers(0, len(series))), draw(SEEDS)


@given(draws())
def test_no_window_is_drawn_twice(drawn: tuple[np.ndarray, int, list[int]]) -> None:
    order = stratified(*drawn)
    assert len(np.unique(order)) == len(order) == drawn[1]
    assert np.isin(order, np.arange(len(drawn[0]))).all()


@given(draws())
def test_series_give_alike_for_as_long_as_they_have_windows(
    drawn: tuple[np.ndarray, int, list[int]],
) -> None:
    series, _, _ = drawn
    there = np.bincount(series, minlength=7)
    taken = np.bincount(series[stratified(*drawn)], minlength=7)
    has_more = taken < there
    if has_more.any():
        assert taken.max() <= taken[has_more].min() + 1


@given(SERIES, st.integers(0, 300), SEEDS)
def test_all_windows_come_before_one_comes_again(series: np.ndarray, wanted: int, seed: list[int]) -> None:
    order = stratified(series, wanted, seed)
    assert len(order) == wanted
    for first in range(0, wanted, len(series)):
        one_round = order[first : first + len(series)]
        assert len(np.unique(one_round)) == len(one_round)


@given(SERIES, st.integers(0, 300), SEEDS)
def test_a_draw_is_its_seeds_alone(series: np.ndarray, wanted: int, seed: list[int]) -> None:
    np.testing.assert_array_equal(stratified(series, wanted, seed), stratified(series, wanted, seed))


def test_another_epoch_is_another_draw_in_another_order() -> None:
    series = np.repeat(np.arange(10), 100)
    first, second = stratified(series, 200, [1, 0]), stratified(series, 200, [1, 1])
    assert 10 < len(np.intersect1d(first, second)) < 100
    assert len(np.unique(series[first[:30]])) > 5


def test_every_window_of_a_series_is_as_likely() -> None:
    series = np.array([0] * 4 + [1] * 40)
    times = np.bincount(np.concatenate([stratified(series, 6, [seed]) for seed in range(2000)]), minlength=44)
    np.testing.assert_allclose(times[:4], 1500, rtol=0.05)
    np.testing.assert_allclose(times[4:], 150, rtol=0.35)


@given(st.integers(0, 100), st.integers(1, 7))
def test_shares_are_equal_disjoint_and_all_but_the_rest(windows: int, world_size: int) -> None:
    order = np.random.default_rng(0).permutation(windows)
    shares = [share(order, rank, world_size) for rank in range(world_size)]
    assert {len(part) for part in shares} == {windows // world_size}
    together = np.stack(shares, axis=1).ravel()
    np.testing.assert_array_equal(together, order[: len(together)])
    assert windows - len(together) < world_size


@pytest.mark.parametrize("rank", [-1, 2])
def test_a_rank_beyond_the_processes_is_refused(rank: int) -> None:
    with pytest.raises(ValueError, match=f"rank {rank} is not one of 2"):
        share(np.arange(4), rank, 2)


def test_nothing_to_draw_from_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot draw 3 windows from 0"):
        stratified(np.array([], dtype=int), 3, [0])
