"""How the nights' forecasts are watched."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from forecasting.config.fields import Share
from forecasting.config.table import Table


class Monitoring(Table):
    """How many days of outcomes the monitor judges by, and when it asks for a training."""

    window_days: Annotated[int, Field(ge=14, le=366)] = 28
    recent_days: Annotated[int, Field(ge=7, le=183)] = 7
    """Of which it asks whether the loss has drifted, against the window before them."""
    retrain_share: Share = 0.25
    """Of a target's series: if more have fallen back, or changed their level, a training is asked for."""
