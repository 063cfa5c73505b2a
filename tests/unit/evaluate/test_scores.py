from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.evaluate import ALL, score
from forecasting.evaluate.scored import pinball
from forecasting.schema import FORECAST, OBSERVATION

pytestmark = pytest.mark.unit

ISSUED_AT = pd.Timestamp("2026-06-10 07:00", tz="UTC")
LEVELS = (0.05, 0.1, 0.5, 0.9, 0.95)


def said(
    model: str,
    quantiles: Mapping[float, float],
    hours: int = 4,
    unit_id: str = "icu",
    issued_at: pd.Timestamp = ISSUED_AT,
) -> pd.DataFrame:
    """The same quantiles for every hour."""
    rows = [
        (
            issued_at,
            "north",
            unit_id,
            "bed_census",
            "PT1H",
            issued_at + pd.Timedelta(hours=hour),
            level,
            value,
        )
        for hour in range(hours)
        for level, value in quantiles.items()
    ]
    table = pd.DataFrame(rows, columns=FORECAST.columns.names[:8])
    return FORECAST.conform(table.assign(model=model, model_version="1", note=""))


def came(values: list[float], unit_id: str = "icu") -> pd.DataFrame:
    hours = pd.date_range(ISSUED_AT, periods=len(values), freq="h")
    return OBSERVATION.conform(
        pd.DataFrame(
            {
                "site_id": "north",
                "unit_id": unit_id,
                "target": "bed_census",
                "valid_at": hours,
                "value": values,
            }
        )
    )


def row(scores: pd.DataFrame, model: str = "climatology", unit_id: str = ALL) -> pd.Series[float]:
    return scores[(scores["model"] == model) & (scores["unit_id"] == unit_id)].iloc[0]


def steps(*values: float) -> dict[float, float]:
    return dict(zip(LEVELS, values, strict=True))


def test_scores_by_hand() -> None:
    forecast = said("climatology", {0.1: 6.0, 0.5: 10.0, 0.9: 14.0})
    scores = row(score(forecast, came([10.0, 12.0, 5.0, 16.0])))
    # Pinball by hour, levels .1 .5 .9: (.4 0 .4), (.6 1 .2), (.9 2.5 .9), (1 3 1.8)
    total = (0.8 + 1.8 + 4.3 + 5.8) / 3
    assert scores["hours"] == 4
    assert scores["pinball"] == pytest.approx(total / 4)
    assert scores["wql"] == pytest.approx(2 * total / 43)
    assert scores["mae"] == pytest.approx((0 + 2 + 5 + 6) / 4)
    assert scores["bias"] == pytest.approx(40 / 4 - 43 / 4)
    assert scores["coverage_80"] == 0.5
    assert np.isnan(scores["coverage_90"])
    assert scores["skill"] == 0


def test_the_ends_of_an_interval_belong_to_it() -> None:
    scores = row(score(said("climatology", steps(5, 6, 10, 14, 15)), came([5.0, 6.0, 14.0, 15.0])))
    assert scores["coverage_80"] == 0.5
    assert scores["coverage_90"] == 1.0


def test_skill_is_what_is_saved_of_the_references_loss() -> None:
    both = pd.concat([said("climatology", steps(6, 7, 8, 9, 10)), said("tft", steps(7, 8, 9, 10, 11))])
    scores = score(both, came([9.0] * 4))
    tft, reference = row(scores, "tft"), row(scores)
    assert tft["skill"] == pytest.approx(1 - tft["wql"] / reference["wql"])
    assert tft["skill"] > 0


def test_a_large_unit_weighs_as_its_patients_in_the_overall_score() -> None:
    forecast = pd.concat(
        [said("climatology", {0.5: 100.0}, unit_id="ed"), said("climatology", {0.5: 10.0}, unit_id="icu")]
    )
    outcome = pd.concat([came([120.0] * 4, "ed"), came([10.0] * 4, "icu")])
    scores = score(forecast, outcome)
    assert row(scores, unit_id="ed")["wql"] == pytest.approx(20 / 120)
    assert row(scores, unit_id="icu")["wql"] == 0
    assert row(scores)["wql"] == pytest.approx(20 / 130)


def test_missing_outcomes_are_not_scored_and_never_count_as_zero() -> None:
    scores = row(score(said("climatology", steps(5, 6, 10, 14, 15)), came([10.0, np.nan, np.nan, 10.0])))
    assert scores["hours"] == 2
    assert scores["mae"] == 0


def test_models_are_compared_on_the_hours_both_forecast() -> None:
    """A model that keeps silent where it is hard must not win by it."""
    shy, brave = said("tft", steps(8, 9, 10, 11, 12), hours=2), said("climatology", steps(8, 9, 10, 11, 12))
    scores = score(pd.concat([shy, brave]), came([10.0, 10.0, 90.0, 90.0]))
    assert row(scores, "tft")["hours"] == row(scores)["hours"] == 2
    assert row(scores, "tft")["wql"] == row(scores)["wql"]


def test_each_issue_time_of_an_hour_is_scored() -> None:
    later = ISSUED_AT + pd.Timedelta(hours=2)
    forecast = pd.concat(
        [
            said("climatology", steps(8, 9, 10, 11, 12)),
            said("climatology", steps(8, 9, 12, 13, 14), hours=2, issued_at=later),
        ]
    )
    assert row(score(forecast, came([10.0] * 4)))["hours"] == 6


def test_a_unit_without_patients_has_no_wql_but_has_an_error() -> None:
    scores = row(score(said("climatology", steps(0, 0, 1, 1, 2)), came([0.0] * 4)))
    assert np.isnan(scores["wql"])
    assert np.isnan(scores["skill"])
    assert scores["mae"] == 1


def test_nothing_scored_gives_no_rows() -> None:
    assert score(said("tft", steps(1, 2, 3, 4, 5)), came([])).empty


PATIENTS = st.one_of(st.just(0.0), st.floats(1e-6, 1e4))


@given(outcome=PATIENTS, forecast=PATIENTS, level=st.floats(0.01, 0.99))
def test_pinball_is_never_negative_and_nothing_only_when_right(
    outcome: float, forecast: float, level: float
) -> None:
    loss = float(pinball(np.array([outcome]), np.array([forecast]), level)[0])
    assert loss >= 0
    assert (loss == 0) == (outcome == forecast)


@given(level=st.sampled_from([0.1, 0.25, 0.5, 0.75, 0.9]), seed=st.integers(0, 100))
def test_pinball_is_lowest_at_the_quantile(level: float, seed: int) -> None:
    outcomes = np.random.default_rng(seed).gamma(4, 3, 400)

    def loss(forecast: float) -> float:
        return float(pinball(outcomes, np.full_like(outcomes, forecast), level).mean())

    best = float(np.quantile(outcomes, level, method="inverted_cdf"))
    assert loss(best) <= min(loss(best - 0.5), loss(best + 0.5)) + 1e-9
