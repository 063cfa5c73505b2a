from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from forecasting.config import Settings
from forecasting.simulate import Hospital

pytestmark = pytest.mark.unit

SITES = ("north", "west")


@pytest.fixture(params=SITES)
def hourly(request: pytest.FixtureRequest, three_years: Hospital, settings: Settings) -> pd.DataFrame:
    """Arrivals and rates of one site by local hour."""
    truth = three_years.truth.query("site_id == @request.param").set_index("valid_at")
    visits = three_years.ed_visit.query("site_id == @request.param")
    counts = visits["arrived_at"].dt.floor("h").value_counts()
    frame = truth.assign(arrivals=counts.reindex(truth.index, fill_value=0))
    return frame.set_index(pd.DatetimeIndex(frame.index).tz_convert(settings.site(request.param).zone))


def dispersion(hourly: pd.DataFrame, block: Callable[[pd.DatetimeIndex], list[object]]) -> float:
    """Variance over mean of the blocks' totals, about the known rate."""
    totals = hourly.groupby(block(pd.DatetimeIndex(hourly.index)))[["arrivals", "expected_rate"]].sum()
    excess: float = ((totals["arrivals"] - totals["expected_rate"]) ** 2).sum() / totals[
        "expected_rate"
    ].sum()
    return excess


def test_counts_vary_as_in_real_eds(hourly: pd.DataFrame) -> None:
    assert dispersion(hourly, lambda at: [at]) == pytest.approx(1.1, abs=0.06)
    eight = dispersion(hourly, lambda at: [at.normalize(), at.hour // 8])
    twelve = dispersion(
        hourly, lambda at: [(at - pd.Timedelta(hours=7)).normalize(), (at.hour - 7) % 24 // 12]
    )
    assert eight == pytest.approx(1.5, abs=0.2)
    assert twelve == pytest.approx(1.5, abs=0.3)
    assert dispersion(hourly, lambda at: [at.normalize()]) == pytest.approx(2.0, abs=0.3)


def test_given_the_drawn_rate_only_poisson_noise_is_left(hourly: pd.DataFrame) -> None:
    daily = hourly.groupby(pd.DatetimeIndex(hourly.index).normalize())[["arrivals", "drawn_rate"]].sum()
    left = ((daily["arrivals"] - daily["drawn_rate"]) ** 2).sum() / daily["drawn_rate"].sum()
    assert left == pytest.approx(1.0, abs=0.15)


def test_shocks_do_not_move_the_mean(hourly: pd.DataFrame) -> None:
    assert hourly["arrivals"].sum() == pytest.approx(hourly["expected_rate"].sum(), rel=0.01)


def test_volume_follows_the_beds(three_years: Hospital) -> None:
    days = three_years.truth.groupby("site_id")["valid_at"].nunique() / 24
    per_day = three_years.ed_visit.groupby("site_id").size() / days
    assert (per_day / pd.Series({"north": 30, "west": 16})).between(3, 4.2).all()


def test_mondays_are_busiest_and_nights_quiet(hourly: pd.DataFrame) -> None:
    at = pd.DatetimeIndex(hourly.index)
    by_day = hourly.groupby(at.normalize())["arrivals"].sum()
    by_weekday = by_day.groupby(pd.DatetimeIndex(by_day.index).dayofweek).mean()
    assert by_weekday.idxmax() == 0
    assert by_weekday[0] > 1.05 * by_weekday[5]
    by_hour = hourly.groupby(at.hour)["arrivals"].mean()
    assert by_hour.idxmin() in range(2, 6)
    assert by_hour.max() > 3 * by_hour.min()


def test_the_cycle_follows_the_local_clock_in_summer_and_winter(hourly: pd.DataFrame) -> None:
    at = pd.DatetimeIndex(hourly.index)
    workday = at.dayofweek < 4

    def profile(months: list[int]) -> pd.Series[float]:
        chosen = workday & at.month.isin(months)
        by_hour = hourly["expected_rate"][chosen].groupby(at.hour[chosen]).mean()
        return by_hour / by_hour.mean()

    summer, winter = profile([6, 8]), profile([12, 2])
    assert np.abs(summer - winter).max() < 0.05
    shifted = np.roll(winter.to_numpy(), 1)
    assert np.abs(summer - shifted).max() > 0.15


def test_days_of_clock_change_have_23_and_25_hours(hourly: pd.DataFrame) -> None:
    at = pd.DatetimeIndex(hourly.index)
    hours = pd.Series(at.strftime("%Y-%m-%d")).value_counts()
    assert hours["2023-03-12"] == 23
    assert hours["2023-11-05"] == 25
    second_hours = hourly["expected_rate"][(at.strftime("%Y-%m-%d") == "2023-11-05") & (at.hour == 1)]
    assert len(second_hours) == 2
    assert second_hours.iloc[0] == pytest.approx(second_hours.iloc[1], rel=1e-3)


def test_christmas_is_quiet_and_winter_busier_than_autumn(hourly: pd.DataFrame) -> None:
    daily = hourly.groupby(pd.DatetimeIndex(hourly.index).tz_localize(None).normalize())[
        "expected_rate"
    ].sum()
    for year in (2022, 2023, 2024):
        neighbours = daily[f"{year}-12-10" : f"{year}-12-20"].mean()
        assert daily[f"{year}-12-25"] < 0.92 * neighbours
    respiratory = daily["2023-12-27":"2024-02-05"].mean()
    assert respiratory > 1.02 * daily["2023-09-20":"2023-11-05"].mean()


def test_arrivals_grow_slowly(hourly: pd.DataFrame) -> None:
    yearly = hourly["expected_rate"].groupby(pd.DatetimeIndex(hourly.index).year).mean()
    assert 1.0 < yearly[2024] / yearly[2022] < 1.1
