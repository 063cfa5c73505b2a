from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.models.baseline import count_quantiles
from forecasting.models.counts import EDGE, smooth_count_quantiles, stated

pytestmark = pytest.mark.unit

LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)


@given(mean=st.floats(0, 300), dispersion=st.floats(1, 4))
def test_smooth_quantiles_rise_and_lie_around_the_whole_ones(mean: float, dispersion: float) -> None:
    smooth = smooth_count_quantiles(np.array([mean]), dispersion, LEVELS)
    assert (np.diff(smooth) >= 0).all()
    assert (np.abs(smooth - count_quantiles(np.array([mean]), dispersion, LEVELS)) <= 0.5 + 1e-9).all()


@given(st.lists(st.floats(0, 60), min_size=7, max_size=7))
def test_stated_quantiles_are_whole_or_a_hundredth_inwards_and_never_cross(drawn: list[float]) -> None:
    said = stated(np.sort(np.array([drawn])), LEVELS)
    assert (np.diff(said) >= 0).all()
    assert (said >= 0).all()
    off = said - np.rint(said)
    assert (np.abs(off) <= EDGE + 1e-9).all()
    assert (off[:, :3] >= -1e-9).all()
    assert off[0, 3] == 0
    assert (off[:, 4:] <= 1e-9).all()


@pytest.mark.parametrize("mean", [3.0, 6.5, 40.0])
def test_intervals_of_counts_hold_what_they_say(mean: float) -> None:
    random = np.random.default_rng(0)
    rates = mean * np.exp(random.normal(0, 0.3, 15_000))
    came = random.poisson(rates)
    said = stated(smooth_count_quantiles(rates, 1.0, LEVELS), LEVELS)
    for low, high, share in ((1, 5, 0.8), (0, 6, 0.9)):
        inside = np.mean((came >= said[:, low]) & (came <= said[:, high]))
        assert inside == pytest.approx(share, abs=0.025)
