"""A hospital campus: its units, its pools, its clock."""

from __future__ import annotations

from typing import Annotated, Self
from zoneinfo import ZoneInfo

import holidays
from pydantic import Field, model_validator

from forecasting.config.approval import Approval
from forecasting.config.fields import (
    Count,
    Identifier,
    LookbackDays,
    Positive,
    SourceName,
    TimeZoneName,
    Title,
)
from forecasting.config.table import Table, refuse_repeats
from forecasting.config.unit import Unit, UnitType


class FloatPool(Table):
    """Heads of one role who go to whichever of some units needs them; rostered under the pool's id."""

    pool_id: Identifier
    name: Title
    role: Identifier
    units: Annotated[tuple[Identifier, ...], Field(min_length=1)]
    least: Count = 0
    most: Positive

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.least > self.most:
            raise ValueError(
                f"float pool {self.pool_id!r} has at least {self.least} heads on each shift and at most "
                f"{self.most}; swap them"
            )
        return self


class Site(Table):
    """A hospital campus; ``source_id`` is what the source calls it, where that is not its ``site_id``."""

    site_id: Identifier
    source_id: SourceName | None = None
    name: Title
    time_zone: TimeZoneName
    country: str
    subdivision: str | None = None
    ratio_set: Identifier | None = None
    lookback_days: LookbackDays | None = None
    """How far its nights re-read; None: as ``source.lookback_days`` says."""
    approval: Approval = Approval()
    units: Annotated[tuple[Unit, ...], Field(min_length=1)]
    float_pools: tuple[FloatPool, ...] = ()

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which the site's shifts, weekdays and holidays are read."""
        return ZoneInfo(self.time_zone)

    @property
    def ed(self) -> Unit | None:
        """The site's emergency department, if it has one."""
        return next((unit for unit in self.units if unit.unit_type is UnitType.ED), None)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        pool_ids = [pool.pool_id for pool in self.float_pools]
        refuse_repeats("unit_id or pool_id", [unit.unit_id for unit in self.units] + pool_ids)
        refuse_repeats("source_id", [unit.source_id or unit.unit_id for unit in self.units])
        if sum(unit.unit_type is UnitType.ED for unit in self.units) > 1:
            raise ValueError(f"site {self.site_id!r} has more than one unit of type 'ed'; one is allowed")
        supported = holidays.list_supported_countries()
        if self.country not in supported:
            raise ValueError(f"country {self.country!r} is unknown; allowed are ISO codes such as US, GB, DE")
        if self.subdivision is not None and self.subdivision not in supported[self.country]:
            raise ValueError(
                f"subdivision {self.subdivision!r} is not one of {self.country}; "
                f"allowed: {', '.join(supported[self.country])}"
            )
        return self
