from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from forecasting.models.standing import Standing
from forecasting.schema import Target

pytestmark = pytest.mark.unit

Build = Callable[..., pd.DataFrame]
DAYS = 200
RATE = 3.0


@pytest.fixture
def rows(observations: Build, panel_of: Build) -> pd.DataFrame:
    """A series that is Poisson of one rate, with hours ahead."""
    panel = panel_of(observations(DAYS), Target.ED_ARRIVALS)
    key = panel.iloc[0]
    one = panel[(panel["site_id"] == key["site_id"]) & (panel["unit_id"] == key["unit_id"])]
    came = np.random.default_rng(5).poisson(RATE, len(one)).astype(float)
    rows: pd.DataFrame = one.assign(value=came).reset_index(drop=True)
    return rows


def expected(rows: pd.DataFrame, now: int) -> np.ndarray:
    hours = np.arange(now, now + 168)
    return Standing.of(rows, now).expected(np.full(168, now), hours)


def now_of(rows: pd.DataFrame, issued_at: datetime) -> int:
    return int(rows["valid_at"].searchsorted(pd.Timestamp(issued_at)))


def test_a_steady_series_has_its_rate_expected(rows: pd.DataFrame, issued_at: datetime) -> None:
    now = now_of(rows, issued_at)
    standing = Standing.of(rows, now)
    assert np.abs(standing.changed[60 : now // 24] - 1).mean() < 0.01
    assert expected(rows, now).mean() == pytest.approx(RATE, rel=0.05)


@pytest.mark.parametrize("size", [0.6, 1.4])
def test_a_change_of_level_is_expected_to_last_after_a_week(
    rows: pd.DataFrame, issued_at: datetime, size: float
) -> None:
    since = rows["valid_at"] >= issued_at - timedelta(days=9)
    changed = rows.assign(value=np.where(since, np.round(rows["value"] * size), rows["value"]))
    now = now_of(rows, issued_at)
    level = changed["value"].to_numpy()[now - 9 * 24 : now].mean()
    assert expected(changed, now).mean() == pytest.approx(level, rel=0.07)


def test_values_from_the_present_on_are_not_read(rows: pd.DataFrame, issued_at: datetime) -> None:
    now = now_of(rows, issued_at)
    spoiled = rows.assign(value=rows["value"].mask(rows["valid_at"] >= issued_at, 1e4))
    np.testing.assert_array_equal(expected(rows, now), expected(spoiled, now))


def test_weeks_of_zeros_leave_a_number(rows: pd.DataFrame, issued_at: datetime) -> None:
    silent = rows.assign(value=rows["value"].where(rows["valid_at"] < issued_at - timedelta(days=40), 0.0))
    assert np.isfinite(expected(silent, now_of(rows, issued_at))).all()
