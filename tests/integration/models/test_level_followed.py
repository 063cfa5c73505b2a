"""A network learns no level: it follows that of the series it is shown."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import numpy as np
import pandas as pd
import pytest

from forecasting.config import Settings
from forecasting.models.tft import TrainedTFT, train
from forecasting.schema import Target

pytestmark = pytest.mark.integration

Build = Callable[..., pd.DataFrame]
ARRIVALS = Target.ED_ARRIVALS
DAYS = 730
LARGEST_BIAS = 0.06
SHARES = np.array([0.075, 0.1, 0.2, 0.25, 0.2, 0.1, 0.075])
"""Of the probability that lies nearest to each quantile level."""


@pytest.fixture(scope="module")
def trained(
    observations: Build,
    panel_of: Build,
    settings: Settings,
    issued_at: datetime,
    tmp_path_factory: pytest.TempPathFactory,
) -> TrainedTFT:
    """Of a hundred quiet days."""
    panel = panel_of(observations(100), ARRIVALS)
    return train(panel, settings, issued_at, ARRIVALS, tmp_path_factory.mktemp("quiet"))


@pytest.fixture(scope="module")
def history(observations: Build) -> pd.DataFrame:
    whole = observations(DAYS)
    return whole[whole["target"] == ARRIVALS.value]


def test_arrivals_that_double_in_two_years_are_forecast_at_the_level_they_have_come_to(
    trained: TrainedTFT, history: pd.DataFrame, panel_of: Build, settings: Settings, issued_at: datetime
) -> None:
    days = ((history["valid_at"] - issued_at) / pd.Timedelta(days=1)).to_numpy()
    grown = 2.0 ** (1.0 + days / DAYS)
    # Thickened by other counts, so that they stay Poisson.
    more = np.random.default_rng(5).poisson(history["value"] * (grown - 1.0))
    came = history.assign(value=history["value"] + more)
    forecast = trained.smooth(panel_of(came, ARRIVALS), issued_at)
    wide = forecast.pivot_table(index=["site_id", "valid_at"], columns="quantile", values="value")
    said = (wide @ SHARES).groupby("site_id").mean()
    # The fixture's arrivals are an eighth of the beds an hour.
    due = pd.Series({site.site_id: 2 * site.ed.beds / 8 for site in settings.sites if site.ed})
    bias = said / due - 1
    assert bias.abs().max() < LARGEST_BIAS, bias.to_dict()
