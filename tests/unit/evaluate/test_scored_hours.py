from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import poisson
from unit.evaluate.forecast_rows import ISSUED_AT, LEVELS, came, spoken

from forecasting.blocks import shift_names
from forecasting.config import Settings
from forecasting.evaluate import noise_floor, score, score_by, score_series, scored_hours, with_floor
from forecasting.schema import FORECAST

pytestmark = pytest.mark.unit


def flat(rate: float, hours: int = 168) -> np.ndarray:
    """The same Poisson quantiles each hour (hours, levels)."""
    return np.tile(np.asarray(poisson.ppf(LEVELS, rate)), (hours, 1))


def drawn(rate: float, hours: int = 168, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).poisson(rate, hours)


def test_groups_have_the_scores_of_their_own_hours() -> None:
    forecast, values = spoken("tft", flat(8.0)), drawn(8.0)
    by_day = score_by(scored_hours(forecast, came(values)), ["lead_day"])
    assert by_day["lead_day"].tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert by_day["hours"].tolist() == [24] * 7
    for day in range(7):
        hours = slice(24 * day, 24 * day + 24)
        own = came(values[hours], first=ISSUED_AT + pd.Timedelta(days=day))
        alone = score(forecast, own)
        told = by_day.iloc[day][["pinball", "wql", "mae", "bias", "coverage_80", "pit_80"]]
        pd.testing.assert_series_equal(told, alone.iloc[0][told.index], check_names=False)


def test_without_groups_there_is_one_row_per_model_and_skill_against_each_reference() -> None:
    both = pd.concat([spoken("climatology", flat(12.0)), spoken("tft", flat(8.0))])
    table = score_by(scored_hours(both, came(drawn(8.0)))).set_index("model")
    assert len(table) == 2
    skill = 1 - table["wql"]["tft"] / table["wql"]["climatology"]
    assert table["skill_climatology"]["tft"] == pytest.approx(skill)
    assert table["skill_climatology"]["climatology"] == 0
    assert table["skill_seasonal_naive"].isna().all()


def test_shifts_are_told_apart_once_the_caller_names_them(settings: Settings) -> None:
    values = np.where(np.arange(48) % 24 < 4, 50, 8)  # from 03:00 to 07:00 in New York
    hours = scored_hours(spoken("tft", flat(8.0, 48)), came(values))
    hours["shift"] = shift_names(hours["valid_at"], hours["site_id"], settings)
    table = score_by(hours, ["shift"]).set_index("shift")
    assert table["hours"].to_dict() == {"day": 24, "night": 24}
    assert table["mae"]["day"] == 0
    assert table["mae"]["night"] == pytest.approx(42 * 8 / 24)


def test_models_are_compared_on_the_levels_that_all_forecast() -> None:
    coarse = spoken("climatology", flat(8.0))
    coarse = coarse[coarse["quantile"].isin([0.1, 0.5, 0.9])]
    both = pd.concat([coarse, spoken("tft", flat(8.0))])
    table = score_by(scored_hours(both, came(drawn(8.0)))).set_index("model")
    assert table["wql"]["climatology"] == table["wql"]["tft"]
    assert np.isnan(table["coverage_90"]["climatology"])
    assert not np.isnan(table["coverage_90"]["tft"])


def test_a_forecast_that_is_no_number_is_none() -> None:
    broken = flat(8.0)
    broken[10:, 3] = np.nan
    both = pd.concat([spoken("climatology", flat(8.0)), spoken("tft", broken)])
    assert score_by(scored_hours(both, came(drawn(8.0))))["hours"].tolist() == [10, 10]


def test_periods_are_scored_apart_and_never_added_up() -> None:
    days = spoken("tft", np.tile(np.asarray(poisson.ppf(LEVELS, 192.0)), (1, 1)), period="P1D")
    outcome = came(drawn(8.0))
    both = pd.concat(
        [outcome.assign(period="PT1H"), outcome.iloc[:1].assign(period="P1D", value=190.0)], ignore_index=True
    )
    hours = scored_hours(pd.concat([spoken("tft", flat(8.0)), days]), both)
    table = score_by(hours, ["period"]).set_index("period")
    assert table["hours"].to_dict() == {"P1D": 1, "PT1H": 168}
    assert table["mae"]["P1D"] == 2
    with pytest.raises(ValueError, match="scores of periods P1D, PT1H don't add up"):
        score_series(hours.sort_values("period"))


def test_the_gap_closed_is_0_at_the_reference_and_1_at_the_floor() -> None:
    hours = np.random.default_rng(1).gamma(8, 1, 20_000)
    knowing = np.asarray(poisson.ppf(LEVELS, hours[:, None]))
    vague = np.tile(np.quantile(np.random.default_rng(3).poisson(hours), LEVELS), (len(hours), 1))
    outcome = came(np.random.default_rng(2).poisson(hours))
    both = pd.concat([spoken("climatology", vague), spoken("oracle", knowing)])
    rates = outcome.drop(columns="value").assign(period="PT1H", rate=hours)
    table = score_by(with_floor(scored_hours(both, outcome), rates, LEVELS)).set_index("model")
    assert table["gap_closed"]["climatology"] == 0
    assert table["gap_closed"]["oracle"] == pytest.approx(1, abs=0.05)
    assert table["floor"].to_list() == pytest.approx([noise_floor(hours, LEVELS)] * 2)


def test_counts_pile_up_on_the_ends_of_an_interval_and_pit_spreads_them() -> None:
    """Twenty thousand hours of a forecast that is right, at a rate where every interval end is hit often."""
    rates = np.random.default_rng(1).gamma(4, 0.5, 20_000)
    forecast = spoken("tft", np.asarray(poisson.ppf(LEVELS, rates[:, None])))
    table = score_by(scored_hours(forecast, came(np.random.default_rng(2).poisson(rates)))).iloc[0]
    assert table["coverage_80"] > 0.88
    assert table["pit_80"] == pytest.approx(0.8, abs=0.02)
    assert table["pit_90"] == pytest.approx(0.9, abs=0.02)


def test_a_narrow_forecast_covers_too_little_by_either_measure() -> None:
    rates = np.random.default_rng(1).gamma(20, 1, 5_000)
    quantiles = np.asarray(poisson.ppf(LEVELS, rates[:, None]))
    narrow = rates[:, None] + (quantiles - rates[:, None]) / 2
    table = score_by(scored_hours(spoken("tft", narrow), came(np.random.default_rng(2).poisson(rates)))).iloc[
        0
    ]
    assert table["coverage_80"] < 0.6
    assert table["pit_80"] < 0.6


def test_scores_of_no_hours_are_no_rows() -> None:
    hours = scored_hours(spoken("tft", flat(8.0)), came(np.array([])))
    assert hours.empty
    assert score_by(hours, ["lead_day", "unit_id"]).empty
    assert scored_hours(FORECAST.empty(), came(drawn(8.0))).empty
