from __future__ import annotations

from collections.abc import Callable
from datetime import date

import numpy as np
import pandas as pd
import pytest

from forecasting.config import Settings
from forecasting.models.glm.terms import Terms, level_knots, names_near, terms_of
from forecasting.models.interface import series_of
from forecasting.schema import Target

pytestmark = pytest.mark.unit

Build = Callable[..., pd.DataFrame]


@pytest.fixture(scope="module")
def rows(observations: Build, panel_of: Build) -> pd.DataFrame:
    """A year and a bit of the ED of the site in the west."""
    panel = panel_of(observations(400), Target.ED_ARRIVALS)
    return dict(series_of(panel))["west", "ed"]


def named(rows: pd.DataFrame, settings: Settings, offset: int) -> dict[date, str]:
    names = names_near(rows, settings.site("west"), offset)
    local = rows["valid_at"].dt.tz_convert("America/Los_Angeles").dt.date
    return {day: name for day, name in zip(local, names, strict=True) if name}


def test_holidays_are_those_of_the_sites_own_dates(rows: pd.DataFrame, settings: Settings) -> None:
    assert named(rows, settings, 0)[date(2025, 12, 25)] == "Christmas Day"
    assert named(rows, settings, 1)[date(2025, 12, 24)] == "Christmas Day"
    assert named(rows, settings, -1)[date(2025, 12, 26)] == "Christmas Day"
    assert named(rows, settings, 1)[date(2025, 12, 31)] == "New Year's Day"
    assert date(2025, 12, 24) not in named(rows, settings, 0)


@pytest.mark.parametrize(("days", "waves"), [(300, 0), (400, 4), (729, 4), (730, 12)])
def test_the_longer_the_history_the_shorter_the_seasons(
    rows: pd.DataFrame, settings: Settings, days: int, waves: int
) -> None:
    hours = rows["time_idx"].iloc[0] + np.array([0, days * 24 - 1])
    assert terms_of(rows.iloc[:2].assign(time_idx=hours), settings.site("west")).waves == waves


@pytest.mark.parametrize("waves", [0, 4, 12])
def test_each_column_has_its_prior(rows: pd.DataFrame, settings: Settings, waves: int) -> None:
    terms = Terms(settings.site("west"), waves, (("Christmas Day", 0), ("Christmas Day", 1)))
    columns, precision = terms.columns(rows), terms.precision()
    assert columns.shape == (len(rows), len(precision))
    assert np.isfinite(columns).all()
    assert np.linalg.eigvalsh(precision).min() > 0
    assert columns[:, -2].sum() == columns[:, -1].sum() == 24


def test_the_prior_lets_hours_of_the_day_differ_more_than_days_of_the_week(settings: Settings) -> None:
    covariance = np.linalg.inv(Terms(settings.site("west"), 0, ()).precision())[:168, :168]

    def apart(one: int, other: int) -> float:
        return float(covariance[one, one] + covariance[other, other] - 2 * covariance[one, other])

    assert apart(12, 13) < apart(12, 0)
    assert apart(12, 12 + 48) < apart(12, 0)
    assert apart(12, 12 + 48) > 0.1**2


def test_a_level_between_knots_is_a_straight_line_and_its_drift_is_held() -> None:
    columns, precision = level_knots(np.arange(2000.0)[::-1])
    knots = np.arange(columns.shape[1], dtype=float)
    line = columns @ knots
    assert np.diff(line) == pytest.approx(np.diff(line)[0])
    jump = np.eye(len(knots))[1]
    assert jump @ precision @ jump > np.ones(len(knots)) @ precision @ np.ones(len(knots)) > 0
