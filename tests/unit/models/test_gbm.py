from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from forecasting.config import Settings
from forecasting.models import Climatology, backcast, gbm
from forecasting.models.gbm import Gbm
from forecasting.schema import FORECAST, Target

pytestmark = pytest.mark.unit

Build = Callable[..., pd.DataFrame]


@pytest.fixture(autouse=True, scope="module")
def few_rows() -> Iterator[None]:
    """Enough to learn these simple series from, and quickly."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gbm, "MOST_ROWS", 16_000)
        yield


@pytest.fixture(scope="module", params=list(Target))
def target(request: pytest.FixtureRequest) -> Target:
    chosen: Target = request.param
    return chosen


@pytest.fixture(scope="module")
def panel(observations: Build, panel_of: Build, target: Target) -> pd.DataFrame:
    return panel_of(observations(150), target)


@pytest.fixture(scope="module")
def fitted(panel: pd.DataFrame, settings: Settings, issued_at: datetime, target: Target) -> Gbm:
    return Gbm.fit(panel, settings, issued_at, target)


def mean_pinball(forecast: pd.DataFrame, outcomes: pd.DataFrame) -> float:
    keys = ["site_id", "unit_id", "target", "valid_at"]
    joined = forecast.merge(outcomes, on=keys, suffixes=("", "_outcome"))
    error = joined["value_outcome"] - joined["value"]
    return float(np.maximum(joined["quantile"] * error, (joined["quantile"] - 1) * error).mean())


def test_it_forecasts_whole_rising_counts_for_every_hour_level_and_series(
    fitted: Gbm, panel: pd.DataFrame, settings: Settings, issued_at: datetime, target: Target
) -> None:
    forecast = fitted.predict(panel, issued_at)
    pd.testing.assert_frame_equal(FORECAST.conform(forecast), forecast)
    series = 2 if target is Target.ED_ARRIVALS else 4
    values = forecast["value"].to_numpy().reshape(series * settings.lead_hours, -1)
    assert values.shape[1] == len(settings.horizon.quantile_levels)
    assert (np.diff(values, axis=1) >= 0).all()
    assert (values == np.rint(values)).all()
    assert (values >= 0).all()
    assert set(forecast["model"]) == {"gbm"}


def test_its_smooth_quantiles_lie_within_half_a_patient_of_the_whole_ones(
    fitted: Gbm, panel: pd.DataFrame, issued_at: datetime
) -> None:
    between, whole = fitted.smooth(panel, issued_at), fitted.predict(panel, issued_at)
    assert (between["value"] - whole["value"]).abs().max() <= 0.5
    assert (between["value"] != whole["value"]).any()


def test_its_means_lie_among_its_quantiles(fitted: Gbm, panel: pd.DataFrame, issued_at: datetime) -> None:
    means = fitted.means(panel, issued_at)
    smooth = fitted.smooth(panel, issued_at)
    by_hour = smooth.pivot_table(
        index=["site_id", "unit_id", "valid_at"], columns="quantile", values="value", sort=False
    )
    told = np.concatenate([means[key] for key in dict.fromkeys((s, u) for s, u, _ in by_hour.index)])
    assert (told >= by_hour[0.25] - 0.5).all()
    assert (told <= by_hour[0.75] + 0.5).all()


def test_the_same_panel_gives_the_same_model(
    fitted: Gbm, panel: pd.DataFrame, settings: Settings, issued_at: datetime, target: Target
) -> None:
    again = Gbm.fit(panel, settings, issued_at, target)
    pd.testing.assert_frame_equal(again.predict(panel, issued_at), fitted.predict(panel, issued_at))


def test_it_comes_near_climatology_where_that_is_the_truth(
    observations: Build, panel_of: Build, settings: Settings, issued_at: datetime, target: Target
) -> None:
    every = observations(240)
    panel = panel_of(every, target)
    start = issued_at - timedelta(days=64)
    nights = [start + timedelta(days=day) for day in range(0, 57, 8)]
    ours, reference = (
        mean_pinball(backcast(kind.fit(panel, settings, start, target).predict, panel, nights), every)
        for kind in (Gbm, Climatology)
    )
    assert ours < 1.05 * reference


@given(value=st.floats(0, 500), days=st.integers(1, 20))
@examples(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_prediction_does_not_look_at_values_from_the_issue_time_on(
    fitted: Gbm, panel: pd.DataFrame, issued_at: datetime, value: float, days: int
) -> None:
    earlier = issued_at - timedelta(days=days)
    later = panel["valid_at"] >= earlier
    other = panel.assign(value=panel["value"].mask(later, value))
    pd.testing.assert_frame_equal(fitted.predict(panel, earlier), fitted.predict(other, earlier))


def test_fitting_does_not_look_at_values_from_the_issue_time_on(
    panel: pd.DataFrame, settings: Settings, issued_at: datetime, target: Target
) -> None:
    earlier = issued_at - timedelta(days=9)
    later = panel["valid_at"] >= earlier
    other = panel.assign(value=panel["value"].mask(later, 77.0))
    ours, theirs = (Gbm.fit(seen, settings, earlier, target) for seen in (panel, other))
    pd.testing.assert_frame_equal(ours.predict(panel, earlier), theirs.predict(panel, earlier))


def test_a_site_that_has_grown_is_forecast_near_its_new_level(
    observations: Build, panel_of: Build, settings: Settings, issued_at: datetime
) -> None:
    target = Target.ED_ARRIVALS
    before, now = observations(150), observations(150, factor=1.5)
    change = issued_at - timedelta(days=28)
    grown = pd.concat([before[before["valid_at"] < change], now[now["valid_at"] >= change]])
    medians = []
    for history in (before, grown):
        panel = panel_of(history, target)
        said = Gbm.fit(panel, settings, issued_at, target).predict(panel, issued_at)
        medians.append(said.loc[said["quantile"] == 0.5, "value"].sum())
    assert 1.35 < medians[1] / medians[0] < 1.65


def test_census_starts_from_where_it_is(
    observations: Build, panel_of: Build, settings: Settings, issued_at: datetime
) -> None:
    history = observations(150)
    ward = (history["unit_id"] == "ward") & (history["target"] == Target.BED_CENSUS.value)
    usual = history.loc[ward, "value"].mean()
    history.loc[ward & (history["valid_at"] >= issued_at - timedelta(hours=6)), "value"] = usual + 8
    panel = panel_of(history, Target.BED_CENSUS)
    said = Gbm.fit(panel, settings, issued_at, Target.BED_CENSUS).predict(panel, issued_at)
    median = said[(said["unit_id"] == "ward") & (said["quantile"] == 0.5)]["value"].to_numpy()
    assert median[0] > usual + 4
    assert abs(median[-1] - usual) < 4


@pytest.mark.parametrize("constant", [0.0, 5.0])
def test_a_constant_series_is_forecast_as_such(
    observations: Build,
    panel_of: Build,
    settings: Settings,
    issued_at: datetime,
    target: Target,
    constant: float,
) -> None:
    panel = panel_of(observations(100).assign(value=constant), target)
    forecast = Gbm.fit(panel, settings, issued_at, target).predict(panel, issued_at)
    median = forecast.loc[forecast["quantile"] == 0.5, "value"]
    assert (median - constant).abs().max() <= 1


def test_gaps_and_a_late_start_are_survived_and_a_short_series_is_left_out(
    observations: Build, panel_of: Build, settings: Settings, issued_at: datetime
) -> None:
    history = observations(120)
    age = issued_at - history["valid_at"]
    outage = age.between(pd.Timedelta(days=30), pd.Timedelta(days=45)) | (age < pd.Timedelta(days=2))
    late = (history["site_id"] == "west") & (age > pd.Timedelta(days=60))
    short = (history["unit_id"] == "icu") & (age > pd.Timedelta(days=20))
    panel = panel_of(history[~(outage | late | short)], Target.BED_CENSUS)
    forecast = Gbm.fit(panel, settings, issued_at, Target.BED_CENSUS).predict(panel, issued_at)
    assert set(zip(forecast["site_id"], forecast["unit_id"], strict=True)) == {
        ("north", "ed"), ("west", "ed"), ("west", "ward"),
    }  # fmt: skip
    assert np.isfinite(forecast["value"]).all()


@pytest.mark.parametrize("days", [0, 10])
def test_without_enough_history_it_is_silent(
    observations: Build, panel_of: Build, settings: Settings, issued_at: datetime, target: Target, days: int
) -> None:
    panel = panel_of(observations(days), target)
    forecast = Gbm.fit(panel, settings, issued_at, target).predict(panel, issued_at)
    pd.testing.assert_frame_equal(forecast, FORECAST.empty())


def test_a_series_that_was_not_there_when_it_was_fitted_has_no_forecast(
    observations: Build, panel_of: Build, settings: Settings, issued_at: datetime
) -> None:
    panel = panel_of(observations(100), Target.BED_CENSUS)
    fitted = Gbm.fit(panel[panel["unit_id"] != "ward"], settings, issued_at, Target.BED_CENSUS)
    assert "ward" not in set(fitted.predict(panel, issued_at)["unit_id"])
