from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from scipy.stats import norm

from forecasting.config import Settings
from forecasting.models import Climatology, gbm
from forecasting.models.calibration import Calibration
from forecasting.models.ensemble import Ensemble, Weights, combined, combined_means
from forecasting.models.gbm import Gbm
from forecasting.models.quantile_table import LEAD_BUCKETS, hours_long, hours_wide
from forecasting.schema import FORECAST, Target

pytestmark = pytest.mark.unit

LEVELS = (0.1, 0.5, 0.9)
NOW = pd.Timestamp("2026-06-10 07:00", tz="UTC")
CENSUS = Target.BED_CENSUS


@pytest.fixture(autouse=True, scope="module")
def few_rows() -> Iterator[None]:
    """Enough to learn these simple series from, and quickly."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gbm, "MOST_ROWS", 16_000)
        yield


def past_hours(nights: int = 20, hours: int = 168, units: tuple[str, ...] = ("ward",)) -> pd.MultiIndex:
    rows = [
        (at, "west", unit, at + timedelta(hours=hour))
        for at in (NOW - timedelta(days=8 + 2 * night) for night in reversed(range(nights)))
        for unit in units
        for hour in range(hours)
    ]
    return pd.MultiIndex.from_tuples(rows, names=["issued_at", "site_id", "unit_id", "valid_at"])


def outcomes(mean: float = 20.0, units: tuple[str, ...] = ("ward",)) -> pd.DataFrame:
    hours = pd.date_range(NOW - timedelta(days=80), NOW + timedelta(days=8), freq="h")
    random = np.random.default_rng(0)
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "site_id": "west",
                    "unit_id": unit,
                    "valid_at": hours,
                    "value": np.rint(random.normal(mean, 4, len(hours))),
                }
            )
            for unit in units
        ],
        ignore_index=True,
    )


def saying(hours: pd.MultiIndex, mean: float, spread: float, name: str) -> pd.DataFrame:
    quantiles = np.tile(mean + spread * norm.ppf(LEVELS), (len(hours), 1))
    return hours_long(pd.DataFrame(quantiles, hours, LEVELS), CENSUS.value, name, "1")


@given(
    means=st.lists(st.floats(0, 60), min_size=1, max_size=5),
    spread=st.floats(0, 10),
    nights=st.integers(1, 4),
)
@examples(max_examples=25, deadline=None)
def test_weights_are_never_negative_and_sum_to_one(means: list[float], spread: float, nights: int) -> None:
    hours = past_hours(nights, 48)
    past = {f"m{i}": saying(hours, mean, spread, f"m{i}") for i, mean in enumerate(means)}
    weights = Weights.learn(past, outcomes(), NOW)
    assert weights.by_lead.shape == (LEAD_BUCKETS, len(means))
    assert (weights.by_lead >= 0).all()
    np.testing.assert_allclose(weights.by_lead.sum(axis=1), 1.0)


def test_the_member_that_was_right_counts_most_and_two_alike_count_alike() -> None:
    hours = past_hours()
    past = {
        "right": saying(hours, 20, 4, "right"),
        "high": saying(hours, 32, 4, "high"),
        "high_too": saying(hours, 32, 4, "high_too"),
    }
    weights = Weights.learn(past, outcomes(), NOW).by_lead
    assert (weights[:, 0] > 0.8).all()
    np.testing.assert_allclose(weights[:, 1], weights[:, 2], atol=0.02)


def test_few_origins_leave_the_weights_near_equal() -> None:
    def share(nights: int) -> float:
        hours = past_hours(nights)
        past = {"right": saying(hours, 20, 4, "a"), "near": saying(hours, 21.5, 4, "b")}
        return float(Weights.learn(past, outcomes(), NOW).by_lead[-1, 0])

    assert 0.5 <= share(1) < share(20)


def test_what_came_from_the_issue_time_on_is_not_looked_at() -> None:
    hours = past_hours()
    past = {"a": saying(hours, 20, 4, "a"), "b": saying(hours, 24, 4, "b")}
    before = NOW - timedelta(days=15)
    came = outcomes()
    other = came.assign(value=came["value"].mask(came["valid_at"] >= before, 500.0))
    ours, theirs = (Weights.learn(past, seen, before).by_lead for seen in (came, other))
    np.testing.assert_array_equal(ours, theirs)
    assert (ours != 0.5).any()


def test_a_series_that_a_member_leaves_out_is_left_to_the_others() -> None:
    both, one = past_hours(1, 24, ("icu", "ward")), past_hours(1, 24, ("ward",))
    said = {"a": hours_wide(saying(both, 10, 2, "a")), "b": hours_wide(saying(one, 20, 2, "b"))}
    mean = combined(said, Weights.equal(said)).groupby("unit_id")[0.5].mean()
    assert mean["ward"] == pytest.approx(15)
    assert mean["icu"] == pytest.approx(10)
    silent = {"a": hours_wide(FORECAST.empty()), "b": said["b"]}
    alone = Weights(("a", "b"), np.tile([1.0, 0.0], (LEAD_BUCKETS, 1)))
    assert combined(silent, alone)[0.5].eq(20).all()


def test_means_are_weighted_by_lead_and_left_to_those_who_tell_them() -> None:
    by_lead = np.array([[1.0, 0.0], [0.5, 0.5], [0.25, 0.75], [0.0, 1.0]])
    both, one = ("west", "ed"), ("north", "ed")
    told = [{both: np.full(169, 10.0)}, {both: np.full(169, 20.0), one: np.full(169, 7.0)}]
    mean = combined_means(told, Weights(("a", "b"), by_lead))
    assert mean[both][[0, 6, 24, 168]] == pytest.approx([10.0, 15.0, 17.5, 20.0])
    # The one who tells it has no weight in the first hours.
    assert mean[one] == pytest.approx(np.full(169, 7.0))
    assert combined_means([{}, {}], Weights(("a", "b"), by_lead)) == {}


@pytest.mark.parametrize("target", list(Target))
def test_it_speaks_between_its_members_and_never_crosses(
    observations: Callable[..., pd.DataFrame],
    panel_of: Callable[..., pd.DataFrame],
    settings: Settings,
    issued_at: datetime,
    target: Target,
) -> None:
    panel = panel_of(observations(110), target)
    ensemble = Ensemble.fit(panel, settings, issued_at, target, (Climatology, Gbm))
    uncorrected = replace(
        ensemble, learnt=replace(ensemble.learnt, calibration=Calibration(ensemble.levels, {}))
    )
    smooth = hours_wide(uncorrected.smooth(panel, issued_at)).to_numpy()
    said = np.stack(
        [
            hours_wide(ensemble.members["climatology"].predict(panel, issued_at)).to_numpy(),
            hours_wide(ensemble.members["gbm"].smooth(panel, issued_at)).to_numpy(),  # type: ignore[attr-defined]
        ]
    )
    assert (smooth >= said.min(axis=0) - 1e-9).all()
    assert (smooth <= said.max(axis=0) + 1e-9).all()
    forecast = ensemble.predict(panel, issued_at)
    pd.testing.assert_frame_equal(FORECAST.conform(forecast), forecast)
    whole = hours_wide(forecast).to_numpy()
    assert (np.diff(whole, axis=1) >= 0).all()
    assert set(forecast["model"]) == {"ensemble"}
    # Of its members one tells its means.
    np.testing.assert_allclose(
        np.stack(list(ensemble.means(panel, issued_at).values())),
        np.stack(list(ensemble.members["gbm"].means(panel, issued_at).values())),  # type: ignore[attr-defined]
    )


def test_no_series_gives_an_empty_forecast(
    observations: Callable[..., pd.DataFrame],
    panel_of: Callable[..., pd.DataFrame],
    settings: Settings,
    issued_at: datetime,
) -> None:
    panel = panel_of(observations(3).iloc[:0], CENSUS)
    ensemble = Ensemble.fit(panel, settings, issued_at, CENSUS)
    pd.testing.assert_frame_equal(ensemble.predict(panel, issued_at), FORECAST.empty())
