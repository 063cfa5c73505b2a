"""What a source told of the weather by an issue time, under whatever names it keeps it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from forecasting.config import Settings, Source, Weather
from forecasting.extract import SourceContractBroken, connect, extract_weather
from forecasting.profile import Profile
from forecasting.schema import WEATHER

pytestmark = pytest.mark.integration

Tables = dict[str, pd.DataFrame]
Write = Callable[[Tables], str]
ISSUED_AT = datetime(2026, 6, 10, 7, tzinfo=UTC)
SINCE = ISSUED_AT - timedelta(days=30)
KEY = ["valid_at", "issued_at"]


@pytest.fixture
def given(settings: Settings) -> Settings:
    return settings.model_copy(update={"weather": Weather(temperature="celsius")})


def naive(time: datetime) -> pd.Timestamp:
    return pd.Timestamp(time).tz_convert("UTC").tz_localize(None)


def row(issued: float | None, valid: float, temperature: float, site_id: str = "north") -> dict[str, object]:
    """A row told so many hours after the issue time, of an hour so many after it."""
    return {
        "site_id": site_id,
        "issued_at": pd.NaT if issued is None else naive(ISSUED_AT) + pd.Timedelta(hours=issued),
        "valid_at": naive(ISSUED_AT) + pd.Timedelta(hours=valid),
        "temperature_c": temperature,
    }


def read(url: str, settings: Settings) -> pd.DataFrame:
    return extract_weather(connect(url), settings.site("north"), settings, SINCE, ISSUED_AT)


def temperatures(rows: pd.DataFrame) -> dict[float, float]:
    """By hours from the issue time, the temperature that was told last."""
    last = rows.sort_values(KEY).drop_duplicates("valid_at", keep="last")
    hours = (last["valid_at"] - pd.Timestamp(ISSUED_AT)) / pd.Timedelta(hours=1)
    return dict(zip(hours, last["temperature_c"], strict=True))


def test_what_was_told_by_the_issue_time_is_read_and_nothing_told_later(
    write_source: Write, given: Settings
) -> None:
    rows = [
        row(-10, 5, 20.0),
        row(0, 6, 21.0),
        row(0.01, 5, 99.0),
        row(1, 6, 99.0),
        row(3, -2, 99.0),
        row(-1, -2, 17.0),
        row(-5, 7, 99.0, site_id="west"),
    ]
    told = read(write_source({"weather": pd.DataFrame(rows)}), given)
    assert temperatures(told) == {-2.0: 17.0, 5.0: 20.0, 6.0: 21.0}
    pd.testing.assert_frame_equal(told, WEATHER.conform(told))


def test_a_row_that_does_not_say_when_was_told_once_its_hour_was_over(
    write_source: Write, given: Settings
) -> None:
    rows = [row(-40, 2, 15.0), row(None, -1, 16.0), row(None, 0, 99.0), row(None, 5, 99.0)]
    told = read(write_source({"weather": pd.DataFrame(rows)}), given)
    assert temperatures(told) == {-1.0: 16.0, 2.0: 15.0}
    assert told.loc[told["temperature_c"] == 16.0, "issued_at"].item() == pd.Timestamp(ISSUED_AT)


def test_a_source_of_observations_alone_needs_no_issued_at(write_source: Write, given: Settings) -> None:
    rows = pd.DataFrame([row(None, -hour, float(hour)) for hour in range(-3, 4)]).drop(columns="issued_at")
    assert temperatures(read(write_source({"weather": rows}), given)) == {-3.0: 3.0, -2.0: 2.0, -1.0: 1.0}


def test_each_night_keeps_what_it_knew(write_source: Write, given: Settings) -> None:
    """Six-hourly forecasts of one hour: the last before each night's issue time stays."""
    rows = [row(-6 * run, 3, float(run)) for run in range(20)]
    told = read(write_source({"weather": pd.DataFrame(rows)}), given)
    for night in range(4):
        by_then = told[told["issued_at"] <= pd.Timestamp(ISSUED_AT) - pd.Timedelta(days=night)]
        assert temperatures(by_then) == {3.0: 4.0 * night}
    assert len(told) == 5


def test_mapped_names_fahrenheit_and_minutes_are_read(write_source: Write, given: Settings) -> None:
    rows = pd.DataFrame([row(-2.2, -2.4, 50.0), row(-3, 4, 86.0)])
    theirs = rows.rename(columns={"temperature_c": "TEMP_F", "valid_at": "Valid Time", "issued_at": "told"})
    columns = {"temperature_c": "TEMP_F", "valid_at": "Valid Time", "issued_at": "told"}
    source = Source(tables={"weather": "station"}, columns={"weather": columns})
    mapped = given.model_copy(update={"source": source, "weather": Weather(temperature="fahrenheit")})
    found = temperatures(read(write_source({"station": theirs}), mapped))
    assert found == pytest.approx({-3.0: 10.0, 4.0: 30.0})


def test_an_hourly_source_keeps_weather_on_its_own_clock(write_source: Write, given: Settings) -> None:
    local = timedelta(hours=-4)
    rows = pd.DataFrame([row(-2, 5, 20.0), row(0.5, 5, 99.0), row(-1, -2, 17.0)])
    for name in ("issued_at", "valid_at"):
        rows[name] += local
    hours = Source(
        profile=Profile.HOURLY, hourly=given.source.hourly.model_copy(update={"time_zone": "site"})
    )
    own = given.model_copy(update={"source": hours})
    assert temperatures(read(write_source({"weather": rows}), own)) == {-2.0: 17.0, 5.0: 20.0}


def test_a_time_that_clocks_show_twice_is_not_known_too_early(write_source: Write, given: Settings) -> None:
    """01:30 on the night clocks go back is 05:30 or 06:30 UTC: at 06:00 it may not have been told yet."""
    issued_at = datetime(2026, 11, 1, 6, tzinfo=UTC)
    told = pd.Timestamp("2026-11-01 01:30")
    rows = pd.DataFrame(
        {
            "site_id": "north",
            "issued_at": [told, told - pd.Timedelta(hours=2)],
            "valid_at": [pd.Timestamp("2026-11-01 08:00"), pd.Timestamp("2026-11-01 09:00")],
            "temperature_c": [99.0, 5.0],
        }
    )
    hours = Source(
        profile=Profile.HOURLY, hourly=given.source.hourly.model_copy(update={"time_zone": "site"})
    )
    own = given.model_copy(update={"source": hours})
    engine = connect(write_source({"weather": rows}))
    known = extract_weather(engine, own.site("north"), own, issued_at - timedelta(days=5), issued_at)
    assert list(known["temperature_c"]) == [5.0]


def test_what_is_no_number_is_left_out(write_source: Write, given: Settings) -> None:
    rows = pd.DataFrame([row(-3, 4, 1.0), row(-3, 5, 2.0), row(-3, 6, np.nan)])
    rows["temperature_c"] = ["18.5", "-", None]
    assert temperatures(read(write_source({"weather": rows}), given)) == {4.0: 18.5}


def test_a_source_without_the_table_or_a_column_is_told_which_key_maps_it(
    write_source: Write, given: Settings
) -> None:
    rows = pd.DataFrame([row(-3, 4, 1.0)])
    with pytest.raises(SourceContractBroken, match=r"source\.tables\.weather"):
        read(write_source({"other": rows}), given)
    with pytest.raises(SourceContractBroken, match=r"source\.columns\.weather\.temperature_c"):
        read(write_source({"weather": rows.rename(columns={"temperature_c": "warmth"})}), given)
