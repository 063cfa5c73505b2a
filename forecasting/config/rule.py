"""Staffing rules: what their figures are, and the group's own."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from forecasting.config.fields import Identifier, Rate
from forecasting.config.table import Table
from forecasting.config.unit import UnitType


class RuleKind(StrEnum):
    """What a staffing rule's figure is; the keys of hospital.toml bear these names."""

    PATIENTS_PER_HEAD = "patients_per_head"
    HOURS_PER_PATIENT_DAY = "hours_per_patient_day"
    ARRIVALS_PER_HEAD_HOUR = "arrivals_per_head_hour"


class Applies(StrEnum):
    """When a rule must hold: in every hour of a shift, or over the shift's mean."""

    AT_ALL_TIMES = "at_all_times"
    AVERAGE = "average"


class BoardersAt(StrEnum):
    """Whose ratio patients count at who are admitted but still in the ED: the ED's or their ward's."""

    UNIT = "unit"
    WARD = "ward"


def refuse_arrivals_elsewhere(unit_types: Iterable[UnitType]) -> None:
    """Raise ValueError where a rule by arrivals is for a unit type that has none."""
    others = [unit_type.value for unit_type in unit_types if unit_type is not UnitType.ED]
    if others:
        raise ValueError(f"arrivals_per_head_hour is for {', '.join(others)}; only 'ed' has arrivals")


class LocalRule(Table):
    """A rule of the group's own for one unit, or one unit type, with its dates and reason.

    While it holds it stands before published rules and the role's own. ``effective_until`` is the last date
    on which it holds.
    """

    rule_id: Identifier
    role: Identifier
    site_id: Identifier | None = None
    unit_id: Identifier | None = None
    unit_type: UnitType | None = None
    condition: Identifier | None = None
    patients_per_head: Rate | None = None
    hours_per_patient_day: Rate | None = None
    arrivals_per_head_hour: Rate | None = None
    applies: Applies | None = None
    not_counted: tuple[Identifier, ...] = ()
    boarders_at: BoardersAt = BoardersAt.UNIT
    effective_from: date | None = None
    effective_until: date | None = None
    reason: Annotated[str, Field(min_length=1)]

    @property
    def figure(self) -> tuple[RuleKind, float]:
        """What the rule asks."""
        (only,) = self._figures
        return only

    @property
    def _figures(self) -> list[tuple[RuleKind, float]]:
        figures = [(kind, getattr(self, kind.value)) for kind in RuleKind]
        return [(kind, figure) for kind, figure in figures if figure is not None]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(self._figures) != 1:
            raise ValueError(f"rule {self.rule_id!r} needs exactly one of {', '.join(RuleKind)}")
        if self.condition is not None and self.patients_per_head is None:
            raise ValueError(f"rule {self.rule_id!r} has a condition: give it patients_per_head")
        if (self.unit_id is None) == (self.unit_type is None):
            raise ValueError(f"rule {self.rule_id!r} needs exactly one of unit_id, unit_type")
        if self.unit_id is not None and self.site_id is None:
            raise ValueError(f"rule {self.rule_id!r} names unit_id {self.unit_id!r}: give its site_id too")
        if self.arrivals_per_head_hour is not None and self.unit_type is not None:
            refuse_arrivals_elsewhere([self.unit_type])
        if self.effective_from and self.effective_until and self.effective_until < self.effective_from:
            raise ValueError(
                f"rule {self.rule_id!r} ends on {self.effective_until}, before it begins on "
                f"{self.effective_from}"
            )
        return self
