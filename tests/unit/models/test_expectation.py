"""Arrivals start from a regression, whose fit serves windows to come but shows none of them what is later."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecasting.config import Settings
from forecasting.models import Glm
from forecasting.models.tft.expectation import regressions
from forecasting.models.tft.hours import Hours, Vocabulary
from forecasting.models.tft.network import Shape, build_network
from forecasting.models.tft.scenes import Scene, Scenery
from forecasting.models.tft.trained import DESCRIPTION_FILE, TrainedTFT, load
from forecasting.models.tft.training import can_refresh
from forecasting.schema import Target

pytestmark = pytest.mark.unit

Build = Callable[..., pd.DataFrame]
ARRIVALS = Target.ED_ARRIVALS


def scenery_of(panel: pd.DataFrame, settings: Settings) -> Scenery:
    hours = Hours.of(panel, Vocabulary.of(panel))
    levels = settings.horizon.quantile_levels
    return Scenery(hours, ARRIVALS, levels, 72, settings.lead_hours, regressions(panel, ARRIVALS))


def time_idx(at: datetime) -> int:
    return int(at.timestamp()) // 3600


def test_a_scene_of_arrivals_starts_from_what_the_regression_expects(
    observations: Build, panel_of: Build, settings: Settings, issued_at: datetime
) -> None:
    panel = panel_of(observations(120), ARRIVALS)
    scenery = scenery_of(panel, settings)
    scene = scenery.scene(scenery.windows_at([time_idx(issued_at)]))
    expected = Glm.fit(panel, settings, issued_at, ARRIVALS).means(panel, issued_at)
    # The regression here knows no holiday by its name.
    np.testing.assert_allclose(scene.centre, np.stack(list(expected.values())), rtol=0.05)


def test_a_fit_that_serves_later_windows_shows_none_what_comes_after_it(
    observations: Build, panel_of: Build, settings: Settings, issued_at: datetime
) -> None:
    panel = panel_of(observations(120), ARRIVALS)
    nights = [issued_at - timedelta(days=days) for days in (30, 20, 12)]
    spoiled = panel.assign(value=panel["value"].mask(panel["valid_at"] >= nights[-1], 321.0))

    def last_scene(rows: pd.DataFrame) -> Scene:
        scenery = scenery_of(rows, settings)
        windows = scenery.windows_at([time_idx(night) for night in nights])
        last = scenery.hours.time_idx[windows.row] == time_idx(nights[-1])
        return scenery.scene(windows.take(np.flatnonzero(last)))

    honest, tempted = last_scene(panel), last_scene(spoiled)
    for field in fields(Scene):
        if field.name != "value":
            np.testing.assert_array_equal(getattr(honest, field.name), getattr(tempted, field.name))


def test_the_level_goes_on_after_the_fit(
    observations: Build, panel_of: Build, settings: Settings, issued_at: datetime
) -> None:
    panel = panel_of(observations(120), ARRIVALS)
    doubled = panel["valid_at"] >= issued_at - timedelta(days=40)
    grown = panel.assign(value=panel["value"].mask(doubled, panel["value"] * 2))
    scenery = scenery_of(grown, settings)
    windows = scenery.windows_at([time_idx(issued_at - timedelta(days=days)) for days in (40, 10)])
    centre = scenery.scene(windows).centre.mean(axis=1)
    sites = len(windows) // 2
    assert len(set(windows.climate.tolist())) == sites
    assert (centre[sites:] > 1.5 * centre[:sites]).all()


def test_a_census_starts_from_its_climate(observations: Build, panel_of: Build) -> None:
    assert regressions(panel_of(observations(60), Target.BED_CENSUS), Target.BED_CENSUS) is None


def test_a_network_goes_on_from_what_it_was_trained_to_correct(
    observations: Build, panel_of: Build, settings: Settings, issued_at: datetime, tmp_path: Path
) -> None:
    panel = panel_of(observations(60), ARRIVALS)
    training, vocabulary = settings.training, Vocabulary.of(panel)
    shape = Shape(
        levels=settings.horizon.quantile_levels,
        categories=vocabulary.sizes,
        encoder_hours=training.encoder_hours,
        hidden_size=training.hidden_size,
        attention_heads=training.attention_heads,
        dropout=training.dropout,
    )
    network = build_network(shape).eval()
    lead = settings.lead_hours
    regressed = TrainedTFT(ARRIVALS, lead, shape, vocabulary, issued_at, True, {}, [], (network,))
    climatic = replace(regressed, regressed=False)
    regressed.save(tmp_path)
    pd.testing.assert_frame_equal(
        load(tmp_path).predict(panel, issued_at), regressed.predict(panel, issued_at)
    )
    # Saved before there was a choice.
    description = json.loads((tmp_path / DESCRIPTION_FILE).read_text())
    del description["regressed"]
    (tmp_path / DESCRIPTION_FILE).write_text(json.dumps(description))
    old = load(tmp_path)
    pd.testing.assert_frame_equal(old.predict(panel, issued_at), climatic.predict(panel, issued_at))
    assert not old.predict(panel, issued_at).equals(regressed.predict(panel, issued_at))
    assert (can_refresh(regressed, settings), can_refresh(old, settings)) == (True, False)
