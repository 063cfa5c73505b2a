from __future__ import annotations

import pandas as pd
import pytest

from benchmarks.ed_load import BY_LOAD, SEEDS, dearer
from benchmarks.worth import SEED
from forecasting.pipeline.backtest.worth_figures import AS_PRICED
from forecasting.staffing.worth import OURS, PERFECT

pytestmark = pytest.mark.unit


def test_the_difference_is_of_the_two_ways_at_the_configured_price_over_all_weeks_and_seeds() -> None:
    costs = {OURS: 200.0, BY_LOAD: 190.0, PERFECT: 1.0}
    rows = [
        {"seed": seed, "week": week, "way": way, "price": price, "cost": cost * price * (1 + week)}
        for seed in SEEDS
        for week in range(3)
        for way, cost in costs.items()
        for price in (AS_PRICED, 0.2)
    ]
    less = dearer(pd.DataFrame(rows), "cost")
    assert [less.value, less.low, less.high] == pytest.approx([-0.05] * 3)


def test_what_chooses_is_not_what_the_published_figures_are_of() -> None:
    assert SEED not in SEEDS
