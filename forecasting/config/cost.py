"""What it costs to be short, to be over, and to wait."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from forecasting.config.fields import Level, Rate
from forecasting.config.table import Table


class HeadCost(Table):
    """What an hour costs with a head too few and with a head too many, in any one money."""

    short: Rate = 3.0
    over: Rate = 1.0
    allow_below_median: bool = False

    @property
    def level(self) -> float:
        """The level of the requirement that costs least: short / (short + over), the newsvendor's ratio."""
        return self.short / (self.short + self.over)

    @property
    def missing_factor(self) -> float:
        """What an hour without a head costs, in hours of an added one: so that adding pays at the level.

        Who adds a head pays an hour to save what a missing one costs: the newsvendor's ratio is then
        1 - 1 / factor, which is the level where the factor is 1 + short / over.
        """
        return 1 + self.short / self.over

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if self.short < self.over and not self.allow_below_median:
            raise ValueError(
                f"short = {self.short:g} costs less than over = {self.over:g}: that staffs to a level of "
                f"{self.level:.2f}, short on most days; swap them, or set allow_below_median = true"
            )
        return self


class Waiting(Table):
    """How patients of an ED wait to be seen."""

    patience_hours: Rate = 6.0
    delay: Level | None = None
    """The share who may wait: the square-root rule then staffs an ED that is planned by its offered load."""
