from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import torch

from forecasting.config import Settings
from forecasting.models.tft.hours import Hours, Vocabulary
from forecasting.models.tft.lessons import Batches
from forecasting.models.tft.scenes import Scenery, Windows
from forecasting.schema import Target

pytestmark = pytest.mark.integration

Build = Callable[..., pd.DataFrame]


@pytest.fixture(scope="module")
def scenery(observations: Build, panel_of: Build, settings: Settings) -> Scenery:
    panel = panel_of(observations(50), Target.BED_CENSUS)
    hours = Hours.of(panel, Vocabulary.of(panel))
    return Scenery(hours, Target.BED_CENSUS, settings.horizon.quantile_levels, 24, 24)


@pytest.fixture(scope="module")
def windows(scenery: Scenery) -> Windows:
    every = scenery.windows_between(0, int(scenery.hours.time_idx.max()))
    return every.take(np.arange(0, len(every), 2))


def shown(
    scenery: Scenery, windows: Windows, name: str, random: np.random.Generator | None, jittered: bool = True
) -> torch.Tensor:
    return torch.cat([batch[name] for batch in Batches(scenery, windows, 64, random, jittered=jittered)])


def test_some_windows_are_shown_as_of_a_new_unit_whose_type_is_known(
    scenery: Scenery, windows: Windows
) -> None:
    hidden = shown(scenery, windows, "categories", np.random.default_rng(0)) == 0
    site, unit, unit_type = hidden.T
    np.testing.assert_allclose(hidden.float().mean(dim=0), [0.125, 0.2, 0.05], atol=0.04)
    assert (unit & ~site & ~unit_type).any()
    assert not (site & ~unit).any()
    assert not (unit_type & ~site).any()
    assert not (shown(scenery, windows, "categories", None) == 0).any()


def test_counts_to_be_learned_as_such_are_not_spread_over_their_hour(
    scenery: Scenery, windows: Windows
) -> None:
    as_came = shown(scenery, windows, "value", None)
    learned = {
        jittered: shown(scenery, windows, "value", np.random.default_rng(0), jittered)
        for jittered in (True, False)
    }
    torch.testing.assert_close(learned[False], as_came)
    assert 0.2 < (learned[True] - as_came).abs().mean() < 0.3
