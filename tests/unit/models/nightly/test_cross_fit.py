from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from scipy.stats import norm

from forecasting.models.nightly.cross_fit import cross_fitted
from forecasting.models.quantile_table import hours_long
from forecasting.schema import FORECAST, Target

pytestmark = pytest.mark.unit

LEVELS = (0.1, 0.5, 0.9)
NOW = pd.Timestamp("2026-06-10 07:00", tz="UTC")
NIGHTS = [NOW - timedelta(days=day) for day in range(28, 7, -2)]
CENSUS = Target.BED_CENSUS


def saying(nights: list[pd.Timestamp], mean: float, name: str) -> pd.DataFrame:
    rows = [(at, "west", "ward", at + timedelta(hours=hour)) for at in nights for hour in range(168)]
    hours = pd.MultiIndex.from_tuples(rows, names=["issued_at", "site_id", "unit_id", "valid_at"])
    quantiles = np.tile(mean + 3 * norm.ppf(LEVELS), (len(hours), 1))
    return hours_long(pd.DataFrame(quantiles, hours, LEVELS), CENSUS.value, name, "1")


def outcomes(mean: float = 20.0) -> pd.DataFrame:
    hours = pd.date_range(NIGHTS[0], NOW, freq="h", inclusive="left")
    value = np.rint(np.random.default_rng(0).normal(mean, 3, len(hours)))
    return pd.DataFrame({"site_id": "west", "unit_id": "ward", "valid_at": hours, "value": value})


def told(past: dict[str, pd.DataFrame], panel: pd.DataFrame) -> pd.DataFrame:
    return cross_fitted(past, panel, LEVELS, NOW.to_pydatetime(), CENSUS)


def of_night(said: pd.DataFrame, night: pd.Timestamp) -> np.ndarray:
    return said.xs(night, level="issued_at").to_numpy()


@given(night=st.sampled_from(NIGHTS), hour=st.integers(0, 167), value=st.floats(0, 500))
@examples(max_examples=15, deadline=None)
def test_what_came_in_an_hour_changes_no_forecast_of_that_hour(
    night: pd.Timestamp, hour: int, value: float
) -> None:
    past = {"right": saying(NIGHTS, 20, "right"), "high": saying(NIGHTS, 26, "high")}
    panel = outcomes()
    at = night + timedelta(hours=hour)
    other = panel.assign(value=panel["value"].mask(panel["valid_at"] == at, value))
    ours, theirs = (told(past, came).xs(at, level="valid_at") for came in (panel, other))
    np.testing.assert_array_equal(ours.to_numpy(), theirs.to_numpy())


def test_every_night_is_spoken_of_and_the_other_half_taught_whom_to_trust() -> None:
    past = {"right": saying(NIGHTS, 20, "right"), "high": saying(NIGHTS, 32, "high")}
    said = told(past, outcomes())
    assert sorted(said.index.unique("issued_at")) == NIGHTS
    assert abs(of_night(said, NIGHTS[0])[-24:, 1].mean() - 20) < 4
    assert abs(of_night(said, NIGHTS[-1])[-24:, 1].mean() - 20) < 4


def test_of_one_night_nothing_is_learnt() -> None:
    past = {"low": saying(NIGHTS[:1], 10, "low"), "high": saying(NIGHTS[:1], 30, "high")}
    np.testing.assert_allclose(told(past, outcomes())[0.5], 20)


def test_no_forecasts_give_none() -> None:
    assert told({"silent": FORECAST.empty()}, outcomes()).empty
