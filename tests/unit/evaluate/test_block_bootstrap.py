from __future__ import annotations

import math
import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from forecasting.evaluate import Resampling, compare, compare_series, estimate_of, score_by, wql_intervals
from forecasting.evaluate.bootstrap import kept_variance, overlap, stationary_weights

pytestmark = pytest.mark.unit

MONDAY = pd.Timestamp("2026-01-05 07:00", tz="UTC")


def lost(
    difference: np.ndarray, step_hours: int = 168, reach: int = 168, unit_id: str = "ed"
) -> pd.DataFrame:
    """Hours of which each issue time's champion loses so much more pinball than its challenger."""
    count = len(difference)
    issued_at = MONDAY + pd.to_timedelta(step_hours * np.arange(count), unit="h")
    row = pd.DataFrame(
        {"issued_at": issued_at.repeat(2), "outcome": 10.0, "site_id": "north", "unit_id": unit_id}
    )
    row["valid_at"] = row["issued_at"] + pd.to_timedelta(np.tile([0, reach - 1], count), unit="h")
    row = row.assign(site_id="north", unit_id=unit_id, target="ed_arrivals", period="PT1H")
    row = row.assign(model="tft", pinball=1.0)
    return pd.concat([row, row.assign(model="climatology", pinball=1.0 + np.repeat(difference, 2))])


def test_a_difference_by_hand() -> None:
    found = compare(lost(np.array([0.1, 0.3])), "tft", "climatology")
    assert found.challenger_wql == pytest.approx(2 * 4 / 40)
    assert found.champion_wql == pytest.approx(2 * (4 + 0.8) / 40)
    assert found.difference == pytest.approx(0.04)
    assert found.hours == 4
    assert found.issue_times == 2


def test_the_interval_holds_what_it_says_where_forecasts_do_not_overlap() -> None:
    random = np.random.default_rng(3)
    draws = Resampling(draws=400)
    found = [compare(lost(random.normal(0, 0.1, 51)), "tft", "climatology", draws) for _ in range(100)]
    held = np.mean([one.low <= 0 <= one.high for one in found])
    assert 0.82 < held <= 0.97


def test_the_interval_nearly_holds_where_forecasts_share_most_of_their_hours() -> None:
    """The hardest case: what a day does to one forecast it does to all of the week's."""
    random = np.random.default_rng(4)
    held = []
    for _ in range(100):
        days = random.normal(0, 0.1, 66)
        shared = np.convolve(days, np.ones(7) / 7, mode="valid")
        found = compare(lost(shared, step_hours=24), "tft", "climatology", Resampling(draws=400))
        held.append(found.low <= 0 <= found.high)
    assert np.mean(held) > 0.78


def test_few_issue_times_say_little() -> None:
    random = np.random.default_rng(5)
    sizes = {}
    for count in (4, 16, 64):
        differences = random.normal(0.1, 0.1, count)
        found = compare(lost(differences), "tft", "climatology")
        sizes[count] = found.high - found.low
    assert sizes[4] > 1.5 * sizes[16] > 2 * sizes[64]
    assert math.isnan(compare(lost(np.array([0.1])), "tft", "climatology").low)


def test_series_are_judged_each_for_itself_also_where_nobody_came() -> None:
    random = np.random.default_rng(6)
    hours = pd.concat(
        [
            lost(random.normal(0.1, 0.02, 30), unit_id="better"),
            lost(random.normal(-0.1, 0.02, 30), unit_id="worse"),
            lost(random.normal(0.1, 0.02, 20), unit_id="empty").assign(outcome=0.0),
        ]
    )
    table = compare_series(hours, "tft", "climatology").set_index("unit_id")
    assert (table["low"][["better", "empty"]] > 0).all()
    assert table["high"]["worse"] < 0
    assert table["hours"].to_dict() == {"better": 60, "empty": 40, "worse": 60}
    whole = compare(hours[hours["unit_id"] == "better"], "tft", "climatology")
    assert table["difference"]["better"] == pytest.approx(whole.difference * 10 / 2)


def test_intervals_of_losses_lie_around_the_scores_of_the_same_groups() -> None:
    random = np.random.default_rng(8)
    hours = pd.concat([lost(random.normal(0.1, 0.05, 30), unit_id=unit) for unit in ("ed", "icu")])
    hours = hours.assign(mae=0.0, bias=0.0, coverage_80=1.0, coverage_90=1.0, pit_80=1.0, pit_90=1.0)
    for by in ([], ["unit_id"]):
        table, scores = wql_intervals(hours, by), score_by(hours, by)
        assert table["wql"].to_list() == pytest.approx(scores["wql"].to_list())
        of_challenger = table["model"] == "tft"
        assert table.loc[of_challenger, "low"].to_list() == pytest.approx(
            table.loc[of_challenger, "high"].to_list()
        )
        rest = table[~of_challenger]
        assert ((rest["low"] < rest["wql"]) & (rest["wql"] < rest["high"])).all()
    assert wql_intervals(hours.iloc[:0]).empty


def test_thousands_of_draws_take_no_time() -> None:
    hours = pd.concat(
        [lost(np.random.default_rng(7).normal(0, 0.1, 365), 24, 168, f"u{at}") for at in range(10)]
    )
    began = time.process_time()
    compare(hours, "tft", "climatology")
    compare_series(hours, "tft", "climatology")
    assert time.process_time() - began < 5


def test_overlap_counts_the_issue_times_a_forecast_spans() -> None:
    times = list(pd.date_range(MONDAY, periods=6, freq="2D"))
    assert overlap(times, pd.Timedelta(days=8)) == 4
    assert overlap(times, pd.Timedelta(days=1)) == 1
    assert overlap(times[:1], pd.Timedelta(days=8)) == 1


def test_draws_keep_all_of_the_variance_of_forecasts_that_share_nothing() -> None:
    assert kept_variance(51, 1.0, 3.0) == pytest.approx(1.0)
    assert 0.4 < kept_variance(51, 7.0, 7.0) < 0.8
    assert kept_variance(51, 7.0, 1.0) < kept_variance(51, 7.0, 7.0)


@examples(max_examples=40, deadline=None)
@given(count=st.integers(2, 60), length=st.floats(1, 20), seed=st.integers(0, 99))
def test_law_every_draw_is_as_long_as_what_was_seen_and_no_issue_time_is_favoured(
    count: int, length: float, seed: int
) -> None:
    weights = stationary_weights(count, length, 2000, seed)
    assert (weights.sum(axis=1) == count).all()
    # The ends are drawn as often as the middle: the mean weight is 1 with a standard error well under 0.1.
    assert np.abs(weights.mean(axis=0) - 1).max() < 6 * math.sqrt(2 * length / 2000)


def test_a_figure_of_sums_has_the_interval_of_its_weeks() -> None:
    random = np.random.default_rng(1)
    by_week = np.column_stack([random.normal(10, 2, 2000), np.full(2000, 20.0)])

    def ratio(total: np.ndarray) -> float:
        return float(total[0] / total[1])

    estimate = estimate_of(by_week, ratio)
    assert estimate.value == pytest.approx(ratio(by_week.sum(axis=0)))
    # The mean's standard deviation is 2 / 20 / sqrt(200); the middle 90 % are 3.3 of them.
    assert estimate.high - estimate.low == pytest.approx(3.29 * 0.1 / math.sqrt(2000), rel=0.25)
    assert math.isnan(estimate_of(by_week[:1], ratio).low)
