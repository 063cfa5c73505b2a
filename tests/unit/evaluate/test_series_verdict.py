"""Who falls back, who returns: noise alone seldom, a loss soon."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from forecasting.evaluate import SeriesVerdict, judge_series
from forecasting.evaluate.series_verdict import SERIES, Key
from forecasting.schema import SeriesState

pytestmark = pytest.mark.unit

FIRST = date(2026, 5, 1)
WINDOW, RECENT = 28, 7
NOISE, LASTS = 0.15, 0.3
"""Of a day's loss against climatology's: its standard deviation, and its correlation from day to day."""


def losses(gain: np.ndarray, series: int, seed: int = 0) -> pd.DataFrame:
    """Days on which the champion's loss is climatology's less that share (days,), and noise."""
    random = np.random.default_rng(seed)
    stray = np.zeros((len(gain) + 1, series))
    for day in range(len(gain)):
        shock = random.normal(0, NOISE * np.sqrt(1 - LASTS**2), series)
        stray[day + 1] = LASTS * stray[day] + shock
    usual = 24 * np.exp(random.normal(0, 0.3, (len(gain), series)))
    frames = [
        pd.DataFrame(
            {
                "site_id": "north",
                "unit_id": [f"u{number}" for number in range(series)],
                "target": "bed_census",
                "day": FIRST + timedelta(days=day),
                "hours": 24,
                "outcome": 240.0,
                "champion_pinball": usual[day] * (1 - gain[day] + stray[day + 1]),
                "climatology_pinball": usual[day],
                "bias": 12.0,
                "pit_80": 18.0,
                "pit_hours": 24,
            }
        )
        for day in range(len(gain))
    ]
    return pd.concat(frames, ignore_index=True)


def judged(paired: pd.DataFrame, standing: dict[Key, SeriesVerdict] | None = None) -> pd.DataFrame:
    return judge_series(paired, standing or {}, paired["day"].max(), WINDOW, RECENT)


def standing_of(table: pd.DataFrame) -> dict[Key, SeriesVerdict]:
    rows = table.to_dict("records")
    return {
        tuple(row[name] for name in SERIES): SeriesVerdict(
            SeriesState(row["state"]), row["why"], row["judged_from"]
        )
        for row in rows
    }


def test_of_200_series_on_which_the_two_are_equal_few_are_flagged() -> None:
    states = judged(losses(np.zeros(42), 200))["state"].value_counts()
    assert states.get("fallback", 0) <= 6  # 1 % expected, 3 % at most
    assert states.get("watch", 0) <= 30  # 5 % by the window, 1 % by drift


def test_of_series_whose_champion_loses_40_percent_most_fall_back_within_nine_days_of_outcomes() -> None:
    days, after = 35, 9
    paired = losses(np.repeat([0.1, -0.3], [days, after]), 40, seed=1)
    verdicts: dict[Key, SeriesVerdict] = {}
    for day in range(days, days + after):
        verdicts = standing_of(judged(paired[paired["day"] <= FIRST + timedelta(days=day)], verdicts))
    fallen = [verdict for verdict in verdicts.values() if verdict.state is SeriesState.FALLBACK]
    assert len(fallen) >= 30
    assert all("the usual week was closer here than the trained models" in verdict.why for verdict in fallen)
    assert not any(" -" in verdict.why or " 0% more" in verdict.why for verdict in fallen)


def test_a_fallen_series_returns_when_the_champion_wins_and_is_not_held_to_what_was_before() -> None:
    paired = losses(np.repeat([-0.5, 0.2], [28, 8]), 10)
    fallen_on = FIRST + timedelta(days=27)
    before = judged(paired[paired["day"] <= fallen_on])
    assert set(before["state"]) == {"fallback"}
    assert set(before["judged_from"]) == {fallen_on}
    soon = judged(paired[paired["day"] <= fallen_on + timedelta(days=6)], standing_of(before))
    assert set(soon["state"]) == {"fallback"}
    assert soon["why"].tolist() == before["why"].tolist()
    back = judged(paired, standing_of(soon))
    assert set(back["state"]) == {"ok"}
    assert set(back["judged_from"]) == {paired["day"].max()}
    again = judge_series(paired, standing_of(back), paired["day"].max(), WINDOW, RECENT)
    assert set(again["state"]) == {"ok"}


def test_where_the_champion_goes_on_losing_it_stays_in_shadow() -> None:
    paired = losses(np.full(40, -0.5), 10)
    before = judged(paired[paired["day"] <= FIRST + timedelta(days=27)])
    assert set(judged(paired, standing_of(before))["state"]) == {"fallback"}


def test_figures_are_those_of_the_window() -> None:
    row = judged(losses(np.full(60, 0.25), 1)).iloc[0]
    assert row["days"] == WINDOW
    assert row["skill"] == pytest.approx(0.25, abs=0.08)
    assert row["skill_low"] < row["skill"] < row["skill_high"]
    assert row["coverage_80"] == 0.75
    assert row["bias"] == 0.5


@pytest.mark.parametrize("days", [1, 6])
def test_a_few_days_say_nothing(days: int) -> None:
    table = judged(losses(np.full(days, -3.0), 3))
    assert set(table["state"]) == {"ok"}
    assert set(table["days"]) == {days}


def test_a_series_without_patients_or_loss_is_left_alone() -> None:
    nothing = losses(np.zeros(30), 2).assign(champion_pinball=0.0, climatology_pinball=0.0, outcome=0.0)
    assert set(judged(nothing)["state"]) == {"ok"}
    assert judged(nothing.iloc[:0].assign(day=FIRST)).empty
