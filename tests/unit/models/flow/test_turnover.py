from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.models.flow.hazards import BINS, SHAPE, risk_and_departures, shared_hazard, unit_hazard
from forecasting.models.flow.turnover import future_census
from forecasting.schema import DEPARTURE

pytestmark = pytest.mark.unit

LEADS = 60


@given(st.floats(0.0, 0.9), st.floats(0.0, 5.0), st.integers(0, 40), st.integers(0, BINS - 1))
def test_with_one_chance_to_leave_the_census_is_that_of_the_formula(
    chance: float, rate: float, patients: int, elapsed: int
) -> None:
    present = np.zeros((1, BINS))
    present[0, elapsed] = patients
    hours = np.zeros((1, LEADS), dtype=int)
    census = future_census(present, np.full(SHAPE, chance), np.full((1, LEADS), rate), hours, hours)
    survival = (1 - chance) ** np.arange(LEADS)
    come = rate * np.concatenate([[0.0], survival[:-1].cumsum()])
    np.testing.assert_allclose(census.mean[0], patients * survival + come, atol=1e-9)
    np.testing.assert_allclose(census.variance[0], patients * survival * (1 - survival) + come, atol=1e-9)


def test_patients_leave_at_the_hours_at_which_patients_leave() -> None:
    hazard = np.zeros(SHAPE)
    hazard[:, :, 14] = 0.5
    present = np.zeros((1, BINS))
    present[0, 12] = 8
    local_hour = (np.arange(LEADS) + 3)[None, :] % 24
    census = future_census(present, hazard, np.zeros((1, LEADS)), np.zeros((1, LEADS), dtype=int), local_hour)
    np.testing.assert_allclose(census.mean[0, [0, 11, 12, 35, 36]], [8, 8, 4, 4, 2])


def test_a_unit_without_departures_takes_the_hazard_of_the_others() -> None:
    busy = np.full(SHAPE, 50.0)
    shared = shared_hazard([(busy, busy * 0.04)])
    np.testing.assert_allclose(shared, 0.04, rtol=0.01)
    nothing = risk_and_departures(DEPARTURE.empty())
    np.testing.assert_allclose(unit_hazard(*nothing, shared), shared)


def test_a_unit_that_saw_much_has_its_own_hazard() -> None:
    busy = np.full(SHAPE, 50.0)
    shared = shared_hazard([(busy, busy * 0.04)])
    np.testing.assert_allclose(unit_hazard(busy, busy * 0.08, shared), 0.08, rtol=0.02)


def test_a_hazard_is_a_chance_even_where_everybody_leaves() -> None:
    busy = np.full(SHAPE, 50.0)
    hazard = unit_hazard(busy, busy, shared_hazard([(busy, busy * 0.01)]))
    assert (hazard > 0.5).all()
    assert (hazard < 1).all()
