from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from benchmarks.regimes import (
    CHANGE,
    DAYS_SINCE_CHANGE,
    FIRST,
    HISTORY_DAYS,
    REGIMES,
    days_of,
    gain_in_words,
    group_of,
    hours_of,
    observations,
)
from forecasting.evaluate import Comparison
from forecasting.models.interface import forecast_frame
from forecasting.schema import Target

pytestmark = pytest.mark.unit

LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)


def daily(name: str) -> pd.DataFrame:
    """Arrivals a day of a regime's first two EDs."""
    regime = replace(REGIMES[name], eds=2)
    drawn = observations(regime, group_of(2, seed=1), seed=1)
    day = (drawn["valid_at"] - pd.Timestamp(FIRST)).dt.days
    return drawn.assign(day=day).pivot_table(index="day", columns="site_id", values="value", aggfunc="sum")


def test_growth_doubles_in_two_years() -> None:
    days = daily("growth")
    first, last = days.loc[-HISTORY_DAYS : -HISTORY_DAYS + 27].mean(), days.loc[-28:-1].mean()
    assert (last / first).between(1.85, 2.1).all()


def test_a_change_comes_to_each_ed_and_stays() -> None:
    days = daily("change")
    before, after = days.loc[: -DAYS_SINCE_CHANGE - 1].mean(), days.loc[-DAYS_SINCE_CHANGE:].mean()
    moved = (after / before).sort_index().to_numpy() - 1
    np.testing.assert_allclose(moved, [CHANGE, -CHANGE], atol=0.05)


def test_waves_are_shared() -> None:
    weeks = daily("waves").rolling(7).sum().to_numpy()[6::7]
    assert np.corrcoef(weeks.T)[0, 1] > 0.6


def test_hours_and_day_totals_are_scored_against_what_came() -> None:
    hours = pd.date_range(FIRST, periods=48, freq="h")
    came = pd.DataFrame(
        {"site_id": "s", "unit_id": "ed", "target": "ed_arrivals", "valid_at": hours, "value": 5.0}
    )
    said = [
        forecast_frame({("s", "ed"): np.full((48, 7), value)}, LEVELS, FIRST, Target.ED_ARRIVALS, model, "1")
        for model, value in (("right", 5.2), ("low", 4.0))
    ]
    forecast = pd.concat(said)
    losses = hours_of(forecast, came).groupby("model")["pinball"].mean()
    # Stated as whole counts.
    assert losses["right"] < 0.01
    assert losses["low"] == pytest.approx(0.5, abs=0.01)
    totals = days_of(forecast, came)
    low, right = (totals[totals["model"] == model] for model in ("low", "right"))
    np.testing.assert_allclose(low[["said", "outcome", "pinball"]], [[96.0, 120.0, 12.0]] * 2)
    np.testing.assert_allclose(right["said"], 124.8)
    assert (totals["valid_at"] - totals["issued_at"]).max() == timedelta(hours=47)


@pytest.mark.parametrize(
    ("low", "high", "verdict"), [(0.001, 0.003, "wins"), (-0.001, 0.003, "ties"), (-0.003, -0.001, "loses")]
)
def test_a_gain_is_told_with_its_interval_and_what_it_means(low: float, high: float, verdict: str) -> None:
    gain = Comparison(0.198, 0.2, 0.002, low, high, 0.9, 100, 8, 4000)
    assert gain_in_words(gain) == f"+1.0 % ({500 * low:+.1f} to {500 * high:+.1f}) {verdict}"


def test_too_few_issue_times_are_no_win() -> None:
    gain = Comparison(0.198, 0.2, 0.002, math.nan, math.nan, math.nan, 100, 1, 4000)
    assert gain_in_words(gain).endswith("ties")
