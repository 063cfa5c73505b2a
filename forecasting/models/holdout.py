"""What a model would have said on past nights, seen with no more than was known then."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

import pandas as pd

from forecasting.config import Settings
from forecasting.models.weather import weather_known_at
from forecasting.schema import FORECAST

DAYS_BETWEEN_ISSUES = 2


def holdout_start(settings: Settings, issued_at: datetime) -> datetime:
    """The issue time of the night that opens the holdout: no model to be scored on it has seen more."""
    night = issued_at.astimezone(settings.group.zone).date()
    return settings.issued_at(night - timedelta(days=settings.training.holdout_days))


def holdout_issue_times(settings: Settings, issued_at: datetime) -> list[datetime]:
    """Every second night's issue time in the holdout whose whole forecast lies before ``issued_at``.

    Where the holdout is shorter than the forecast, its first night alone.
    """
    night = issued_at.astimezone(settings.group.zone).date()
    days = range(settings.training.holdout_days, 0, -DAYS_BETWEEN_ISSUES)
    times = [settings.issued_at(night - timedelta(days=day)) for day in days]
    whole = [time for time in times if time + timedelta(hours=settings.lead_hours) <= issued_at]
    return whole or times[:1]


def backcast(
    forecast: Callable[[pd.DataFrame, datetime], pd.DataFrame],
    panel: pd.DataFrame,
    issue_times: Iterable[datetime],
) -> pd.DataFrame:
    """Forecasts issued at past times, each from a panel in which later values are blanked.

    Args:
        forecast: (panel, issue time) -> rows of :data:`forecasting.schema.FORECAST`; a fitted model's
            ``predict``, or a function that first fits.
        panel: of one target, built at a later issue time.
        issue_times: when the forecasts are issued.
    """
    frames = [forecast(as_known_at(panel, time), time) for time in issue_times]
    return pd.concat(frames, ignore_index=True) if frames else FORECAST.empty()


def as_known_at(panel: pd.DataFrame, issued_at: datetime) -> pd.DataFrame:
    """The panel with every value at or after ``issued_at`` blanked, and its weather as it was told by then.

    Its history features need no blanking: they reach back past any issue time by construction.
    """
    later = panel["valid_at"] >= issued_at
    known = weather_known_at(panel, issued_at)
    return known.assign(value=panel["value"].mask(later), observed=panel["observed"].mask(later, 0))
