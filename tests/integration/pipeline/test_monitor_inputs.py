"""What comes in is told of any series, however short, still or broken."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecasting import pipeline, warehouse
from forecasting.config import Settings
from forecasting.deployment import Deployment
from forecasting.pipeline.monitor.asking import reasons_to_train
from forecasting.pipeline.monitor.inputs import site_inputs
from forecasting.schema import OBSERVATION, SERIES_VERDICT, Target

pytestmark = pytest.mark.integration

CONFIG = Path(__file__).parents[2] / "hospital.toml"
DAYS = 100


@pytest.fixture
def place(tmp_path: Path) -> Deployment:
    made = Deployment(config=CONFIG, var=tmp_path)
    pipeline.migrate(made)
    return made


def _record(place: Deployment, issued_at: datetime, values: np.ndarray) -> None:
    hours = pd.date_range(end=issued_at - timedelta(hours=1), periods=len(values), freq="h", unit="us")
    table = pd.DataFrame({"valid_at": hours, "value": values}).assign(
        site_id="north", unit_id="ed", target="ed_arrivals"
    )
    engine = warehouse.connect(place.warehouse)
    warehouse.record_observations(engine, "north", issued_at, OBSERVATION.conform(table))


def _told(place: Deployment, settings: Settings, issued_at: datetime) -> tuple[pd.DataFrame, pd.DataFrame]:
    return site_inputs(place, settings, settings.site("north"), Target.ED_ARRIVALS, issued_at, 35)


@pytest.mark.parametrize(
    "values",
    [np.full(5, 3.0), np.zeros(24 * DAYS), np.full(24 * DAYS, 4.0), np.r_[2.0, np.full(700, np.nan)]],
    ids=["five hours", "nobody", "always four", "silent since the first"],
)
def test_odd_series_have_no_change_of_level(
    place: Deployment, settings: Settings, issued_at: datetime, values: np.ndarray
) -> None:
    _record(place, issued_at, values)
    missing, levels = _told(place, settings, issued_at)
    assert levels["level_change"].abs().max() < 0.05
    assert missing["missing"].sum() == np.isnan(values[-35 * 24 :]).sum()
    assert missing["hours"].sum() == min(len(values), 35 * 24)


def test_a_hospital_without_a_row_is_told_as_none(
    place: Deployment, settings: Settings, issued_at: datetime
) -> None:
    missing, levels = _told(place, settings, issued_at)
    assert missing.empty
    assert levels.empty


def test_a_level_that_fell_is_told_and_the_silent_day_is_the_day_it_was(
    place: Deployment, settings: Settings, issued_at: datetime
) -> None:
    rate = np.repeat([7.0, 4.0], [24 * (DAYS - 9), 24 * 9])
    values = np.random.default_rng(4).poisson(rate).astype(float)
    values[-72:-48] = np.nan
    _record(place, issued_at, values)
    missing, levels = _told(place, settings, issued_at)
    assert levels["level_change"].iloc[0] < -0.15
    silent = missing.loc[missing["missing"] > 0]
    assert silent["day"].tolist() == [issued_at.date() - timedelta(days=3)]
    assert silent["missing"].tolist() == [24]


def test_a_training_is_due_where_more_than_a_share_has_fallen_or_moved_or_all_have_drifted() -> None:
    rows = [{"unit_id": f"u{number}", "state": "ok", "level_change": 0.0} for number in range(4)]
    verdicts = SERIES_VERDICT.empty().reindex(range(4)).assign(**pd.DataFrame(rows))
    steady = pd.DataFrame({"change": [0.3], "drifted": [False]})
    assert reasons_to_train(verdicts, steady, 0.25) == []
    one = verdicts.assign(state=["fallback", "ok", "ok", "ok"])
    assert reasons_to_train(one, steady, 0.25) == []
    two = verdicts.assign(state=["fallback", "fallback", "ok", "ok"])
    assert reasons_to_train(two, steady, 0.25) == ["2 of 4 series have fallen back to climatology"]
    moved = verdicts.assign(level_change=[-0.4, 0.3, 0.05, 0.0])
    assert reasons_to_train(moved, steady, 0.25) == ["2 of 4 series have changed their level"]
    drifted = reasons_to_train(verdicts, steady.assign(drifted=True), 0.25)
    assert drifted == ["the loss against climatology's has grown by 30% of it"]
