"""The temperature of a panel's hours: nothing told later, and where nothing is told what fades."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from forecasting.config import Settings
from forecasting.features import build_panel
from forecasting.features.weather import FADE_HALF_LIFE_HOURS
from forecasting.models.holdout import as_known_at
from forecasting.schema import ANOMALY, ANOMALY_NIGHT, OBSERVATION, WEATHER, Target, anomaly_told

pytestmark = pytest.mark.unit

ISSUED_AT = datetime(2026, 6, 10, 7, tzinfo=UTC)
DAYS = 120
HOUR = pd.Timedelta(hours=1)


def history(until: datetime = ISSUED_AT) -> pd.DataFrame:
    hours = pd.date_range(ISSUED_AT - timedelta(days=DAYS), until, freq="h", inclusive="left")
    table = {"site_id": "north", "unit_id": "ed", "target": "ed_arrivals", "valid_at": hours, "value": 4.0}
    return OBSERVATION.conform(pd.DataFrame(table))


def usual(hours: pd.DatetimeIndex) -> np.ndarray:
    """A temperature without weather: warm afternoons, and a little warmer day by day."""
    days = (hours - pd.Timestamp(ISSUED_AT)) / pd.Timedelta(days=1)
    return np.asarray(15 + 4 * np.cos(2 * np.pi * (hours.hour - 19) / 24) + 0.05 * days)


def observed(until: datetime = ISSUED_AT, departure: float = 0.0, hours_of_it: int = 12) -> pd.DataFrame:
    """Observations up to a time, told an hour later; the last ones depart from the usual."""
    hours = pd.date_range(ISSUED_AT - timedelta(days=DAYS), until, freq="h", inclusive="left")
    temperature = usual(hours) + departure * (hours >= pd.Timestamp(until) - hours_of_it * HOUR)
    return told(hours, hours + HOUR, temperature)


def foretold(at: datetime, days: int, departure: float) -> pd.DataFrame:
    """A forecast of so many days, told at a time."""
    hours = pd.date_range(at, periods=24 * days, freq="h")
    return told(hours, pd.DatetimeIndex([at] * len(hours)), usual(hours) + departure)


def told(valid_at: pd.DatetimeIndex, issued_at: pd.DatetimeIndex, temperature: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(
        {"site_id": "north", "issued_at": issued_at, "valid_at": valid_at, "temperature_c": temperature}
    )


def panel_of(settings: Settings, *weather: pd.DataFrame, at: datetime = ISSUED_AT) -> pd.DataFrame:
    rows = WEATHER.conform(pd.concat(weather, ignore_index=True))
    return build_panel(history(at), Target.ED_ARRIVALS, settings, at, settings.sites, rows)


def ahead(panel: pd.DataFrame, at: datetime = ISSUED_AT) -> np.ndarray:
    return panel.loc[panel["valid_at"] >= at, ANOMALY].to_numpy()


def test_without_weather_a_panel_has_no_columns_of_it(settings: Settings) -> None:
    panel = build_panel(history(), Target.ED_ARRIVALS, settings, ISSUED_AT, settings.sites)
    assert not [name for name in panel if str(name).startswith("temperature")]


def test_a_census_is_told_of_no_weather(settings: Settings) -> None:
    census = history().assign(target=Target.BED_CENSUS.value)
    rows = WEATHER.conform(observed())
    panel = build_panel(census, Target.BED_CENSUS, settings, ISSUED_AT, settings.sites, rows)
    assert ANOMALY not in panel


def test_a_source_that_tells_nothing_leaves_every_hour_as_usual(settings: Settings) -> None:
    panel = panel_of(settings, WEATHER.empty())
    assert (panel[ANOMALY] == 0).all()
    assert panel[ANOMALY_NIGHT].iloc[-1] == (settings.lead_hours - 1) // 24


def test_the_climate_has_no_weather(settings: Settings) -> None:
    """Four months of temperatures already tell the usual one of the week ahead."""
    panel = panel_of(settings, observed(), foretold(ISSUED_AT, 8, 0.0))
    assert np.abs(panel[ANOMALY]).max() < 1.0


def test_a_forecast_is_told_as_it_was_told(settings: Settings) -> None:
    panel = panel_of(settings, observed(), foretold(ISSUED_AT, 8, 7.0))
    assert ahead(panel) == pytest.approx(7.0, abs=1.0)


def test_the_last_departure_fades_where_nothing_is_told(settings: Settings) -> None:
    left = ahead(panel_of(settings, observed(departure=10.0)))
    assert left[0] == pytest.approx(10.0, abs=1.5)
    assert left[FADE_HALF_LIFE_HOURS] == pytest.approx(left[0] / 2, rel=0.02)
    assert np.all(np.diff(left) < 0)
    assert left[-1] < 1.0


def test_past_the_last_hour_told_a_forecast_fades_too(settings: Settings) -> None:
    left = ahead(panel_of(settings, observed(), foretold(ISSUED_AT, 3, -8.0)))
    assert left[71] == pytest.approx(-8.0, abs=1.0)
    assert left[71 + FADE_HALF_LIFE_HOURS] == pytest.approx(left[71] / 2, rel=0.02)


def test_a_gap_fades_and_a_long_outage_is_the_climate(settings: Settings) -> None:
    begun = ISSUED_AT - timedelta(days=30)
    panel = panel_of(settings, observed(begun, departure=10.0))
    hours = pd.DatetimeIndex(panel["valid_at"])
    assert panel.loc[hours == pd.Timestamp(begun), ANOMALY].iloc[0] > 5
    assert (ahead(panel) == 0).all()


@given(
    late=st.integers(1, 200),
    departure=st.floats(-40, 40),
    reach=st.integers(-100, 150),
    seed=st.integers(0, 9),
)
@examples(max_examples=25)
def test_what_is_told_after_the_issue_time_changes_nothing(
    settings: Settings, late: int, departure: float, reach: int, seed: int
) -> None:
    random = np.random.default_rng(seed)
    hours = pd.date_range(ISSUED_AT + timedelta(hours=reach), periods=24, freq="h")
    told_at = pd.DatetimeIndex(
        pd.Timestamp(ISSUED_AT) + pd.to_timedelta(late + random.integers(0, 50, 24), unit="m")
    )
    planted = told(hours, told_at, usual(hours) + departure)
    plain = (observed(departure=3.0), foretold(ISSUED_AT, 5, 2.0))
    pd.testing.assert_frame_equal(panel_of(settings, *plain), panel_of(settings, *plain, planted))


def test_a_past_night_is_told_what_it_knew_and_not_what_came(settings: Settings) -> None:
    """The observed hours after it, and forecasts told after it, were ten degrees off what it was told."""
    past = ISSUED_AT - timedelta(days=9)
    weather = (
        observed(departure=10.0, hours_of_it=9 * 24),
        foretold(past, 8, -6.0),
        foretold(past + timedelta(days=1), 8, 12.0),
    )
    known = as_known_at(panel_of(settings, *weather), past)
    then = panel_of(settings, *[rows[rows["issued_at"] <= past] for rows in weather], at=past)
    mine = known.set_index("valid_at")[ANOMALY].reindex(then["valid_at"]).to_numpy()
    assert mine == pytest.approx(then[ANOMALY].to_numpy(), abs=1e-4)
    assert ahead(then, past)[: 8 * 24] == pytest.approx(-6.0, abs=1.0)


@pytest.mark.parametrize("hours_after_a_night", [0, 1, 13, 23])
def test_at_any_hour_of_a_past_day_the_night_before_it_speaks(
    settings: Settings, hours_after_a_night: int
) -> None:
    night = ISSUED_AT - timedelta(days=5)
    weather = (observed(night), foretold(night, 8, 5.0), foretold(night + timedelta(minutes=30), 8, -5.0))
    at = night + timedelta(hours=hours_after_a_night)
    known = as_known_at(panel_of(settings, *weather), at)
    spoken = known.loc[known["valid_at"].between(at, at + timedelta(days=3)), ANOMALY]
    assert (spoken > 3).all()


def test_each_night_before_an_hour_has_its_own_word(settings: Settings) -> None:
    hour = pd.Timestamp(ISSUED_AT) - 10 * HOUR
    weather = [observed(departure=9.0)]
    weather += [foretold(ISSUED_AT - timedelta(days=night), 8, float(night)) for night in range(1, 6)]
    row = panel_of(settings, *weather).set_index("valid_at").loc[hour]
    assert row[ANOMALY] == pytest.approx(9.0, abs=1.0)
    assert [row[anomaly_told(night)] for night in range(1, 6)] == pytest.approx([1, 2, 3, 4, 5], abs=0.8)
