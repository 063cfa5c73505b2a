"""The protocol gives the figures that others reached on the same origins."""

from __future__ import annotations

import pandas as pd
import pytest

from benchmarks import iowa
from forecasting.models import Climatology, SeasonalNaive

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not iowa.DATA.exists(), reason=f"Iowa's data are not there: {iowa.DATA}"),
]


@pytest.fixture(scope="module")
def observed() -> pd.DataFrame:
    return iowa.history()


def losses(model: type[iowa.Forecasts], observed: pd.DataFrame) -> iowa.Losses:
    configured = iowa.settings()
    forecast = iowa.forecasts(
        lambda seen, origin: model.fit(seen, configured, origin, iowa.TARGET),
        iowa.panel(observed, configured),
        iowa.TEST,
    )
    return iowa.losses(forecast, observed)


def test_seasonal_naive_loses_what_it_lost_elsewhere(observed: pd.DataFrame) -> None:
    assert losses(SeasonalNaive, observed).wql == pytest.approx(0.1977, abs=5e-5)


def test_our_climatology_is_better_than_that_of_26_weeks(observed: pd.DataFrame) -> None:
    assert losses(Climatology, observed).wql < 0.1740
