"""Who decides on a plan, until when."""

from __future__ import annotations

from datetime import time
from enum import StrEnum
from typing import Self

from pydantic import model_validator

from forecasting.config.fields import Count, LocalTime, Money, UserId
from forecasting.config.table import Table, refuse_repeats


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
    """Whether people decide on a site's plan for the day after the night, who, until when, and what if not.

    ``heads_changed`` and ``wages_changed`` are thresholds: so many heads more or fewer than are rostered,
    added up over that day's shifts, and so much more or less in wages, are still approved without asking;
    above either of those given people are asked. ``approvers`` are the users who may answer, by the id that
    Airflow's auth manager gives them; without, anyone may who may answer in Airflow. ``until`` is local at
    the site.
    """

    ask: Ask = Ask.NONE
    heads_changed: Count | None = None
    wages_changed: Money | None = None
    approvers: tuple[UserId, ...] = ()
    until: LocalTime = time(6, 30)
    on_timeout: OnTimeout = OnTimeout.LEAVE

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        thresholds = {"heads_changed": self.heads_changed, "wages_changed": self.wages_changed}
        given = [f"{name} = {value:g}" for name, value in thresholds.items() if value is not None]
        if self.ask is Ask.ABOVE_THRESHOLD and not given:
            raise ValueError(
                f"approval.ask = {self.ask.value!r} needs {' or '.join(thresholds)}: above what to ask"
            )
        if self.ask is not Ask.ABOVE_THRESHOLD and given:
            raise ValueError(
                f"approval.ask = {self.ask.value!r} with {', '.join(given)}: "
                f"only {Ask.ABOVE_THRESHOLD.value!r} takes a threshold"
            )
        if self.ask is Ask.NONE and self.approvers:
            raise ValueError(
                f"approval.approvers = {', '.join(self.approvers)}, but nobody is asked: "
                f"set ask to {Ask.ALWAYS.value!r} or {Ask.ABOVE_THRESHOLD.value!r}, or drop approvers"
            )
        refuse_repeats("approval.approvers", list(self.approvers))
        return self
