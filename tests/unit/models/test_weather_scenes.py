"""What the network is shown of the weather: ahead what was told by then, and nothing of what came."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecasting.config import Settings, Weather
from forecasting.features import build_panel
from forecasting.models import Glm
from forecasting.models.tft.expectation import regressions
from forecasting.models.tft.hours import Hours, Vocabulary
from forecasting.models.tft.network import Shape, build_network
from forecasting.models.tft.scenes import REALS, Scene, Scenery
from forecasting.models.tft.trained import TrainedTFT, load
from forecasting.models.tft.training import can_refresh
from forecasting.schema import WEATHER, Target

pytestmark = pytest.mark.unit

Build = Callable[..., pd.DataFrame]
ARRIVALS = Target.ED_ARRIVALS
DAYS = 100
HOUR = pd.Timedelta(hours=1)


def weather(settings: Settings, issued_at: datetime, changed_after: datetime | None = None) -> pd.DataFrame:
    """Observations and daily forecasts of a temperature that wanders; told after a time, it is 20° off."""
    random = np.random.default_rng(3)
    day = np.zeros(DAYS + 10)
    for number in range(1, len(day)):
        day[number] = 0.7 * day[number - 1] + random.normal(0, 4)
    hours = pd.date_range(issued_at - timedelta(days=DAYS), periods=24 * len(day), freq="h")
    came = pd.Series(15 + np.repeat(day, 24), hours)
    parts = [pd.DataFrame({"issued_at": hours + HOUR, "valid_at": hours, "temperature_c": came.to_numpy()})]
    for night in pd.date_range(hours[0], issued_at, freq="D"):
        ahead = came[night : night + pd.Timedelta(days=8)]
        told = 15 + 0.7 * (ahead - 15)
        parts.append(pd.DataFrame({"issued_at": night, "valid_at": ahead.index, "temperature_c": told}))
    rows = pd.concat(parts, ignore_index=True)
    rows = rows[rows["issued_at"] <= issued_at].drop_duplicates(["issued_at", "valid_at"])
    if changed_after is not None:
        rows["temperature_c"] += 20.0 * (rows["issued_at"] > changed_after)
    return WEATHER.conform(rows.merge(pd.DataFrame({"site_id": settings.site_ids}), how="cross"))


@pytest.fixture(scope="module")
def panel_with(observations: Build, settings: Settings, issued_at: datetime) -> Build:
    history = observations(DAYS)

    def build(told: pd.DataFrame | None) -> pd.DataFrame:
        return build_panel(history, ARRIVALS, settings, issued_at, settings.sites, told)

    return build


def scene_at(panel: pd.DataFrame, settings: Settings, at: datetime) -> Scene:
    hours, levels = Hours.of(panel, Vocabulary.of(panel)), settings.horizon.quantile_levels
    expected = regressions(panel, ARRIVALS)
    scenery = Scenery(hours, ARRIVALS, levels, 72, settings.lead_hours, expected, with_weather=True)
    return scenery.scene(scenery.windows_at([int(at.timestamp()) // 3600]))


def test_a_past_window_is_shown_nothing_that_was_told_after_it(
    panel_with: Build, settings: Settings, issued_at: datetime
) -> None:
    past = issued_at - timedelta(days=12)
    honest = scene_at(panel_with(weather(settings, issued_at)), settings, past)
    tempted = scene_at(panel_with(weather(settings, issued_at, changed_after=past)), settings, past)
    for field in fields(Scene):
        np.testing.assert_array_equal(getattr(honest, field.name), getattr(tempted, field.name))
    assert honest.decoder[..., len(REALS)].any()


def test_tonight_starts_from_what_the_regression_expects_of_the_weather(
    panel_with: Build, settings: Settings, issued_at: datetime
) -> None:
    panel = panel_with(weather(settings, issued_at))
    expected = Glm.fit(panel, settings, issued_at, ARRIVALS).means(panel, issued_at)
    scene = scene_at(panel, settings, issued_at)
    np.testing.assert_allclose(scene.centre, np.stack(list(expected.values())), rtol=0.05)


def test_a_network_that_learnt_with_weather_is_kept_and_serves_without(
    panel_with: Build, settings: Settings, issued_at: datetime, tmp_path: Path
) -> None:
    panel, blind = panel_with(weather(settings, issued_at)), panel_with(None)
    vocabulary = Vocabulary.of(panel)
    shape = Shape(settings.horizon.quantile_levels, vocabulary.sizes, 72, 8, 1, 0.1, weather=True)
    network = build_network(shape).eval()
    TrainedTFT(ARRIVALS, settings.lead_hours, shape, vocabulary, issued_at, True, {}, [], (network,)).save(
        tmp_path
    )
    kept = load(tmp_path)
    assert kept.shape.weather
    assert not kept.predict(panel, issued_at).equals(kept.predict(blind, issued_at))
    assert np.isfinite(kept.predict(blind, issued_at)["value"]).all()
    nothing = panel_with(WEATHER.empty())
    pd.testing.assert_frame_equal(kept.predict(blind, issued_at), kept.predict(nothing, issued_at))


def test_weather_that_begins_or_ends_asks_for_a_training_from_nothing(
    panel_with: Build, settings: Settings, issued_at: datetime
) -> None:
    vocabulary = Vocabulary.of(panel_with(None))
    training = settings.training
    given = settings.model_copy(update={"weather": Weather(temperature="celsius")})
    for with_weather in (True, False):
        shape = Shape(
            settings.horizon.quantile_levels,
            vocabulary.sizes,
            training.encoder_hours,
            training.hidden_size,
            training.attention_heads,
            training.dropout,
            weather=with_weather,
        )
        network = build_network(shape)
        kept = TrainedTFT(
            ARRIVALS, settings.lead_hours, shape, vocabulary, issued_at, True, {}, [], (network,)
        )
        assert can_refresh(kept, given) is with_weather
        assert can_refresh(kept, settings) is not with_weather
