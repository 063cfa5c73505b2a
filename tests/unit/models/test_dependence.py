from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from scipy.stats import poisson

from forecasting.config import Settings
from forecasting.models import Climatology, backcast, dependence, sample_paths
from forecasting.models.dependence import mixed, past_departures, past_errors
from forecasting.models.interface import forecast_frame
from forecasting.schema import Target

pytestmark = pytest.mark.unit

LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
ISSUED_AT = datetime.fromisoformat("2026-06-10T07:00+00:00")
CENSUS = Target.BED_CENSUS


def forecast_of(rates: np.ndarray, issued_at: datetime = ISSUED_AT) -> pd.DataFrame:
    """Poisson forecasts of these rates (series, hours)."""
    quantiles = np.asarray(poisson.ppf(LEVELS, rates[..., None]))
    values = {("north", f"u{at}"): series for at, series in enumerate(quantiles)}
    return forecast_frame(values, LEVELS, issued_at, CENSUS, "climatology", "1")


def outcomes_of(values: np.ndarray, first: datetime) -> pd.DataFrame:
    """Outcomes (series, hours) from an hour on."""
    hours = pd.date_range(first, periods=values.shape[1], freq="h")
    frames = [
        pd.DataFrame(
            {"site_id": "north", "unit_id": f"u{at}", "target": "bed_census", "valid_at": hours, "value": row}
        )
        for at, row in enumerate(values)
    ]
    return pd.concat(frames, ignore_index=True)


def test_past_errors_stand_by_lead_and_end_at_the_issue_time() -> None:
    rates = np.full((2, 24), 9.0)
    past = pd.concat([forecast_of(rates, ISSUED_AT - timedelta(hours=ago)) for ago in (60, 30, 18, 6)])
    values = 9.0 + np.arange(200.0).reshape(2, 100)
    outcomes = outcomes_of(values, ISSUED_AT - timedelta(hours=70))
    errors = past_errors(forecast_of(rates), past, outcomes)
    # Of the forecast six hours old no more than a quarter is known.
    assert errors.shape == (3, 2, 24)
    assert errors[0, 0].tolist() == list(np.arange(10.0, 34.0))
    assert errors[1, 1].tolist() == list(np.arange(140.0, 164.0))
    assert np.isnan(errors[2, 0, 18:]).all()
    assert errors[2, 0, :18].tolist() == list(np.arange(52.0, 70.0))


def test_departures_are_of_the_same_local_hours_over_a_clock_change(settings: Settings) -> None:
    issued_at = datetime.fromisoformat(
        "2026-03-20T07:00+00:00"
    )  # 03:00 in New York, a day after 12 nights of EDT
    hours = pd.date_range(issued_at - timedelta(weeks=20), issued_at, freq="h", inclusive="left")
    local = hours.tz_convert("America/New_York")
    # Only the weekday's noon is busy, by as much as its week is odd.
    week = (np.arange(len(hours)) // 168) % 2
    busy = np.where(local.hour == 12, 10.0 + 10.0 * week, 0.0)
    outcomes = outcomes_of(busy[None], issued_at - timedelta(weeks=20))
    forecast = forecast_of(np.full((1, 24), 9.0), issued_at)
    departures = past_departures(forecast, outcomes, settings)
    noon = pd.date_range(issued_at, periods=24, freq="h").tz_convert("America/New_York").hour == 12
    assert len(departures) == 20
    assert (np.abs(departures[:, 0, noon]) > 1).all()
    assert (departures[:, 0, ~noon] == 0).all()


def test_growth_does_not_pass_for_dependence(settings: Settings) -> None:
    random = np.random.default_rng(6)
    hours = 52 * 168
    outcomes = outcomes_of(
        random.poisson(np.linspace(10, 30, hours))[None].astype(float), ISSUED_AT - timedelta(hours=hours)
    )
    forecast = forecast_of(np.full((1, 24), 30.0))
    drawn = sample_paths(forecast, past_departures(forecast, outcomes, settings)).counts[:, 0]
    assert drawn.sum(axis=1).var() == pytest.approx(drawn.var(axis=0).sum(), rel=0.5)


def test_nothing_at_or_after_the_issue_time_shapes_the_paths(
    observations: Callable[..., pd.DataFrame],
    panel_of: Callable[..., pd.DataFrame],
    settings: Settings,
    issued_at: datetime,
) -> None:
    known = observations(120, days_after=5)
    changed = known.assign(value=known["value"].where(known["valid_at"] < issued_at, 999.0))
    panel = panel_of(known[known["valid_at"] < issued_at], CENSUS)
    model = Climatology.fit(panel, settings, issued_at, CENSUS)
    nights = [issued_at - timedelta(days=ago) for ago in range(30, 2, -1)]
    past, forecast = backcast(model.predict, panel, nights), model.predict(panel, issued_at)
    for spoken in (past, past.iloc[:0]):
        one, other = (dependence(forecast, spoken, outcomes, settings) for outcomes in (known, changed))
        assert len(one) == 1000
        np.testing.assert_array_equal(one, other)


def test_a_series_of_which_nothing_was_observed_goes_its_own_way(settings: Settings) -> None:
    forecast = forecast_of(np.full((2, 24), 9.0))
    outcomes = outcomes_of(
        np.random.default_rng(1).poisson(9.0, (1, 30 * 168)).astype(float), ISSUED_AT - timedelta(weeks=30)
    )
    template = dependence(forecast, forecast.iloc[:0], outcomes, settings)
    assert len(past_departures(forecast, outcomes, settings)) == 30
    drawn = sample_paths(forecast, template)
    assert drawn.counts.shape == (1000, 2, 24)
    assert past_departures(forecast, outcomes.iloc[:0], settings).shape == (0, 2, 24)


def test_a_series_younger_than_eight_weeks_tells_nothing_of_how_its_hours_go_together(
    settings: Settings,
) -> None:
    values = np.random.default_rng(1).poisson(9.0, (2, 30 * 168)).astype(float)
    values[1, : 23 * 168] = np.nan
    outcomes = outcomes_of(values, ISSUED_AT - timedelta(weeks=30))
    departures = past_departures(forecast_of(np.full((2, 24), 9.0)), outcomes, settings)
    assert len(departures) == 30
    assert not np.isnan(departures[:, 0]).any()
    assert np.isnan(departures[:, 1]).all()


def correlation(template: np.ndarray, one: int, other: int) -> float:
    return float(np.corrcoef(template[:, 0, one], template[:, 0, other])[0, 1])


def test_mixed_rows_go_together_as_the_rows_they_are_mixed_of() -> None:
    random = np.random.default_rng(1)
    shock, noise = random.normal(size=(400, 1, 1)), random.normal(size=(400, 1, 6))
    template = np.concatenate([shock + noise[..., :3], noise[..., 3:]], axis=2) ** 3
    rows = mixed(template, 4000)
    assert rows.std(axis=0) == pytest.approx(np.ones((1, 6)), abs=0.05)
    assert correlation(rows, 0, 2) == pytest.approx(0.5, abs=0.08)
    assert correlation(rows, 0, 3) == pytest.approx(0, abs=0.12)


def test_a_few_rows_are_backed_by_what_the_same_hours_of_other_days_did() -> None:
    random = np.random.default_rng(1)
    shock, noise = random.normal(size=(30, 1, 7, 1)), random.normal(size=(30, 1, 7, 24))
    template = (shock + noise).reshape(30, 1, 168)
    rows = mixed(template, 4000)
    same_day = [correlation(rows, 24 * day + 3, 24 * day + 15) for day in range(7)]
    alone = [correlation(template, 24 * day + 3, 24 * day + 15) for day in range(7)]
    other_day = [correlation(rows, 24 * day + 3, 24 * day + 39) for day in range(6)]
    assert np.mean(same_day) == pytest.approx(0.5, abs=0.15)
    assert np.std(same_day) < np.std(alone)
    assert np.mean(other_day) == pytest.approx(0, abs=0.15)


def test_unknown_hours_and_hours_that_never_changed_go_their_own_way() -> None:
    template = np.tile(np.random.default_rng(1).normal(size=(200, 1, 1)), (1, 1, 4))
    template[:100, 0, 1] = np.nan
    template[:, 0, 2] = np.nan
    template[:, 0, 3] = 7.0
    rows = mixed(template, 4000)
    assert rows.std(axis=0) == pytest.approx(np.ones((1, 4)), abs=0.05)
    # Half of one is known, and shared with all of the other.
    assert 0.3 < correlation(rows, 0, 1) < 0.8
    assert correlation(rows, 0, 2) == pytest.approx(0, abs=0.06)
    assert correlation(rows, 0, 3) == pytest.approx(0, abs=0.06)


@pytest.mark.parametrize("template", [np.empty((0, 2, 5)), np.full((3, 2, 5), np.nan)])
def test_of_series_without_any_past_all_hours_go_together(template: np.ndarray) -> None:
    rows = mixed(template, 100)
    assert rows.shape == (100, 2, 5)
    assert (rows == rows[:, :1, :1]).all()


def test_the_same_seed_mixes_the_same() -> None:
    template = np.random.default_rng(1).normal(size=(30, 2, 5))
    np.testing.assert_array_equal(mixed(template, 50, 3), mixed(template, 50, 3))
    assert (mixed(template, 50, 3) != mixed(template, 50, 4)).any()
