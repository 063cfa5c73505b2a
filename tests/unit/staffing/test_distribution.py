from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from forecasting.staffing.distribution import Draws, Quantiles

pytestmark = pytest.mark.unit

LEVELS = np.array([0.05, 0.25, 0.5, 0.75, 0.95])
RISING = st.lists(st.floats(0, 200), min_size=5, max_size=5).map(sorted)


def test_between_the_levels_a_normal_distribution_is_met_exactly() -> None:
    normal = Quantiles(LEVELS, 20 + 4 * norm.ppf(LEVELS))
    for level in (0.05, 0.1, 0.6, 0.8, 0.95):
        assert normal.at(level) == pytest.approx(20 + 4 * norm.ppf(level))
        assert normal.share_above(20 + 4 * norm.ppf(level)) == pytest.approx(1 - level)


def test_beyond_the_levels_nothing_is_known() -> None:
    some = Quantiles(LEVELS, np.array([1.0, 2.0, 3.0, 4.0, 5.0]))
    assert np.isnan([some.at(0.01), some.at(0.99)]).all()
    assert [some.share_above(0.5), some.share_above(7)] == pytest.approx([0.95, 0.05])


def test_draws_are_counted() -> None:
    draws = Draws(np.array([3.0, 1.0, 2.0, 2.0]))
    assert [draws.at(level) for level in (0.25, 0.5, 0.75, 0.76)] == [1, 2, 2, 3]
    assert [draws.share_above(value) for value in (0, 1, 2, 2.5, 3)] == [1, 0.75, 0.25, 0.25, 0]


@given(RISING, st.floats(0.05, 0.95), st.floats(0.05, 0.95))
def test_law_a_higher_level_has_no_lower_value(values: list[float], one: float, other: float) -> None:
    some = Quantiles(LEVELS, np.array(values))
    lower, higher = sorted((one, other))
    assert some.at(lower) <= some.at(higher) + 1e-9


@given(RISING, st.floats(0, 200), st.floats(0, 50))
def test_law_more_is_never_likelier(values: list[float], value: float, more: float) -> None:
    some = Quantiles(LEVELS, np.array(values))
    assert some.share_above(value + more) <= some.share_above(value) + 1e-9
