from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.models.flow.rates import rated

pytestmark = pytest.mark.unit


def test_a_product_of_effects_is_found_again() -> None:
    first, second = (axis.ravel() for axis in np.indices((4, 6)))
    truth = np.array([0.5, 1.0, 2.0, 4.0])[first] * np.linspace(0.5, 2.0, 6)[second]
    expected = np.random.default_rng(1).uniform(1e4, 1e5, len(truth))
    ratio = rated(expected * truth, expected, (first, second), believed=1.0)
    np.testing.assert_allclose(ratio, truth, rtol=0.01)


def test_a_level_without_anything_expected_stays_at_one() -> None:
    factor = np.array([0, 0, 1])
    ratio = rated(np.array([300.0, 300.0, 0.0]), np.array([100.0, 100.0, 0.0]), (factor,), believed=2.0)
    np.testing.assert_allclose(ratio, [602 / 202, 602 / 202, 1.0])


@given(st.integers(0, 40), st.floats(0, 40), st.floats(0.5, 50))
def test_an_effect_lies_between_what_came_and_what_was_believed(
    events: int, expected: float, believed: float
) -> None:
    ratio = rated(np.array([float(events)]), np.array([expected]), (np.zeros(1, dtype=int),), believed)[0]
    assert ratio == pytest.approx((events + believed) / (expected + believed))
