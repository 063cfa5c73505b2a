"""What past nights' plans were worth, week by week: heads short, heads over and cost of every way to plan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

import numpy as np
import pandas as pd

from forecasting.pipeline.backtest.decisions import (
    DAYS_PER_WEEK,
    DecidedWeek,
    PastSite,
    decided_dates,
    decided_week,
)
from forecasting.schema import Target
from forecasting.staffing.distribution import Reals
from forecasting.staffing.ed_waits import WaitingLine
from forecasting.staffing.role_plan import FLOAT_POOL
from forecasting.staffing.waiting import WaitingError
from forecasting.staffing.worth import OURS, PERFECT, Worths, plans_of_ways, settled, worth_at_prices

FACTORS = (0.2, 0.3, 0.45, 0.7, 1.5)
"""Prices of a missing head, over the configured one, at which about what a roster costs is paid or short."""
COLUMNS = [
    "week", "site_id", "role", "unit_id", "unit_type", "way", "price",
    "short_hours", "over_hours", "cost", "paid", "arrived", "left_unseen", "waited_minutes",
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
        ``unit_type`` of a pool :data:`FLOAT_POOL`; hours are head-hours. Of an ED's role with a ratio of
        patients, at the configured price: patients who arrived, expected to leave unseen, and the minutes
        that the others wait, all of them together; else missing.

    Raises:
        BacktestRefused: see there.
    """
    dates = decided_dates(nights, past.settings, past.site, lead_days)
    types = {unit.unit_id: unit.unit_type.value for unit in past.site.units}
    rows = [
        {"week": week.first, "site_id": past.site.site_id, "role": week.role_id, "unit_id": post_id}
        | {"unit_type": types.get(post_id, FLOAT_POOL), "way": way, "price": factor}
        | vars(worth)
        | waits.get(post_id, {})
        for first in range(0, len(dates), DAYS_PER_WEEK)
        for week in decided_week(past, dates[first : first + DAYS_PER_WEEK])
        for way, factor, worths, waits in _worths(week, factors)
        for post_id, worth in worths.items()
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _worths(
    week: DecidedWeek, factors: tuple[float, ...]
) -> Iterator[tuple[str, float, Worths, dict[str, dict[str, float]]]]:
    case = week.case.site
    lines = dict(_waiting_lines(week))
    for way, heads in plans_of_ways(case, week.needs).items():
        waits = {
            unit_id: _waited(line, arrived, heads[unit_id]) for unit_id, (line, arrived) in lines.items()
        }
        yield way, 1.0, settled(case, week.needs, heads), waits
    for way in (OURS, PERFECT):
        for factor, worths in worth_at_prices(case, week.needs, way, factors).items():
            yield way, factor, worths, {}


def _waiting_lines(week: DecidedWeek) -> Iterator[tuple[str, tuple[WaitingLine, Reals]]]:
    """The queue of the ED by its id, and the patients who arrived on each shift; none without a ratio."""
    for place in week.places:
        unit_id = place.unit.unit_id
        if unit_id not in week.needs:
            continue
        try:
            line = WaitingLine(place, week.case)
        except WaitingError:
            continue
        came = place.outlooks[unit_id, Target.ED_ARRIVALS]
        by_hour = came.drawn(1)[0]
        arrived = [by_hour[came.hours.isin(shift.hours)].sum() for shift in week.case.shifts]
        yield unit_id, (line, np.array(arrived))


def _waited(line: WaitingLine, arrived: Reals, heads: Sequence[int]) -> dict[str, float]:
    try:
        waits = line.at(heads)
    except WaitingError:
        return {}
    left = arrived * np.array([wait.left_unseen for wait in waits])
    waited = (arrived - left) * np.array([wait.minutes for wait in waits])
    return {
        "arrived": float(arrived.sum()),
        "left_unseen": float(np.nansum(left)),
        "waited_minutes": float(np.nansum(waited)),
    }
