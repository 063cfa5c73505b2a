"""What a table of weekly worths adds up to: each way's sums, and how sure the differences are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import numpy as np
import pandas as pd

from forecasting.evaluate import Estimate, Resampling, estimate_of
from forecasting.staffing.worth import CLIMATOLOGY, OURS, PERFECT, ROSTER, share_closed

MEASURES = ["short_hours", "over_hours", "cost", "paid"]
WAITS = ["wait_minutes", "left_unseen_share"]
"""Of the EDs' patients; missing where there are none."""
PATIENTS = ["arrived", "left_unseen", "waited_minutes"]
AS_PRICED = 1.0
"""The factor at which a missing head costs what is configured."""
RESAMPLING = Resampling(draws=1000)

Figure = Callable[[np.ndarray], float]


@dataclass(frozen=True)
class Frontier:
    """What a way's plans at all prices of a missing head come to against the fixed roster."""

    short_at_equal_cost: Estimate
    """Head-hours short over the roster's, where as much is paid for wages and calls."""
    saved_at_equal_short: Estimate
    """Share of what the roster pays that is saved, where as many head-hours are short."""


@dataclass(frozen=True)
class WorthFigures:
    """Of some sites, roles and units together, over all weeks."""

    weeks: int
    by_way: pd.DataFrame
    """way, short_hours, over_hours, cost, paid: sums, at the configured price of a missing head; WAITS."""
    closed: Estimate
    """Share of the way from climatology's cost to perfect knowledge's that ours closes."""
    ours: Frontier
    perfect: Frontier
    """The bound: nobody with these shifts and prices does better."""


def worth_figures(table: pd.DataFrame) -> WorthFigures:
    """The figures of a table of :func:`forecasting.pipeline.backtest.worth.worth_by_week`."""
    by_way = worth_by_group(table.assign(all="all"), "all").drop(columns="group")
    sums = _Sums.of(table)
    return WorthFigures(
        weeks=table["week"].nunique(),
        by_way=by_way,
        closed=sums.closed(OURS, PERFECT),
        ours=_frontier(sums, OURS),
        perfect=_frontier(sums, PERFECT),
    )


def closed(table: pd.DataFrame, way: str = OURS, end: str = PERFECT) -> Estimate:
    """The share of the way from climatology's cost to the end's that a way closes."""
    return _Sums.of(table).closed(way, end)


def worth_by_group(table: pd.DataFrame, by: str) -> pd.DataFrame:
    """Each way's sums in each group of a column, at the configured price of a missing head.

    Ways stand in the order of the table.

    Returns:
        group, way, short_hours, over_hours, cost, paid; wait_minutes (mean of who is seen) and
        left_unseen_share of the EDs' patients.
    """
    priced = table[table["price"] == AS_PRICED].assign(group=table[by])
    groups = list(dict.fromkeys(priced["group"]))
    ways = list(dict.fromkeys(priced["way"]))
    every = pd.MultiIndex.from_product([groups, ways], names=["group", "way"])
    sums = priced.groupby(["group", "way"])[[*MEASURES, *PATIENTS]].sum().reindex(every)
    arrived = sums["arrived"].where(sums["arrived"] > 0)
    waits = pd.DataFrame(
        {
            "wait_minutes": sums["waited_minutes"] / (arrived - sums["left_unseen"]),
            "left_unseen_share": sums["left_unseen"] / arrived,
        }
    )
    told: pd.DataFrame = pd.concat([sums[MEASURES], waits[WAITS]], axis=1).reset_index()
    return told


@dataclass(frozen=True)
class _Sums:
    """Sums by week, a column for each measure, way and price."""

    by_week: np.ndarray
    place: dict[tuple[str, str, float], int]

    @classmethod
    def of(cls, table: pd.DataFrame) -> _Sums:
        wide = table.pivot_table(index="week", columns=["way", "price"], values=MEASURES, aggfunc="sum")
        keys = cast("list[tuple[str, str, float]]", wide.columns.tolist())
        place = {key: number for number, key in enumerate(keys)}
        return cls(wide.fillna(0.0).to_numpy(), place)

    def estimate(self, figure: Figure) -> Estimate:
        return estimate_of(self.by_week, figure, RESAMPLING)

    def closed(self, way: str, end: str) -> Estimate:
        places = {one: self.place["cost", one, AS_PRICED] for one in (CLIMATOLOGY, way, end)}

        def figure(total: np.ndarray) -> float:
            return share_closed({one: float(total[place]) for one, place in places.items()}, way, end=end)

        return self.estimate(figure)

    def at_equal(self, equal: str, asked: str, way: str) -> Figure:
        """What a way has of one measure where it has as much of another as the roster, over the roster's.

        Between two prices weeks can be planned at the one and at the other: the sums lie on a line.
        """
        prices = sorted(price for measure, name, price in self.place if (measure, name) == (equal, way))
        same, other = ([self.place[measure, way, price] for price in prices] for measure in (equal, asked))
        of_roster = [self.place[measure, ROSTER, AS_PRICED] for measure in (equal, asked)]

        def figure(total: np.ndarray) -> float:
            wanted, theirs = total[of_roster]
            order = np.argsort(total[same])
            x, y = total[same][order], total[other][order]
            return (
                float(np.interp(wanted, x, y, left=np.nan, right=np.nan) / theirs) if theirs > 0 else np.nan
            )

        return figure


def _frontier(sums: _Sums, way: str) -> Frontier:
    paid = sums.at_equal("short_hours", "paid", way)
    return Frontier(
        short_at_equal_cost=sums.estimate(sums.at_equal("paid", "short_hours", way)),
        saved_at_equal_short=sums.estimate(lambda total: 1.0 - paid(total)),
    )
