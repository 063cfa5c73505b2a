"""How far a day's plan departs from the roster, in heads and in wages, and which thresholds that is above."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from forecasting.config import Approval, Role, Settings
from forecasting.wording import Row, counted, rows


@dataclass(frozen=True)
class Departure:
    """How far a day's plan departs from its roster."""

    heads: int
    """More and fewer than are rostered, added up; all of a post whose roster is not known."""
    wages: float
    """Of the heads added, less what releasing others saves; to the cent."""


@dataclass(frozen=True)
class Measure:
    """A departure in words, beside the threshold that the configuration has for it."""

    told: str
    size: float
    threshold: float

    @property
    def above(self) -> bool:
        """Whether people are asked for it."""
        return self.size > self.threshold

    def __str__(self) -> str:
        return f"{self.told}, {'' if self.above else 'not '}above {self.threshold:,.10g}"


def departure(plan: pd.DataFrame, settings: Settings) -> Departure:
    """How far a day's plan departs from its roster.

    Wages are those that whoever approves commits to: hours of each added head at ``overtime_factor``, less
    hours of each released one at ``release_share``. Who is called later, and the price of heads that stay
    missing, are not among them: ``expected_cost`` has both, and is hardly ever more than
    ``expected_cost_scheduled``, since a head is added where that costs less than going without. A post whose
    roster is not known counts with all its heads, at their plain wage. Nothing is known of the wages of a
    role that is not configured any more.

    Args:
        plan: STAFFING_RECOMMENDATION rows of a site and date.
        settings: give wages by role.
    """
    posts = rows(plan[plan["recommended"].notna()])
    return Departure(
        heads=sum(abs(round(row["recommended"] - (row["scheduled"] or 0))) for row in posts),
        wages=round(
            sum(_wages(row, settings.roles[row["role"]]) for row in posts if row["role"] in settings.roles), 2
        ),
    )


def measures(approval: Approval, departed: Departure) -> Sequence[Measure]:
    """What the site's thresholds look at, where it has any."""
    found = []
    if approval.heads_changed is not None:
        told = f"{counted(departed.heads, 'head')} changed"
        found.append(Measure(told, departed.heads, approval.heads_changed))
    if approval.wages_changed is not None:
        size = abs(departed.wages)
        told = f"{size:,.0f} {'less' if departed.wages < 0 else 'more'} in wages than rostered"
        found.append(Measure(told, size, approval.wages_changed))
    return found


def _wages(row: Row, role: Role) -> float:
    hours = (row["shift_end"] - row["shift_start"]) / pd.Timedelta(hours=1)
    if row["scheduled"] is None:
        factor, change = 1.0, row["recommended"]
    else:
        change = row["recommended"] - row["scheduled"]
        factor = role.overtime_factor if change > 0 else role.release_share
    return float(change * hours * role.wage * factor)
