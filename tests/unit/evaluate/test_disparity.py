"""Groups that are forecast as well as the others are seldom said to differ; one that is not, is."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from forecasting.evaluate import Resampling, disparity, drift

pytestmark = pytest.mark.unit

HOW = Resampling(level=0.9, draws=500)
DAYS = 42


def published(seed: int, groups: int = 4, worse: float = 0.0) -> pd.DataFrame:
    """Sums by day and group; the first group's loss is so much more of climatology's."""
    random = np.random.default_rng(seed)
    rows = [
        {
            "group": f"g{group}",
            "day": date(2026, 5, 1) + timedelta(days=day),
            "pit_80": random.binomial(24, 0.8),
            "pit_hours": 24,
            "climatology_pinball": (usual := random.gamma(40, 0.5)),
            "pinball": usual * (1 + random.normal(worse * (group == 0), 0.15)),
            "bias": random.normal(0, 10),
            "outcome": 240.0,
        }
        for day in range(DAYS)
        for group in range(groups)
    ]
    return pd.DataFrame(rows)


def test_of_40_hospitals_without_disparity_about_one_in_ten_shows_any() -> None:
    shown = [bool(disparity(published(seed), "group", HOW)["differs"].any()) for seed in range(40)]
    assert sum(shown) <= 8


def test_a_group_with_a_third_more_loss_differs_in_that_and_in_nothing_else() -> None:
    table = disparity(published(1, worse=0.33), "group", HOW).set_index(["group", "figure"])
    assert table.loc[("g0", "relative_loss"), "differs"]
    assert table.loc[("g0", "relative_loss"), "difference"] == pytest.approx(0.33, abs=0.1)
    assert not table.loc["g1"]["differs"]["coverage_80"]


def test_one_group_has_nobody_to_differ_from() -> None:
    assert disparity(published(1, groups=1), "group", HOW).empty


def test_drift_is_told_from_noise_and_needs_two_weeks() -> None:
    table = published(2, groups=20)
    late = table["day"] > table["day"].max() - timedelta(days=7)
    worse = table["group"] == "g0"
    table["pinball"] = table["pinball"].mask(late & worse, 1.8 * table["pinball"])
    found = drift(table, "pinball", "climatology_pinball", ["group"], 7, 28, Resampling(0.98, 500))
    found = found.set_index("group")
    assert found["low"].loc["g0"] > 0
    assert found["change"].loc["g0"] == pytest.approx(0.8, abs=0.2)
    assert (found.drop("g0")["low"] > 0).sum() <= 1
    few = table[table["day"] > table["day"].max() - timedelta(days=10)]
    assert drift(few, "pinball", "climatology_pinball", ["group"], 7, 28, HOW)["change"].isna().all()
