"""A night with weather on the real path: told by then alone, and a feed that fails costs only itself."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa
from integration.pipeline.two_hospitals import CONFIG, NIGHT

from forecasting import extract, pipeline, warehouse
from forecasting.config import Settings, read_settings
from forecasting.deployment import Deployment
from forecasting.pipeline.weather import EXTRACTED, stage_weather
from forecasting.schema import FORECAST, WEATHER, NightState, Target
from forecasting.staging import Stage

pytestmark = pytest.mark.integration

SITE = "north"


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, blank_mlflow: Path) -> Deployment:
    """One site whose source tells the weather, before its first night."""
    folder = tmp_path_factory.mktemp("weather")
    config = folder / "hospital.toml"
    config.write_text(CONFIG.read_text() + '\n[weather]\ntemperature = "celsius"\n')
    place = Deployment(config=config, var=folder / "var")
    settings = read_settings(config)
    issued_at = settings.issued_at(NIGHT)
    start = issued_at - timedelta(days=settings.source.history_days)
    pipeline.simulate_source(place, start, issued_at + timedelta(days=2), seed=5)
    pipeline.migrate(place)
    shutil.copy(blank_mlflow, place.var / "mlflow.db")
    return place


@pytest.fixture
def place(told: Deployment, tmp_path: Path) -> Deployment:
    shutil.copytree(told.var, tmp_path / "var")
    return Deployment(config=told.config, var=tmp_path / "var")


def run(place: Deployment, statement: str, **values: object) -> None:
    engine = sa.create_engine(place.source)
    with engine.begin() as connection:
        connection.execute(sa.text(statement), values)
    engine.dispose()


def ingested(place: Deployment) -> tuple[pipeline.NightKey, Stage]:
    key = pipeline.open_night(place, NIGHT, [SITE], "test__weather", {})
    pipeline.extract_site(place, key, SITE)
    pipeline.validate_site(place, key, SITE)
    pipeline.record_site(place, key, SITE)
    return key, Stage(place.staging, NIGHT, SITE)


def forecast(place: Deployment) -> pd.DataFrame:
    key, stage = ingested(place)
    pipeline.forecast_site(place, key, SITE)
    return stage.read(FORECAST)


def failed(place: Deployment) -> pd.DataFrame:
    results = warehouse.validation_results(warehouse.connect(place.warehouse), NIGHT)
    return results[~results["success"] & results["table_name"].str.startswith("weather")]


def test_a_night_with_weather_publishes_with_what_was_told_by_then(place: Deployment) -> None:
    pipeline.walk(place, NIGHT, [SITE], "test__walk", "never")
    found = warehouse.find_night(warehouse.connect(place.warehouse), SITE, NIGHT)
    assert found is not None
    assert found.state is NightState.PUBLISHED
    heads = warehouse.recommendations(warehouse.connect(place.warehouse), NIGHT)
    assert not heads["note"].str.contains("weather").any()
    issued_at = pd.Timestamp(read_settings(place.config).issued_at(NIGHT))
    weather = Stage(place.staging, NIGHT, SITE).read(WEATHER)
    assert weather["issued_at"].max() <= issued_at
    assert weather["valid_at"].max() >= issued_at + pd.Timedelta(days=7)
    assert failed(place).empty


def test_what_is_told_later_changes_nothing(place: Deployment) -> None:
    settings = read_settings(place.config)
    issued_at = settings.issued_at(NIGHT)
    source = extract.connect(place.source)
    stages = [Stage(place.staging, NIGHT, SITE), Stage(f"{place.staging}_later", NIGHT, SITE)]
    stage_weather(stages[0], source, settings, issued_at)
    moment = issued_at.strftime("%Y-%m-%d %H:%M:%S")
    run(
        place,
        "UPDATE weather SET temperature_c = temperature_c + 25 WHERE issued_at > :moment",
        moment=moment,
    )
    run(
        place,
        "INSERT INTO weather SELECT site_id, datetime(:moment, '+1 second'), valid_at, 55 FROM weather",
        moment=moment,
    )
    stage_weather(stages[1], source, settings, issued_at)
    before, after = (stage.read(WEATHER, EXTRACTED) for stage in stages)
    assert len(before)
    pd.testing.assert_frame_equal(before, after)


def test_a_lost_feed_costs_the_weather_alone_and_says_so(place: Deployment) -> None:
    run(place, "DROP TABLE weather")
    rows = forecast(place)
    arrivals = rows["target"] == Target.ED_ARRIVALS.value
    assert rows.loc[arrivals, "note"].str.contains("without the weather").all()
    assert not rows.loc[~arrivals, "note"].str.contains("weather").any()
    assert set(failed(place)["expectation"]) == {"recent_hours_are_told", "days_ahead_are_told"}


def test_a_feed_of_observations_alone_says_that_no_forecast_is_told(place: Deployment) -> None:
    run(place, "DELETE FROM weather WHERE issued_at < valid_at")
    rows = forecast(place)
    noted = rows.loc[rows["target"] == Target.ED_ARRIVALS.value, "note"]
    assert noted.str.contains("without tomorrow's weather").all()
    assert set(failed(place)["expectation"]) == {"days_ahead_are_told"}


def test_impossible_temperatures_are_left_out_and_told(place: Deployment) -> None:
    run(place, "UPDATE weather SET temperature_c = -999 WHERE valid_at LIKE '2026-06-01 1%'")
    _, stage = ingested(place)
    assert stage.read(WEATHER)["temperature_c"].between(-60, 60).all()
    told = failed(place).set_index("expectation")["detail"]
    assert told["temperature_is_plausible"].endswith("temperatures are not between -60 and 60 °C; left out.")


def test_where_none_is_configured_none_is_read(hospitals: Deployment, settings: Settings) -> None:
    """The simulator writes the same source as ever, without the table."""
    with sa.create_engine(hospitals.source).connect() as connection:
        assert not sa.inspect(connection).has_table(WEATHER.name)
    assert not settings.weather.given
