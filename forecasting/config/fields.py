"""The values of hospital.toml: what each may be."""

from __future__ import annotations

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


Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
SourceName = Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f]+$")]
TimeZoneName = Annotated[str, AfterValidator(_known_time_zone)]
Level = Annotated[float, Field(gt=0, lt=1)]
Positive = Annotated[int, Field(ge=1)]
Count = Annotated[int, Field(ge=0)]
LookbackDays = Annotated[int, Field(ge=0, le=60)]
Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Money = Annotated[float, Field(ge=0, allow_inf_nan=False)]
UserId = Annotated[str, Field(max_length=256, pattern=r"^\S+$")]
