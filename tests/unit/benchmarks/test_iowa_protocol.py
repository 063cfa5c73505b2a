from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

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


def test_losses_by_hand() -> None:
    came = np.tile([4.0, 6.0], iowa.LEAD_HOURS // 2)
    lost = iowa.losses(said(4.0), outcomes(came))
    # Half of the hours are 2 above: their pinball is 2 x the mean level, .5; twice that, over 5 a hour.
    assert lost.wql == pytest.approx(2 * 0.5 / 5 * 2 * 0.5)
    assert lost.mae == 1.0
    assert (lost.mae_8h, lost.mae_12h, lost.mae_day) == pytest.approx((8.0, 12.0, 24.0))
    assert lost.coverage_80 == lost.coverage_90 == 0.5


def test_totals_that_a_forecast_tells_are_scored_in_place_of_the_sums_of_its_hours() -> None:
    hourly = said(4.0)
    told = [iowa.totals(hourly, np.full(iowa.LEAD_HOURS, 5.0), period) for period in iowa.TOTALS]
    lost = iowa.losses(pd.concat([hourly, *told]), outcomes(np.full(iowa.LEAD_HOURS, 5.0)))
    assert (lost.mae_8h, lost.mae_12h, lost.mae_day) == (0.0, 0.0, 0.0)
    assert lost.mae == 1.0
    days = told[-1]
    assert days["value"].tolist() == [120.0] * 7
    assert (days["valid_at"].diff().dropna() == pd.Timedelta(days=1)).all()


def test_means_made_from_quantiles_are_near_the_laws() -> None:
    assert iowa.MEAN_WEIGHTS.sum() == pytest.approx(1.0)
    assert iowa.MEAN_WEIGHTS @ np.array(iowa.LEVELS) == pytest.approx(0.5)


def over_weeks(above: np.ndarray) -> iowa.Losses:
    """The losses of 4 patients said of every hour, of weeks that come to so many more (weeks,)."""
    origins = [ORIGIN + timedelta(weeks=week) for week in range(len(above))]
    return iowa.losses(pd.concat([said(4.0, origin) for origin in origins]), outcomes(4 + above.repeat(168)))


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
    assert iowa.losses(forecast, observed).wql == pytest.approx(0.2, abs=0.02)
