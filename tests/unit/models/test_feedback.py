from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from scipy.stats import norm

from forecasting.models.counts import stated
from forecasting.models.feedback import LARGEST, followed, moved

pytestmark = pytest.mark.unit

LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
LEADS, NIGHTS = 72, 180
SETTLED = 60


def week_long_moods(width: float, shift: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Quantiles, whole outcomes, issue and valid hours of a census whose departure lasts for days."""
    random = np.random.default_rng(4)
    issued = np.repeat(24 * np.arange(NIGHTS), LEADS)
    valid = issued + np.tile(np.arange(LEADS), NIGHTS)
    mood = np.repeat(random.normal(0, 3, valid.max() // 48 + 1), 48)
    census = np.rint(30 + mood[: valid.max() + 1] + random.normal(0, 1, valid.max() + 1))
    quantiles = np.tile(30 + shift + width * np.sqrt(10) * norm.ppf(LEVELS), (len(valid), 1))
    return quantiles, census[valid], issued, valid


def held_one_night_after_another(width: float, shift: float) -> float:
    said, came, issued, valid = week_long_moods(width, shift)
    inside = []
    for now in 24 * np.arange(SETTLED, NIGHTS):
        past = (issued < now) & (valid < now)
        move = followed(said[past], came[past], issued[past], valid[past], int(now), LEVELS)
        tonight = issued == now
        told = stated(moved(said[tonight], move, LEVELS), LEVELS)
        inside.append((came[tonight] >= told[:, 1]) & (came[tonight] <= told[:, 5]))
    return float(np.mean(inside))


@pytest.mark.parametrize(("width", "shift"), [(1.0, 0.0), (0.7, 0.0), (1.8, 0.0), (1.0, 2.0)])
def test_an_interval_holds_what_it_says_in_the_long_run(width: float, shift: float) -> None:
    assert held_one_night_after_another(width, shift) == pytest.approx(0.8, abs=0.03)


@given(later=st.floats(0, 400), shift=st.floats(-30, 30))
@examples(max_examples=10, deadline=None)
def test_only_what_was_seen_at_the_time_moves_a_quantile(later: float, shift: float) -> None:
    said, came, issued, valid = week_long_moods(1.0, shift)
    now = 24 * 30
    past = (issued < now) & (valid < now)
    changed = np.where(valid < now, came, later)
    ours, theirs = (
        followed(said[past], told[past], issued[past], valid[past], now, LEVELS) for told in (came, changed)
    )
    np.testing.assert_array_equal(ours, theirs)
    assert np.abs(ours).max() <= LARGEST
    assert ours[3] == 0


@given(st.lists(st.floats(-3, 3), min_size=7, max_size=7), st.lists(st.floats(0, 60), min_size=7, max_size=7))
@examples(max_examples=30, deadline=None)
def test_moved_quantiles_keep_their_order_and_their_median(move: list[float], quantiles: list[float]) -> None:
    said = np.sort(np.array([quantiles]))
    new = moved(said, np.where(np.array(LEVELS) == 0.5, 0.0, move), LEVELS)
    assert (np.diff(new, axis=1) >= 0).all()
    assert (new >= 0).all()
    assert new[0, 3] == said[0, 3]


def test_nothing_past_moves_nothing() -> None:
    none = np.empty((0, len(LEVELS)))
    empty = np.empty(0, dtype=np.int64)
    np.testing.assert_array_equal(followed(none, np.empty(0), empty, empty, 5, LEVELS), np.zeros(len(LEVELS)))
