from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from forecasting.pipeline.backtest.worth_figures import (
    AS_PRICED,
    MEASURES,
    WAITS,
    worth_by_group,
    worth_figures,
)
from forecasting.staffing.worth import CLIMATOLOGY, OURS, PERFECT, ROSTER, WAYS, WEEKDAY

pytestmark = pytest.mark.unit

SAID = {  # short, over, paid; a missing head costs 10
    (ROSTER, AS_PRICED): (100.0, 40.0, 1000.0),
    (WEEKDAY, AS_PRICED): (90.0, 60.0, 1100.0),
    (CLIMATOLOGY, AS_PRICED): (60.0, 90.0, 1300.0),
    (OURS, AS_PRICED): (40.0, 60.0, 1200.0),
    (OURS, 0.5): (120.0, 20.0, 800.0),
    (PERFECT, AS_PRICED): (10.0, 10.0, 1000.0),
    (PERFECT, 0.5): (110.0, 0.0, 700.0),
}


def table(weeks: int = 6, noise: float = 0.0) -> pd.DataFrame:
    random = np.random.default_rng(1)
    rows = [
        {"week": week, "site_id": site, "role": "nurse", "unit_id": "icu", "unit_type": "icu"}
        | {"way": way, "price": price, "short_hours": short * scale, "over_hours": over, "paid": paid}
        | {"cost": paid + 10 * short * scale}
        | {"arrived": 100.0, "left_unseen": 20.0, "waited_minutes": 80 * 15.0}
        for week in range(weeks)
        for site in ("north", "west")
        for (way, price), (short, over, paid) in SAID.items()
        for scale in [1 + noise * random.standard_normal()]
    ]
    return pd.DataFrame(rows)


def test_sums_are_of_all_weeks_and_sites_at_the_configured_price() -> None:
    figures = worth_figures(table())
    assert figures.weeks == 6
    assert figures.by_way["way"].tolist() == list(WAYS)
    ours = figures.by_way.set_index("way").loc[OURS]
    assert ours[MEASURES].to_dict() == {"short_hours": 480, "over_hours": 720, "paid": 14_400, "cost": 19_200}
    assert ours[WAITS].to_dict() == {
        "wait_minutes": pytest.approx(15),
        "left_unseen_share": pytest.approx(0.2),
    }
    groups = worth_by_group(table(), "site_id")
    assert groups.groupby("way")["cost"].sum()[OURS] == ours["cost"]


def test_shares_are_read_off_between_the_prices() -> None:
    figures = worth_figures(table())
    # 1,000 is half way from 800 to 1,200: 80 short of the roster's 100.
    assert figures.ours.short_at_equal_cost.value == pytest.approx(0.8)
    # 100 short is a quarter of the way from 120 to 40: 900 paid of the roster's 1,000.
    assert figures.ours.saved_at_equal_short.value == pytest.approx(0.1)
    assert figures.perfect.short_at_equal_cost.value == pytest.approx(0.1)
    # From 1,900 to 1,100, ours costs 1,600.
    assert figures.closed.value == pytest.approx(0.375)
    assert figures.closed.low == pytest.approx(0.375), "all weeks are alike"


def test_an_interval_holds_the_figure_and_more_weeks_narrow_it() -> None:
    few, many = (worth_figures(table(weeks, noise=0.3)).ours.short_at_equal_cost for weeks in (8, 80))
    for estimate in (few, many):
        assert estimate.low < estimate.value < estimate.high
    assert many.high - many.low < few.high - few.low


def test_what_no_price_leads_to_is_not_told() -> None:
    cheap = table().assign(paid=lambda rows: rows["paid"].where(rows["way"] != ROSTER, 5000.0))
    assert math.isnan(worth_figures(cheap).ours.short_at_equal_cost.value)


def test_one_week_has_no_interval() -> None:
    closed = worth_figures(table(weeks=1)).closed
    assert closed.value == pytest.approx(0.375)
    assert math.isnan(closed.low)
