from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from forecasting.config import Settings
from forecasting.models import Climatology
from forecasting.models.tft.hours import Hours, Vocabulary
from forecasting.models.tft.scenes import REALS, Scene, Scenery
from forecasting.schema import Target

pytestmark = pytest.mark.unit

Build = Callable[..., pd.DataFrame]


def scenery_of(panel: pd.DataFrame, settings: Settings, target: Target, encoder_hours: int = 72) -> Scenery:
    hours = Hours.of(panel, Vocabulary.of(panel))
    return Scenery(hours, target, settings.horizon.quantile_levels, encoder_hours, settings.lead_hours)


def scene_at(
    panel: pd.DataFrame, settings: Settings, target: Target, at: datetime, encoder_hours: int = 72
) -> Scene:
    scenery = scenery_of(panel, settings, target, encoder_hours)
    return scenery.scene(scenery.windows_at([time_idx(at)]))


def time_idx(at: datetime) -> int:
    return int(at.timestamp()) // 3600


def start_in_patients(scene: Scene) -> np.ndarray:
    patients = scene.centre[..., None] + scene.unit[..., None] * scene.start
    return np.asarray(np.rint(np.maximum(patients, 0)))


def climatology(panel: pd.DataFrame, settings: Settings, target: Target, at: datetime) -> np.ndarray:
    forecast = Climatology.fit(panel, settings, at, target).predict(panel, at)
    levels = len(settings.horizon.quantile_levels)
    return forecast["value"].to_numpy().reshape(-1, settings.lead_hours, levels)


def test_census_starts_from_what_climatology_says(
    observations: Build, panel_of: Build, settings: Settings, issued_at: datetime
) -> None:
    panel = panel_of(observations(120), Target.BED_CENSUS)
    start = start_in_patients(scene_at(panel, settings, Target.BED_CENSUS, issued_at))
    expected = climatology(panel, settings, Target.BED_CENSUS, issued_at)
    assert np.abs(start - expected).max() <= 1  # half a patient may be rounded the other way
    assert (start == expected).mean() > 0.97


def test_arrivals_start_close_to_the_negative_binomial_of_climatology(
    observations: Build, panel_of: Build, settings: Settings, issued_at: datetime
) -> None:
    panel = panel_of(observations(120), Target.ED_ARRIVALS)
    start = start_in_patients(scene_at(panel, settings, Target.ED_ARRIVALS, issued_at))
    expected = climatology(panel, settings, Target.ED_ARRIVALS, issued_at)
    assert np.abs(start - expected).max() <= 1
    assert (start == expected).mean() > 0.9


@pytest.mark.parametrize("target", list(Target))
def test_a_scene_shows_nothing_from_its_issue_time_on(
    observations: Build, panel_of: Build, settings: Settings, issued_at: datetime, target: Target
) -> None:
    past = issued_at - timedelta(days=9)
    panel = panel_of(observations(100), target)
    spoiled = panel.assign(value=panel["value"].mask(panel["valid_at"] >= past, 321.0))
    honest, tempted = (scene_at(rows, settings, target, past) for rows in (panel, spoiled))
    for field in fields(Scene):
        if field.name != "value":
            np.testing.assert_array_equal(getattr(honest, field.name), getattr(tempted, field.name))
    assert (tempted.value == 321.0).all()


def test_training_windows_lie_between_their_bounds_and_after_four_weeks_of_history(
    observations: Build, panel_of: Build, settings: Settings, issued_at: datetime
) -> None:
    panel = panel_of(observations(60), Target.BED_CENSUS)
    scenery = scenery_of(panel, settings, Target.BED_CENSUS)
    end = issued_at - timedelta(days=5)
    windows = scenery.windows_between(0, time_idx(end))
    begun = scenery.hours.time_idx[windows.row]
    assert begun.min() == time_idx(issued_at - timedelta(days=32))
    assert begun.max() + settings.lead_hours == time_idx(end)
    assert np.isfinite(scenery.scene(windows.take(np.arange(0, len(windows), 97))).value).all()


def test_an_encoder_longer_than_a_month_shows_what_it_can(
    observations: Build, panel_of: Build, settings: Settings, issued_at: datetime
) -> None:
    panel = panel_of(observations(50), Target.BED_CENSUS)
    scene = scene_at(panel, settings, Target.BED_CENSUS, issued_at, encoder_hours=1344)
    observed = scene.encoder[..., REALS.index("observed")]
    assert scene.encoder.shape[1] == 1344
    assert observed.sum(axis=1).tolist() == [50 * 24] * 4
    assert (observed[:, -50 * 24 :] == 1).all()


def test_missing_hours_are_flagged_and_everything_stays_finite(
    observations: Build, panel_of: Build, settings: Settings, issued_at: datetime
) -> None:
    history = observations(60)
    silent = (history["valid_at"] >= issued_at - timedelta(hours=30)) & (history["unit_id"] == "icu")
    panel = panel_of(history[~silent], Target.BED_CENSUS)
    scene = scene_at(panel, settings, Target.BED_CENSUS, issued_at)
    icu = [unit_id for _, unit_id in Hours.of(panel, Vocabulary.of(panel)).keys].index("icu")
    observed = scene.encoder[icu, :, REALS.index("observed")]
    assert observed.tolist() == [1.0] * 42 + [0.0] * 30
    for field in fields(Scene):
        if field.name != "value":
            assert np.isfinite(getattr(scene, field.name)).all(), field.name


def test_an_unknown_site_or_unit_is_number_zero() -> None:
    vocabulary = Vocabulary(sites=("north",), units=("north/ed",))
    assert vocabulary.encode("north", "ed", "ed") == [1, 1, 1]
    assert vocabulary.encode("north", "icu", "icu") == [1, 0, 2]
    assert vocabulary.encode("south", "ed", "burns") == [0, 0, 0]
