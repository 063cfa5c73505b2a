"""The periods that a backtest speaks of beside the hour: the shifts' lengths and the day."""

from __future__ import annotations

from forecasting.blocks import BLOCK_HOURS
from forecasting.config import Settings

DAY = "P1D"


def block_periods(settings: Settings) -> tuple[str, ...]:
    """Periods of the configured shifts that have a name, the shortest first, and the day."""
    lengths = {shift.hours for shift in settings.shifts}
    return tuple(name for name, hours in BLOCK_HOURS.items() if hours in lengths or name == DAY)
