from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise

import pandas as pd
import pytest

from forecasting.config import Settings
from forecasting.models import backcast, holdout_issue_times, holdout_start
from forecasting.schema import FORECAST, Target

pytestmark = pytest.mark.unit


def test_every_second_night_of_the_holdout_is_issued_at_the_nights_hour(
    settings: Settings, issued_at: datetime
) -> None:
    times = holdout_issue_times(settings, issued_at)
    assert times[0] == holdout_start(settings, issued_at) == issued_at - timedelta(days=14)
    assert {later - earlier for earlier, later in pairwise(times)} == {timedelta(days=2)}
    assert times[-1] + timedelta(hours=settings.lead_hours) <= issued_at


def test_issue_times_keep_the_local_hour_over_a_clock_change(settings: Settings) -> None:
    night = pd.Timestamp("2026-03-18").date()
    times = holdout_issue_times(settings, settings.issued_at(night))
    assert {time.astimezone(settings.group.zone).hour for time in times} == {settings.group.issue_hour}
    assert {time.hour for time in times} == {7, 8}


def test_a_holdout_shorter_than_the_forecast_still_has_its_first_night(
    settings: Settings, issued_at: datetime
) -> None:
    short = settings.model_copy(update={"training": settings.training.model_copy(update={"holdout_days": 7})})
    assert holdout_issue_times(short, issued_at) == [holdout_start(short, issued_at)]


def test_a_past_night_is_shown_nothing_that_came_later(
    observations: Callable[..., pd.DataFrame],
    panel_of: Callable[..., pd.DataFrame],
    settings: Settings,
    issued_at: datetime,
) -> None:
    """Not even through the features, which were built with all that came."""
    target, past = Target.BED_CENSUS, issued_at - timedelta(days=10)
    every = observations(60)
    shown = {}

    def look(panel: pd.DataFrame, at: datetime) -> pd.DataFrame:
        shown[at] = panel
        return FORECAST.empty()

    backcast(look, panel_of(every, target), [past])
    built_then = panel_of(every, target, past)
    reach = shown[past]["valid_at"] < past + timedelta(hours=settings.lead_hours)
    pd.testing.assert_frame_equal(
        shown[past][reach].sort_values(["site_id", "unit_id", "valid_at"], ignore_index=True),
        built_then.sort_values(["site_id", "unit_id", "valid_at"], ignore_index=True),
    )


def test_no_nights_give_an_empty_forecast(observations: Callable[..., pd.DataFrame]) -> None:
    empty = backcast(lambda panel, at: FORECAST.empty(), observations(3), [])
    pd.testing.assert_frame_equal(empty, FORECAST.empty())


def test_importing_models_and_the_tft_loads_neither_torch_nor_lightning() -> None:
    program = (
        "import sys, forecasting.models, forecasting.models.tft, forecasting.features, forecasting.evaluate;"
        "print([name for name in ('torch', 'lightning', 'pytorch_forecasting') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
