"""What past nights' plans were worth, week by week: heads short, heads over and cost of every way to plan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

import pandas as pd

from forecasting.pipeline.backtest.decisions import (
    DAYS_PER_WEEK,
    DecidedWeek,
    PastSite,
    decided_dates,
    decided_week,
)
from forecasting.staffing.worth import (
    OURS,
    PERFECT,
    Worths,
    worth_at_prices,
    worth_of_ways,
)

FLOAT_POOL = "float pool"
FACTORS = (0.2, 0.3, 0.45, 0.7)
"""Prices of a missing head, over the configured one, at which about what a roster costs is paid or short."""
COLUMNS = [
    "week", "site_id", "role", "unit_id", "unit_type", "way", "price",
    "short_hours", "over_hours", "cost", "paid",
]  # fmt: skip


def worth_by_week(
    past: PastSite, nights: Sequence[date], lead_days: int, factors: tuple[float, ...] = FACTORS
) -> pd.DataFrame:
    """Each way's worth by week, role and unit, and those of ours and of perfect knowledge at other prices.

    Args:
        past: of the site.
        nights: of the issue times, in order.
        lead_days: see :func:`forecasting.pipeline.backtest.decisions.decided_dates`.
        factors: prices of a missing head besides the configured one, over that one.

    Returns:
        Rows with :data:`COLUMNS`: ``week`` is its first date, ``price`` the factor on that of a missing head,
        ``unit_type`` of a pool :data:`FLOAT_POOL`; hours are head-hours.

    Raises:
        BacktestRefused: see there.
    """
    dates = decided_dates(nights, past.settings, past.site, lead_days)
    types = {unit.unit_id: unit.unit_type.value for unit in past.site.units}
    rows = [
        {"week": week.first, "site_id": past.site.site_id, "role": week.role_id, "unit_id": post_id}
        | {"unit_type": types.get(post_id, FLOAT_POOL), "way": way, "price": factor}
        | vars(worth)
        for first in range(0, len(dates), DAYS_PER_WEEK)
        for week in decided_week(past, dates[first : first + DAYS_PER_WEEK])
        for way, factor, worths in _worths(week, factors)
        for post_id, worth in worths.items()
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _worths(week: DecidedWeek, factors: tuple[float, ...]) -> Iterator[tuple[str, float, Worths]]:
    case = week.case.site
    for way, worths in worth_of_ways(case, week.needs).items():
        yield way, 1.0, worths
    for way in (OURS, PERFECT):
        for factor, worths in worth_at_prices(case, week.needs, way, factors).items():
            yield way, factor, worths
