from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from benchmarks import iowa, known_ahead
from benchmarks.known_ahead import (
    SERVICE_ERROR,
    Days,
    errors,
    nothing,
    what_a_service_tells,
    what_came,
    what_fades,
)
from forecasting.evaluate import compare
from forecasting.models.glm.terms import HOURS_PER_DAY
from forecasting.schema import OBSERVATION

pytestmark = pytest.mark.unit

SPAN = iowa.Span("short", iowa.VALIDATION.first, weeks=2)
PAST_DAYS = 500


def days_of(effect: float, after: float = 1.0) -> Days:
    """Days whose arrivals follow a quantity by as much, all told by ``after`` from the span's end on."""
    random = np.random.default_rng(3)
    count = PAST_DAYS + 7 * SPAN.weeks + known_ahead.LEAD_DAYS
    quantity = random.normal(size=count)
    values = random.poisson(6.0 * np.exp(effect * quantity)[:, None], (count, HOURS_PER_DAY)).astype(float)
    hours = pd.date_range(SPAN.first - timedelta(days=PAST_DAYS), periods=values.size, freq="h")
    table = {"site_id": iowa.SITE, "unit_id": iowa.UNIT, "target": iowa.TARGET.value, "valid_at": hours}
    observed = OBSERVATION.conform(pd.DataFrame({**table, "value": values.ravel()}))
    panel = iowa.panel(observed, iowa.settings())
    noon = panel[(panel["local_hour"] == known_ahead.NOON) & (panel["observed"] == 1)].reset_index(drop=True)
    values[-known_ahead.LEAD_DAYS :] *= after
    return Days(noon, values, np.zeros(count), quantity)


def lost(days: Days, told: bool, ahead: known_ahead.Ahead) -> float:
    missed = errors(days, SPAN, (lambda days, origin: days.temperature) if told else None, ahead)
    assert missed.shape == (7 * SPAN.weeks, known_ahead.LEAD_DAYS)
    return float(np.abs(missed).mean())


def test_what_matters_and_is_known_ahead_pays_and_what_is_not_known_does_not() -> None:
    days = days_of(effect=0.2)
    assert lost(days, True, what_came) < 0.75 * lost(days, False, nothing)
    assert lost(days, True, nothing) > 0.9 * lost(days, False, nothing)


def test_what_came_in_the_week_ahead_changes_no_forecast() -> None:
    one, other = (errors(days_of(0.2, after), SPAN, None, nothing) for after in (1.0, 3.0))
    came = days_of(0.2).came[-known_ahead.LEAD_DAYS :]
    # Of the last origin all days ahead are tripled: they miss by as much more.
    np.testing.assert_allclose(other[-1, 1:] - one[-1, 1:], 2 * came[: known_ahead.LEAD_DAYS - 1])


def test_what_fades_is_the_last_days_by_the_pasts_correlation() -> None:
    wave = np.resize([1.0, 1.0, -1.0, -1.0], 401)
    np.testing.assert_allclose(what_fades(wave, 400), [0, 1, 0, -1, 0, 1, 0], atol=0.02)
    np.testing.assert_array_equal(what_came(wave, 0), wave[:7])


def test_a_forecast_of_the_weather_tells_less_the_further_ahead_and_errs_as_a_service_does() -> None:
    departures = np.random.default_rng(1).normal(size=3000)
    origins = range(500, 2900)
    told = np.stack([what_a_service_tells(departures, origin) for origin in origins])
    came = np.stack([what_came(departures, origin) for origin in origins])
    np.testing.assert_allclose((told - came).std(axis=0), SERVICE_ERROR, rtol=0.06)
    # What is told is what is to be expected: its errors don't go with it.
    np.testing.assert_allclose((told * came).mean(axis=0) / (told**2).mean(axis=0), 1.0, atol=0.1)


def test_a_gain_is_told_with_its_interval() -> None:
    days = days_of(effect=0.2)
    rows = pd.concat(
        [
            known_ahead.as_losses(days, SPAN, errors(days, SPAN, quantity, ahead), name)
            for name, quantity, ahead in (
                ("alone", None, nothing),
                ("told", lambda days, origin: days.temperature, what_came),
            )
        ]
    )
    gain = compare(rows, "told", "alone")
    assert gain.difference > 0
    assert gain.low < gain.difference < gain.high
    assert gain.champion_wql == pytest.approx(
        np.abs(errors(days, SPAN, None, nothing)).sum() / rows.loc[rows["model"] == "told", "outcome"].sum()
    )


def test_without_the_data_it_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(iowa, "DATA", iowa.DATA.with_name("nowhere.csv"))
    known_ahead.main()
    assert "skipped" in capsys.readouterr().out
