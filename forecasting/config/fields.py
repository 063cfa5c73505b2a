"""The values of hospital.toml: what each may be."""

from __future__ import annotations

from datetime import time
from functools import cache
from typing import Annotated
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field


@cache
def _time_zones() -> frozenset[str]:
    # To list them the whole zone database is walked.
    return frozenset(available_timezones())


def _known_time_zone(name: str) -> str:
    if name not in _time_zones():
        raise ValueError("not an IANA time zone; allowed are names such as Europe/London")
    return name


def _without_zone(at: time) -> time:
    if at.tzinfo is not None:
        raise ValueError("a time on the local clock has no offset; write it as 07:00")
    return at


Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
SourceName = Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f]+$")]
Title = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")]
"""A name as people read it."""
TimeZoneName = Annotated[str, AfterValidator(_known_time_zone)]
LocalTime = Annotated[time, AfterValidator(_without_zone)]
Level = Annotated[float, Field(gt=0, lt=1)]
Positive = Annotated[int, Field(ge=1, le=10**9)]
Count = Annotated[int, Field(ge=0, le=10**9)]
Days = Annotated[int, Field(ge=1, le=36_525)]
"""At most a century, so that no date before them is out of the calendar."""
LookbackDays = Annotated[int, Field(ge=0, le=60)]
Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Money = Annotated[float, Field(ge=0, allow_inf_nan=False)]
UserId = Annotated[str, Field(max_length=256, pattern=r"^\S+$")]
