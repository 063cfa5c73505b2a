"""What temperature does to arrivals: learnt where it does something, harmless where not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecasting.config import Settings
from forecasting.features import build_panel
from forecasting.models import Glm
from forecasting.models.gbm import Gbm
from forecasting.models.nightly import gbm_files
from forecasting.models.weather import anomaly_of, effect_columns, has_weather, weather_known_at
from forecasting.schema import ANOMALY, OBSERVATION, WEATHER, Target

pytestmark = pytest.mark.unit

Build = Callable[..., pd.DataFrame]
NORTH = ("north", "ed")
DAYS = 150


@pytest.fixture(scope="module")
def departure(issued_at: datetime) -> pd.Series:
    """Of each hour's temperature, in degrees: days go together; the week ahead is fifteen degrees warmer."""
    random = np.random.default_rng(4)
    hours = pd.date_range(issued_at - timedelta(days=DAYS), periods=(DAYS + 9) * 24, freq="h")
    day = np.zeros(DAYS + 9)
    for number in range(1, len(day)):
        day[number] = 0.7 * day[number - 1] + random.normal(0, 4)
    return pd.Series(np.repeat(np.where(np.arange(len(day)) < DAYS, day, 15.0), 24), hours)


@pytest.fixture(scope="module")
def panel_by(settings: Settings, issued_at: datetime, departure: pd.Series) -> Build:
    """The panel of arrivals on which ten degrees have an effect, with its weather or without."""

    def build(effect: float, *, with_weather: bool = True) -> pd.DataFrame:
        past = departure[departure.index < issued_at]
        rate = 8 * np.exp(effect * past / 10)
        values = np.random.default_rng(2).poisson(rate).astype(float)
        site_id, unit_id = NORTH
        table = {"site_id": site_id, "unit_id": unit_id, "target": "ed_arrivals", "valid_at": past.index}
        rows = {
            "site_id": site_id,
            "issued_at": issued_at - timedelta(days=DAYS),
            "valid_at": departure.index,
            "temperature_c": 15 + departure.to_numpy(),
        }
        weather = WEATHER.conform(pd.DataFrame(rows)) if with_weather else None
        history = OBSERVATION.conform(pd.DataFrame({**table, "value": values}))
        return build_panel(history, Target.ED_ARRIVALS, settings, issued_at, settings.sites, weather)

    return build


def means(model: Glm, panel: pd.DataFrame, issued_at: datetime) -> np.ndarray:
    return model.means(panel, issued_at)[NORTH]


def test_arrivals_that_follow_the_temperature_are_forecast_with_it(
    panel_by: Build,
    settings: Settings,
    issued_at: datetime,
) -> None:
    panel = panel_by(0.12)
    model = Glm.fit(panel, settings, issued_at, Target.ED_ARRIVALS)
    blind = panel_by(0.12, with_weather=False)
    without = Glm.fit(blind, settings, issued_at, Target.ED_ARRIVALS)
    truth = 8 * np.exp(0.12 * 1.5)
    assert means(model, panel, issued_at).mean() == pytest.approx(truth, rel=0.05)
    assert means(without, blind, issued_at).mean() < 0.93 * truth


def test_arrivals_that_do_not_are_left_as_they_were(
    panel_by: Build,
    settings: Settings,
    issued_at: datetime,
) -> None:
    """Even a week fifteen degrees too warm moves them by no more than chance taught."""
    panel, blind = panel_by(0.0), panel_by(0.0, with_weather=False)
    told = means(Glm.fit(panel, settings, issued_at, Target.ED_ARRIVALS), panel, issued_at)
    without = means(Glm.fit(blind, settings, issued_at, Target.ED_ARRIVALS), blind, issued_at)
    assert told.mean() == pytest.approx(without.mean(), rel=0.03)


def test_a_model_that_learnt_with_weather_serves_without(
    panel_by: Build,
    settings: Settings,
    issued_at: datetime,
) -> None:
    panel = panel_by(0.12)
    model = Glm.fit(panel, settings, issued_at, Target.ED_ARRIVALS)
    gone = panel_by(0.12, with_weather=False)
    usual = panel.assign(**{ANOMALY: 0.0})
    forecast = model.predict(gone, issued_at)
    pd.testing.assert_frame_equal(forecast, model.predict(usual, issued_at))
    assert np.isfinite(forecast["value"]).all()


def test_boosted_trees_learn_it_are_kept_with_it_and_serve_without(
    panel_by: Build, settings: Settings, issued_at: datetime, tmp_path: Path
) -> None:
    panel, blind = panel_by(0.3), panel_by(0.3, with_weather=False)
    gbm_files.save(Gbm.fit(panel, settings, issued_at, Target.ED_ARRIVALS), tmp_path)
    kept = gbm_files.load(tmp_path)
    told, untold = (kept.means(rows, issued_at)[NORTH] for rows in (panel, blind))
    assert told.mean() > 1.05 * untold.mean()
    assert np.isfinite(kept.predict(blind, issued_at)["value"]).all()
    without = Gbm.fit(blind, settings, issued_at, Target.ED_ARRIVALS)
    pd.testing.assert_frame_equal(without.predict(blind, issued_at), without.predict(panel, issued_at))


def test_weather_that_never_departs_changes_no_forecast(
    panel_by: Build,
    settings: Settings,
    issued_at: datetime,
) -> None:
    """A source that tells no temperature, though one is configured, costs nothing."""
    blind = panel_by(0.0, with_weather=False)
    quiet = panel_by(0.0).assign(**{ANOMALY: 0.0})
    assert not has_weather(quiet)
    pd.testing.assert_frame_equal(
        Glm.fit(blind, settings, issued_at, Target.ED_ARRIVALS).predict(blind, issued_at),
        Glm.fit(quiet, settings, issued_at, Target.ED_ARRIVALS).predict(quiet, issued_at),
    )


def test_a_panel_without_weather_counts_as_usual(panel_by: Build, issued_at: datetime) -> None:
    blind = panel_by(0.0, with_weather=False)
    assert not anomaly_of(blind).any()
    assert weather_known_at(blind, issued_at - timedelta(days=3)) is blind


def test_usual_weather_has_no_effect_and_unusual_has_more_the_more_unusual() -> None:
    anomaly = np.array([-20.0, -6.0, 0.0, 6.0, 20.0])
    columns = effect_columns(anomaly, np.full(5, 0.5), np.full(5, -0.5))
    assert not columns[2].any()
    assert columns[:, 0] == pytest.approx(anomaly / 10)
    assert columns[:, 3] == pytest.approx([0, 0, 0, 0, 1.4])
    assert columns[:, 4] == pytest.approx([1.4, 0, 0, 0, 0])
