from __future__ import annotations

from datetime import date, timedelta

import pandas as pd
import pytest

from benchmarks.worth import FIRST_NIGHT, LAW, UNTIL, Asked, Ceiling, within
from forecasting.evaluate import Estimate
from forecasting.pipeline.backtest.worth_figures import AS_PRICED, MEASURES, Frontier, WorthFigures
from forecasting.staffing.worth import CLIMATOLOGY, OURS, PERFECT

pytestmark = pytest.mark.unit


def figures(short: float, saved: float, closed: float) -> WorthFigures:
    def sure(value: float) -> Estimate:
        return Estimate(value, value, value)

    frontier = Frontier(sure(short), sure(saved))
    return WorthFigures(52, pd.DataFrame(), sure(closed), frontier, frontier)


@pytest.mark.parametrize(
    ("said", "reached"),
    [
        ((0.5, 0.0, 0.6), True),
        ((0.9, 0.12, 0.6), True),
        ((0.51, 0.11, 0.9), False),
        ((0.1, 0.3, 0.59), False),
    ],
)
def test_one_bar_against_the_roster_and_the_one_against_climatology_must_be_reached(
    said: tuple[float, float, float], reached: bool
) -> None:
    assert within(figures(*said)) is reached
    assert not within(figures(float("nan"), float("nan"), said[2]))


def test_the_year_is_of_whole_weeks_and_lies_within_what_is_simulated() -> None:
    nights = [night for week in Asked("harbor", 1, 1).weeks for night in week]
    assert nights == [FIRST_NIGHT + timedelta(days=day) for day in range(364)]
    assert FIRST_NIGHT.weekday() == 0
    assert max(nights) + timedelta(days=3) < UNTIL.date()
    assert [week[0] for week in Asked("harbor", 1, 26).weeks] == [date(2025, 9, 29), date(2026, 3, 30)]


def test_the_ceiling_is_part_of_the_way_and_ours_part_of_the_ceiling() -> None:
    costs = {CLIMATOLOGY: 100.0, OURS: 94.0, LAW: 88.0, PERFECT: 80.0}
    rows = [
        {"week": week, "way": way, "price": AS_PRICED} | dict.fromkeys(MEASURES, cost * (week + 1))
        for week in range(4)
        for way, cost in costs.items()
    ]
    ceiling = Ceiling.of(pd.DataFrame(rows))
    assert ceiling.law.value == pytest.approx(0.6)
    assert ceiling.ours.value == pytest.approx(0.5)
    assert ceiling.ours.low == pytest.approx(0.5), "all weeks are alike"
