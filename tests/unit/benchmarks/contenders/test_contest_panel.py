from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.contenders.panel import (
    KNOWN,
    held_out,
    long_frame,
    make_panel,
    weighted_quantile_loss,
)
from benchmarks.training import JOBS, noise_floor

pytestmark = pytest.mark.unit

LEVELS = (0.1, 0.5, 0.9)


def test_a_seed_gives_the_same_panel_and_another_seed_another() -> None:
    one, same, other = (make_panel(7, 400, seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.counts, same.counts)
    assert (one.counts != other.counts).any()


def test_counts_scatter_around_their_rates_more_than_poisson() -> None:
    panel = make_panel(24, 2000, 1)
    surprise = (panel.counts - panel.rates) ** 2 / panel.rates
    assert panel.counts.mean() == pytest.approx(panel.rates.mean(), rel=0.01)
    assert 1.2 < surprise.mean() < 2.5


def test_the_long_frame_holds_each_series_in_its_own_rows() -> None:
    panel = make_panel(8, 60, 2)
    frame = long_frame(panel)
    rows = frame[frame["series"] == "7"]
    np.testing.assert_array_equal(rows["count"], panel.counts[7])
    np.testing.assert_array_equal(rows["hour"], np.arange(60))
    np.testing.assert_array_equal(rows[list(KNOWN)].to_numpy(), panel.known)
    assert set(rows["site"]) == {"1"}
    assert set(rows["unit_type"]) == {"2"}


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_held_out_windows_lie_after_the_training_hours_and_inside_the_panel(device: str) -> None:
    job = JOBS[device]  # type: ignore[index]
    hours = np.arange(job.train_hours + job.held_out_hours)[None]
    windows = held_out(hours, job)
    assert windows.shape == (1, len(job.origins), job.lead_hours)
    assert windows.min() == job.train_hours
    assert windows.max() < job.train_hours + job.held_out_hours
    assert (np.diff(windows[0, :, 0]) == 24).all()


def test_who_knows_the_rates_scores_better_than_who_takes_them_for_certain() -> None:
    job = JOBS["cpu"]
    panel = make_panel(job.series, job.train_hours + job.held_out_hours, job.seed)
    certain = np.repeat(held_out(panel.rates, job)[..., None], len(job.levels), axis=-1)
    score = weighted_quantile_loss(held_out(panel.counts, job), certain, job.levels)
    assert 0.05 < noise_floor(job) < 0.95 * score


@given(st.lists(st.floats(1, 100), min_size=1, max_size=20), st.floats(0.5, 20), st.integers(0, 2**16))
def test_wql_is_zero_for_the_truth_and_the_same_in_any_unit(
    values: list[float], unit: float, seed: int
) -> None:
    outcomes = np.array(values)
    truth = np.repeat(outcomes[:, None], len(LEVELS), axis=1)
    guess = np.random.default_rng(seed).uniform(0, 100, truth.shape)
    assert weighted_quantile_loss(outcomes, truth, LEVELS) == pytest.approx(0)
    score = weighted_quantile_loss(outcomes, guess, LEVELS)
    assert weighted_quantile_loss(unit * outcomes, unit * guess, LEVELS) == pytest.approx(score)


def test_wql_of_one_outcome() -> None:
    # 10 came; 6 was said at every level: (0.1 + 0.5 + 0.9) / 3 x 4 missed, doubled, by 10.
    assert weighted_quantile_loss(np.array([10.0]), np.full((1, 3), 6.0), LEVELS) == pytest.approx(0.4)


def test_a_missing_forecast_and_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="not a finite number"):
        weighted_quantile_loss(np.ones(2), np.array([[1, 1, 1], [1, np.nan, 1]]), LEVELS)
    with pytest.raises(ValueError, match="don't fit"):
        weighted_quantile_loss(np.ones(2), np.ones((3, 3)), LEVELS)
