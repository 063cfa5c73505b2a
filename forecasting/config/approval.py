"""Who decides on a plan, until when."""

from __future__ import annotations

from datetime import time
from enum import StrEnum
from typing import Self

from pydantic import model_validator

from forecasting.config.fields import Count
from forecasting.config.table import Table


class Ask(StrEnum):
    """When people are asked before a site's plan is approved."""

    NONE = "none"
    ABOVE_THRESHOLD = "above_threshold"
    ALWAYS = "always"


class OnTimeout(StrEnum):
    """What becomes of a plan that nobody decided on in time."""

    APPROVE = "approve"
    LEAVE = "leave"


class Approval(Table):
    """Whether people decide on a site's plan for the day after the night, until when, and what if they don't.

    ``heads_changed`` is the threshold: so many heads more or fewer than are rostered, added up over that
    day's shifts, are still approved without asking. ``until`` is local at the site.
    """

    ask: Ask = Ask.NONE
    heads_changed: Count | None = None
    until: time = time(6, 30)
    on_timeout: OnTimeout = OnTimeout.LEAVE

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.ask is Ask.ABOVE_THRESHOLD) != (self.heads_changed is not None):
            raise ValueError(
                f"approval.ask = {self.ask.value!r} with heads_changed = {self.heads_changed}: "
                f"{Ask.ABOVE_THRESHOLD.value!r} needs heads_changed, and no other takes it"
            )
        return self
