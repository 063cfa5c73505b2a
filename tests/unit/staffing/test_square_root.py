"""Heads so that no more than a share of patients waits."""

from __future__ import annotations

import numpy as np
import pytest

from forecasting.staffing.square_root import dispersion, safety, square_root_need

pytestmark = pytest.mark.unit


def test_the_safety_is_that_of_halfin_and_whitt() -> None:
    assert [round(safety(delay), 2) for delay in (0.2, 0.1, 0.05)] == [1.06, 1.42, 1.74]
    assert safety(0.999) == pytest.approx(0, abs=1e-2)


def test_a_delay_that_is_no_probability_is_refused() -> None:
    with pytest.raises(ValueError, match="is not between 0 and 1"):
        safety(1.5)


def test_dispersion_is_one_of_poisson_counts_and_more_where_days_differ() -> None:
    random = np.random.default_rng(1)
    assert dispersion(random.poisson(12, (24, 4000)).astype(float)) == pytest.approx(1, abs=0.05)
    days = random.gamma(6, 2, 4000)
    assert dispersion(random.poisson(days, (24, 4000)).astype(float)) == pytest.approx(3, abs=0.2)
    assert dispersion(np.zeros((24, 10))) == 0


def test_heads_stand_a_few_spreads_above_the_load() -> None:
    patients = np.stack([np.full(1000, 16.0), np.tile([21.0, 29.0], 500)])
    # Variances of 0 and 16, means of 16 and 25: z = 16 / 41.
    need = square_root_need(patients, 0.25, 0.1)
    assert need == pytest.approx(
        [4 + 1.42 * (4 * 4 / 41) ** 0.5, 6.25 + 1.42 * (6.25 * 4 / 41) ** 0.5], abs=0.01
    )
    assert square_root_need(np.zeros((2, 5)), 0.25, 0.1).tolist() == [0, 0]
