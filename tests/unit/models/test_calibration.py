from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from scipy.stats import norm

from forecasting.models.calibration import Calibration
from forecasting.models.quantile_table import hours_long, hours_wide
from forecasting.schema import FORECAST, Target

pytestmark = pytest.mark.unit

LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
NOW = pd.Timestamp("2026-06-10 07:00", tz="UTC")
MEAN, SPREAD = 30.0, 6.0


def nights(first: int, last: int) -> list[pd.Timestamp]:
    return [NOW - timedelta(days=day) for day in range(first, last, -1)]


def outcomes(value: float | None = None) -> pd.DataFrame:
    hours = pd.date_range(NOW - timedelta(days=140), NOW + timedelta(days=8), freq="h")
    drawn = np.random.default_rng(1).normal(MEAN, SPREAD, len(hours))
    values = drawn if value is None else np.full(len(hours), value)
    return pd.DataFrame({"site_id": "west", "unit_id": "ward", "valid_at": hours, "value": values})


def forecast(
    times: list[pd.Timestamp], shift: float, width: float, target: Target = Target.ED_ARRIVALS
) -> pd.DataFrame:
    """Each of a week's hours, off by a shift and too narrow or too wide by a factor."""
    rows = [(at, "west", "ward", at + timedelta(hours=hour)) for at in times for hour in range(168)]
    hours = pd.MultiIndex.from_tuples(rows, names=["issued_at", "site_id", "unit_id", "valid_at"])
    quantiles = np.tile(MEAN + shift + width * SPREAD * norm.ppf(LEVELS), (len(hours), 1))
    return hours_long(pd.DataFrame(quantiles, hours, LEVELS), target.value, "wrong", "1")


def held(wide: pd.DataFrame, panel: pd.DataFrame, low: float, high: float) -> float:
    came = panel.set_index("valid_at")["value"].reindex(wide.index.get_level_values("valid_at")).to_numpy()
    return float(np.mean((came >= wide[low].to_numpy()) & (came <= wide[high].to_numpy())))


@pytest.mark.parametrize(("shift", "width"), [(0, 0.5), (0, 1.8), (4, 1.0), (-5, 0.6)])
def test_a_forecaster_that_was_wrong_is_put_right(shift: float, width: float) -> None:
    panel = outcomes()
    then = NOW - timedelta(days=60)
    past = forecast([at for at in nights(130, 67) if at < then], shift, width)
    calibration = Calibration.learn(past, panel, then.to_pydatetime(), LEVELS)
    corrected = calibration.correct(hours_wide(forecast(nights(60, 10), shift, width)))
    assert held(corrected, panel, 0.1, 0.9) == pytest.approx(0.8, abs=0.04)
    assert held(corrected, panel, 0.05, 0.95) == pytest.approx(0.9, abs=0.04)


@pytest.mark.parametrize("width", [0.5, 1.8])
def test_a_census_follows_what_it_missed_and_is_not_moved_besides(width: float) -> None:
    panel, wrong = outcomes(), hours_wide(forecast(nights(60, 10), 0, width))
    past = forecast(nights(130, 67), 0, width, Target.BED_CENSUS)
    then = (NOW - timedelta(days=60)).to_pydatetime()
    calibration = Calibration.learn(past, panel, then, LEVELS)
    assert calibration.moves == {}
    before, after = (abs(held(wide, panel, 0.1, 0.9) - 0.8) for wide in (wrong, calibration.correct(wrong)))
    assert after < before / 2


@pytest.mark.parametrize("target", list(Target))
def test_a_forecaster_that_was_right_is_hardly_moved(target: Target) -> None:
    right = forecast(nights(130, 8), 0, 1, target)
    calibration = Calibration.learn(right, outcomes(), NOW.to_pydatetime(), LEVELS)
    moved = calibration.correct(hours_wide(right)).to_numpy() - hours_wide(right).to_numpy()
    assert np.abs(moved).max() < 0.1 * SPREAD


def test_two_nights_are_too_few_to_correct_anything() -> None:
    wrong = forecast([NOW - timedelta(days=2), NOW - timedelta(days=1)], 10, 0.3)
    calibration = Calibration.learn(wrong, outcomes(), NOW.to_pydatetime(), LEVELS)
    np.testing.assert_array_equal(calibration.correct(hours_wide(wrong)), hours_wide(wrong))


@given(later=st.floats(0, 500), days=st.integers(1, 60), target=st.sampled_from(Target))
@examples(max_examples=15, deadline=None)
def test_what_came_or_was_said_from_the_issue_time_on_is_not_looked_at(
    later: float, days: int, target: Target
) -> None:
    now = NOW - timedelta(days=days)
    panel, past = outcomes(), forecast(nights(130, 8)[::7], 3, 0.7, target)
    other = panel.assign(value=panel["value"].mask(panel["valid_at"] >= now, later))
    earlier = past[past["issued_at"] < now]
    ours = Calibration.learn(past, panel, now.to_pydatetime(), LEVELS)
    theirs = Calibration.learn(earlier, other, now.to_pydatetime(), LEVELS)
    for mine, yours in ((ours.moves, theirs.moves), (ours.follows, theirs.follows)):
        assert mine.keys() == yours.keys()
        for key, moves in mine.items():
            np.testing.assert_array_equal(moves, yours[key])


@given(shift=st.floats(-40, 40), width=st.floats(0, 3), value=st.sampled_from([None, 0.0, 30.0, 400.0]))
@examples(max_examples=15, deadline=None)
def test_corrected_quantiles_never_cross_and_are_never_negative(
    shift: float, width: float, value: float | None
) -> None:
    past = forecast(nights(60, 8)[::5], shift, width)
    calibration = Calibration.learn(past, outcomes(value), NOW.to_pydatetime(), LEVELS)
    corrected = calibration.correct(hours_wide(past)).to_numpy()
    assert np.isfinite(corrected).all()
    assert (np.diff(corrected, axis=1) >= 0).all()
    assert (corrected >= 0).all()


def test_a_series_without_a_past_stays_as_it_is() -> None:
    wide = hours_wide(forecast(nights(5, 4), 0, 1))
    pd.testing.assert_frame_equal(Calibration(LEVELS, {}).correct(wide), wide)
    nothing = Calibration.learn(FORECAST.empty(), outcomes(), NOW.to_pydatetime(), LEVELS)
    assert nothing.moves == {}
