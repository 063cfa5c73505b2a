from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from datetime import datetime

import numpy as np
import pandas as pd
import pytest
import torch

from forecasting.config import Settings
from forecasting.models.tft.hours import STATIC_CATEGORIES, Vocabulary
from forecasting.models.tft.interpretation import WORDS, interpret
from forecasting.models.tft.network import Shape, build_network
from forecasting.models.tft.scenes import DECODER_REALS, ENCODER_REALS, REALS, STATIC_REALS, WEATHER_REALS
from forecasting.models.tft.trained import TrainedTFT
from forecasting.schema import Target

pytestmark = pytest.mark.integration

Build = Callable[..., pd.DataFrame]
CENSUS = Target.BED_CENSUS


@pytest.fixture(scope="module")
def panel(observations: Build, panel_of: Build) -> pd.DataFrame:
    return panel_of(observations(60), CENSUS)


@pytest.fixture(scope="module")
def trained(panel: pd.DataFrame, settings: Settings, issued_at: datetime) -> TrainedTFT:
    torch.manual_seed(1)
    vocabulary = Vocabulary.of(panel)
    shape = Shape(settings.horizon.quantile_levels, vocabulary.sizes, 72, 8, 2, 0.0)
    network = build_network(shape).eval()
    return TrainedTFT(CENSUS, settings.lead_hours, shape, vocabulary, issued_at, False, {}, [], (network,))


def test_every_variable_has_words() -> None:
    assert set(WORDS) == {*STATIC_CATEGORIES, *REALS, *WEATHER_REALS}


def test_shares_of_each_part_sum_to_one_and_the_largest_come_first(
    trained: TrainedTFT, panel: pd.DataFrame, issued_at: datetime
) -> None:
    told = interpret(trained, panel, issued_at).variables
    parts = told.groupby("part", sort=False)
    assert list(parts.groups) == ["static", "encoder", "decoder"]
    np.testing.assert_allclose(parts["importance"].sum(), 1.0)
    assert all(part["importance"].is_monotonic_decreasing for _, part in parts)
    names = {
        "static": (*STATIC_CATEGORIES, *STATIC_REALS),
        "encoder": ENCODER_REALS,
        "decoder": DECODER_REALS,
    }
    for part, rows in parts:
        assert set(rows["variable"]) == {WORDS[name] for name in names[str(part)]}


def test_a_variable_that_is_made_to_count_for_more_is_told_so(
    trained: TrainedTFT, panel: pd.DataFrame, issued_at: datetime
) -> None:
    partial = deepcopy(trained.networks[0])
    bias = partial.decoder_variable_selection.flattened_grn.gate_norm.add_norm.norm.bias
    with torch.no_grad():
        bias[partial.decoder_variables.index("headroom")] += 5.0
    told = interpret(replace(trained, networks=(partial,)), panel, issued_at).variables
    assert told[told["part"] == "decoder"].iloc[0]["variable"] == "free beds"


def test_attention_is_told_by_encoder_hour_for_each_day_ahead(
    trained: TrainedTFT, panel: pd.DataFrame, issued_at: datetime
) -> None:
    told = interpret(trained, panel, issued_at).attention
    assert told["lead"].unique().tolist() == list(range(0, trained.lead_hours, 24))
    looks = told.groupby("lead")
    assert all(rows["hour"].tolist() == list(range(-72, 0)) for _, rows in looks)
    assert told["attention"].between(0, 1).all()
    on_the_past = looks["attention"].sum()
    assert on_the_past[0] == pytest.approx(1.0)
    # The later the hour, the more of those before it are there to look at.
    assert on_the_past.is_monotonic_decreasing


def test_the_model_forecasts_as_before_and_sees_nothing_later(
    trained: TrainedTFT, panel: pd.DataFrame, issued_at: datetime
) -> None:
    before = trained.predict(panel, issued_at)
    past = issued_at - pd.Timedelta(days=9).to_pytimedelta()
    honest = interpret(trained, panel, past)
    tempted = interpret(
        trained, panel.assign(value=panel["value"].mask(panel["valid_at"] >= past, 99.0)), past
    )
    pd.testing.assert_frame_equal(honest.variables, tempted.variables)
    pd.testing.assert_frame_equal(honest.attention, tempted.attention)
    pd.testing.assert_frame_equal(trained.predict(panel, issued_at), before)
    assert not trained.networks[0].explains


def test_a_panel_without_history_is_refused_in_words(
    trained: TrainedTFT, panel: pd.DataFrame, issued_at: datetime
) -> None:
    with pytest.raises(ValueError, match="bed_census: no series"):
        interpret(trained, panel.iloc[:0], issued_at)
