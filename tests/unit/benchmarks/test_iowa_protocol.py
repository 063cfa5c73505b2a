from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import poisson

from benchmarks import iowa
from forecasting.models import SeasonalNaive
from forecasting.schema import FORECAST, OBSERVATION

pytestmark = pytest.mark.unit

ORIGIN = datetime(2017, 4, 3, 6, tzinfo=UTC)


def hours_from(origin: datetime, hours: int) -> pd.DatetimeIndex:
    return pd.date_range(origin, periods=hours, freq="h")


def outcomes(values: np.ndarray, first: datetime = ORIGIN) -> pd.DataFrame:
    table = {"site_id": iowa.SITE, "unit_id": iowa.UNIT, "target": iowa.TARGET.value}
    return OBSERVATION.conform(
        pd.DataFrame(
            {**table, "valid_at": hours_from(first, len(values)), "value": values}, range(len(values))
        )
    )


def said(value: float, origin: datetime = ORIGIN) -> pd.DataFrame:
    """The same value at every level of every hour, an hour longer than is scored."""
    hours, levels = iowa.LEAD_HOURS + 1, len(iowa.LEVELS)
    table = {
        "issued_at": origin,
        "site_id": iowa.SITE,
        "unit_id": iowa.UNIT,
        "target": iowa.TARGET.value,
        "period": "PT1H",
        "valid_at": hours_from(origin, hours).repeat(levels),
        "quantile": np.tile(iowa.LEVELS, hours),
        "value": value,
        "model": "said",
        "model_version": "1",
        "note": "",
    }
    return FORECAST.conform(pd.DataFrame(table))


def test_the_datas_clock_is_the_sites(tmp_path: Path) -> None:
    data = tmp_path / "hourly.csv"
    data.write_text("hour_start_local,arrivals,xmas\n2017-04-02 23:00:00,4,0\n2017-04-03 00:00:00,7,0\n")
    read = iowa.history(data)
    assert read["value"].tolist() == [4.0, 7.0]
    assert read["valid_at"].iloc[1] == ORIGIN
    settings = iowa.settings()
    assert settings.issued_at(ORIGIN.astimezone(settings.group.zone).date()) == ORIGIN
    assert settings.lead_hours >= iowa.LEAD_HOURS
    panel = iowa.panel(read, settings)
    assert panel["local_hour"].tolist()[:2] == [23, 0]


def test_spans_that_models_are_chosen_on_end_before_the_tested_one() -> None:
    for span in (iowa.EARLIER, iowa.VALIDATION):
        assert len(span.origins) == 51
        assert span.origins[-1] + timedelta(hours=iowa.LEAD_HOURS) <= iowa.TEST.first
    assert iowa.TEST.origins[-1].date().isoformat() == "2018-03-19"


def test_a_model_sees_nothing_from_the_origin_on() -> None:
    first = ORIGIN - timedelta(weeks=2)
    whole = iowa.panel(outcomes(np.arange(5.0 * 168), first), iowa.settings())
    seen = iowa.known(whole, ORIGIN)
    assert seen["value"].max() == 2 * 168 - 1
    assert seen["value"].notna().sum() == 2 * 168
    assert seen["valid_at"].max() == ORIGIN + timedelta(hours=iowa.LEAD_HOURS)


def with_days(hourly: pd.DataFrame, means: np.ndarray) -> pd.DataFrame:
    """The forecast, and totals whose medians are the sums of these means."""
    blocks = iowa.totals(hourly, [], outcomes(np.array([0.0])))
    return pd.concat([hourly, iowa.with_expected(blocks, hourly, means)], ignore_index=True)


def test_losses_by_hand() -> None:
    came = np.tile([4.0, 6.0], iowa.LEAD_HOURS // 2)
    lost = iowa.losses(with_days(said(4.0), np.full(iowa.LEAD_HOURS + 1, 5.0)), outcomes(came))
    # Half of the hours are 2 above: their pinball is 2 x the mean level, .5; twice that, over 5 a hour.
    assert lost.wql == pytest.approx(2 * 0.5 / 5 * 2 * 0.5)
    assert lost.mae == 1.0
    assert (lost.mae_8h, lost.mae_12h, lost.mae_day) == (0.0, 0.0, 0.0)
    assert lost.coverage_80 == lost.coverage_90 == 0.5


def test_a_days_total_is_the_median_of_paths_where_a_model_tells_no_means() -> None:
    blocks = iowa.totals(said(4.0), [], outcomes(np.array([0.0])))
    lost = iowa.losses(pd.concat([said(4.0), blocks]), outcomes(np.full(iowa.LEAD_HOURS, 5.0)))
    assert (lost.mae_8h, lost.mae_12h, lost.mae_day) == (8.0, 12.0, 24.0)
    assert lost.day_coverage_80 == lost.day_coverage_90 == 0.0


def independent(origin: datetime) -> pd.DataFrame:
    """Poisson counts of 6 an hour, as a forecast."""
    return said(0.0, origin).assign(value=lambda rows: poisson.ppf(rows["quantile"], 6.0))


def test_days_hold_what_they_say_where_the_hours_law_is_known() -> None:
    values = np.random.default_rng(4).poisson(6.0, 110 * 168).astype(float)
    observed = outcomes(values, ORIGIN - timedelta(weeks=60))
    origins = [ORIGIN + timedelta(weeks=week) for week in range(40)]
    said_of = [independent(origin) for origin in origins]
    blocks = [iowa.totals(hourly, [], observed) for hourly in said_of]
    lost = iowa.losses(pd.concat([*said_of, *blocks]), observed)
    # Seven levels of whole counts say a little too wide a law.
    assert 0.78 < lost.day_coverage_80 < 0.88
    assert 0.88 < lost.day_coverage_90 < 0.96


def test_what_comes_from_the_origin_on_changes_no_total() -> None:
    values = np.random.default_rng(4).poisson(6.0, 31 * 168).astype(float)
    first = ORIGIN - timedelta(weeks=30)
    later = np.where(np.arange(len(values)) >= 30 * 168, 99.0, values)
    past = [independent(ORIGIN - timedelta(weeks=week)) for week in range(1, 26)]
    one, other = (iowa.totals(independent(ORIGIN), past, outcomes(each, first)) for each in (values, later))
    pd.testing.assert_frame_equal(one, other)


def over_weeks(above: np.ndarray) -> iowa.Losses:
    """The losses of 4 patients said of every hour, of weeks that come to so many more (weeks,)."""
    origins = [ORIGIN + timedelta(weeks=week) for week in range(len(above))]
    hourly = [said(4.0, origin) for origin in origins]
    return iowa.losses(pd.concat(hourly), outcomes(4 + above.repeat(168)))


def test_the_interval_of_the_wql_holds_it_and_is_nothing_where_weeks_are_alike() -> None:
    lost = over_weeks(np.random.default_rng(0).normal(1.0, 0.1, 51))
    assert lost.wql_low < lost.wql < lost.wql_high
    # Each week errs by a twelfth and 51 of them by an 87th; the interval is four of that.
    assert 0.03 * lost.wql < lost.wql_high - lost.wql_low < 0.09 * lost.wql
    alike = over_weeks(np.ones(51))
    assert (alike.wql_low, alike.wql_high) == pytest.approx((alike.wql, alike.wql))


def test_a_span_is_forecast_from_every_origin_with_what_was_known_there() -> None:
    first = ORIGIN - timedelta(weeks=9)
    values = np.random.default_rng(1).poisson(6.0, 13 * 168).astype(float)
    observed, settings = outcomes(values, first), iowa.settings()
    span = iowa.Span("short", ORIGIN, weeks=3)
    fitted_at = []

    def fit(seen: pd.DataFrame, origin: datetime) -> SeasonalNaive:
        fitted_at.append(origin)
        return SeasonalNaive.fit(seen, settings, origin, iowa.TARGET)

    forecast = iowa.forecasts(fit, iowa.panel(observed, settings), span, refit_weeks=2)
    assert fitted_at == [span.origins[0], span.origins[2]]
    assert sorted(forecast["issued_at"].unique()) == span.origins
    assert set(forecast["period"]) == {"PT1H", *iowa.PERIODS}
    assert iowa.losses(forecast, observed).wql == pytest.approx(0.2, abs=0.02)
