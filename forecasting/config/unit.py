"""The nursing units of a site."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from pydantic import model_validator

from forecasting.config.fields import Count, Identifier, Positive, Share, SourceName, Title
from forecasting.config.table import ROUNDING, Table


class UnitType(StrEnum):
    """Kinds of nursing unit, as staffing ratios tell them apart."""

    ED = "ed"
    ICU = "icu"
    STEP_DOWN = "step_down"
    TELEMETRY = "telemetry"
    MEDICAL_SURGICAL = "medical_surgical"
    PEDIATRICS = "pediatrics"
    LABOR_DELIVERY = "labor_delivery"
    POSTPARTUM = "postpartum"
    PSYCHIATRIC = "psychiatric"


LONGEST_WARD_STAY_HOURS = 240 * 24
LONGEST_STAY_HOURS = {
    UnitType.ED: 4 * 24,
    UnitType.STEP_DOWN: 120 * 24,
    UnitType.TELEMETRY: 120 * 24,
    UnitType.MEDICAL_SURGICAL: 120 * 24,
    UnitType.LABOR_DELIVERY: 60 * 24,
    UnitType.POSTPARTUM: 60 * 24,
}
"""Longer than patients stay there; of the other types, and of units that aren't configured, eight months."""


class Load(StrEnum):
    """By which patients a unit's rules are planned."""

    CENSUS = "census"
    """Those of its forecast census."""
    OFFERED = "offered"
    """Those whom its forecast arrivals and their stays lead to; an ED alone has arrivals."""


class Boarders(Table):
    """Patients in an ED who are admitted and wait for a ward's bed."""

    share: Share
    waiting_for: UnitType


class Unit(Table):
    """A nursing unit of a site, the beds it can staff, and what its rules need to know of it.

    ``source_id`` is what the source calls it, where that is not its ``unit_id``. ``longest_stay_hours`` says
    for how long a stay is counted at most, as nobody may have ended it; without, its type says.
    """

    unit_id: Identifier
    source_id: SourceName | None = None
    name: Title
    unit_type: UnitType
    beds: Positive
    longest_stay_hours: Positive | None = None
    minimum_heads: dict[Identifier, Count] = {}
    most_heads: dict[Identifier, Positive] = {}
    posts: dict[Identifier, Count] = {}
    patient_shares: dict[Identifier, Share] = {}
    boarders: Boarders | None = None
    load: Load = Load.CENSUS

    @property
    def counted_hours(self) -> int:
        """For how long a stay in it is counted at most."""
        return self.longest_stay_hours or LONGEST_STAY_HOURS.get(self.unit_type, LONGEST_WARD_STAY_HOURS)

    def __hash__(self) -> int:
        # Its tables have no hash, and a site, with its units, is a key where results are kept.
        return hash((self.unit_id, self.unit_type, self.beds))

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for role, heads in self.minimum_heads.items():
            if heads > self.beds:
                raise ValueError(
                    f"minimum_heads.{role} = {heads} of unit {self.unit_id!r} is more than its "
                    f"{self.beds} beds"
                )
        if self.load is Load.OFFERED and self.unit_type is not UnitType.ED:
            raise ValueError(
                f"unit {self.unit_id!r} of type {self.unit_type} has no arrivals to plan by: load = "
                f"{self.load.value!r} is for units of type 'ed'; allowed is {Load.CENSUS.value!r}"
            )
        shares = sum(self.patient_shares.values()) + (self.boarders.share if self.boarders else 0)
        if shares > 1 + ROUNDING:
            raise ValueError(
                f"shares of patients of unit {self.unit_id!r} add up to {shares:g}; at most 1 is allowed"
            )
        return self
