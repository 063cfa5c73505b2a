"""Who is staffed, and what an hour of them costs."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from forecasting.config.fields import Count, Identifier, Positive, Rate, Share, Title
from forecasting.config.rule import Applies, BoardersAt, RuleKind, refuse_arrivals_elsewhere
from forecasting.config.table import ROUNDING, Table, refuse_repeats
from forecasting.config.unit import UnitType


class EventMinutes(Table):
    """Work that a patient makes on a ward by coming and by going, beyond the ratio's."""

    patient_in: Annotated[float, Field(ge=0, le=600)] = 0.0
    patient_out: Annotated[float, Field(ge=0, le=600)] = 0.0


class CalledHeads(Table):
    """Heads that can be called when the need is seen: on-call, agency."""

    name: Identifier
    wage_factor: Annotated[float, Field(ge=1, allow_inf_nan=False)]
    most: Positive


class Role(Table):
    """Whom to staff, where, what an hour costs, and the group's own rule by unit type, where no other stands.

    Prices are wages times a factor: of a head beyond the roster, of one who is called; ``release_share`` of a
    wage is saved by telling a rostered head in time not to come.
    """

    title: Title
    wage: Rate = 1.0
    overtime_factor: Annotated[float, Field(ge=1, allow_inf_nan=False)] = 1.5
    release_share: Share = 0.5
    show_up_rate: Annotated[float, Field(ge=0.5, le=1)] = 1.0
    called: tuple[CalledHeads, ...] = ()
    minimum_heads: Count = 1
    unit_types: Annotated[tuple[UnitType, ...], Field(min_length=1)] = tuple(UnitType)
    patients_per_head: dict[UnitType, Rate] = {}
    hours_per_patient_day: dict[UnitType, Rate] = {}
    arrivals_per_head_hour: dict[UnitType, Rate] = {}
    applies: Applies | None = None
    not_counted: tuple[Identifier, ...] = ()
    boarders_at: BoardersAt = BoardersAt.UNIT
    spread_over_shifts: dict[Identifier, Share] = {}
    minutes_per_event: EventMinutes = EventMinutes()

    @property
    def callable_heads(self) -> int:
        """How many heads can be called at a time."""
        return sum(one.most for one in self.called)

    def figure(self, unit_type: UnitType) -> tuple[RuleKind, float] | None:
        """The group's own rule for a unit type, if there is one."""
        figures = ((kind, getattr(self, kind.value).get(unit_type)) for kind in RuleKind)
        return next(((kind, figure) for kind, figure in figures if figure is not None), None)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        refuse_repeats(
            "rule for unit type",
            [str(unit_type) for kind in RuleKind for unit_type in getattr(self, kind.value)],
        )
        refuse_arrivals_elsewhere(self.arrivals_per_head_hour)
        refuse_repeats("called heads", [one.name for one in self.called])
        if self.spread_over_shifts and abs(sum(self.spread_over_shifts.values()) - 1) > ROUNDING:
            raise ValueError(
                f"spread_over_shifts adds up to {sum(self.spread_over_shifts.values()):g}; it must to 1"
            )
        return self
