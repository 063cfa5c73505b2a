"""When the group's night begins and how far its forecast speaks."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field

from forecasting.config.fields import Identifier, Level, LocalTime, TimeZoneName, Title
from forecasting.config.table import Table


class Group(Table):
    """The hospital group: its name and when its night begins."""

    name: Title
    time_zone: TimeZoneName
    issue_hour: Annotated[int, Field(ge=0, le=23)] = 3
    publish_by: LocalTime | None = None
    """Local time by which every site should be published, else people are warned; None: nobody is."""

    @property
    def time_to_publish(self) -> timedelta:
        """From the issue time until every site should be published; over midnight where that comes first."""
        until = self.publish_by or time()
        asked = timedelta(hours=until.hour - self.issue_hour, minutes=until.minute)
        return asked % timedelta(days=1)

    @property
    def zone(self) -> ZoneInfo:
        """The zone of the nightly schedule and of the night's date."""
        return ZoneInfo(self.time_zone)


def _rising(levels: tuple[float, ...]) -> tuple[float, ...]:
    if list(levels) != sorted(set(levels)):
        raise ValueError("quantile levels must rise and not repeat")
    if 0.5 not in levels:
        raise ValueError("quantile levels must contain the median, 0.5")
    return levels


class Horizon(Table):
    """How far ahead the forecast speaks, and at which quantile levels."""

    days: Annotated[int, Field(ge=1, le=14)] = 7
    quantile_levels: Annotated[tuple[Level, ...], Field(min_length=3), AfterValidator(_rising)] = (
        0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95,
    )  # fmt: skip


class Shift(Table):
    """A working period that starts at the same local time each day."""

    name: Identifier
    start: LocalTime
    hours: Annotated[int, Field(ge=4, le=24)]
