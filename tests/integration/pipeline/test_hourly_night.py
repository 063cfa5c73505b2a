"""A hospital that counts its hours itself gets its night: through clock changes, without flows or roster."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
import sqlalchemy as sa
from hourly_hospital import hours_of

from forecasting import pipeline, warehouse
from forecasting.config import read_settings
from forecasting.deployment import Deployment
from forecasting.outcome import BacktestRefused, NightIncomplete, SiteBlocked
from forecasting.pipeline import backtest
from forecasting.pipeline.flows import staged_flows
from forecasting.schema import NightState, Target
from forecasting.staging import Stage

pytestmark = pytest.mark.integration

PLAIN = (Path(__file__).parents[2] / "hospital.toml").read_text()
HOURLY = '[source]\nprofile = "hourly"\n\n[source.hourly]\ntime_zone = "site"\n\n[training]'
NEW_YORK = ZoneInfo("America/New_York")


def installed(folder: Path, url: str, night: date, *, days: int = 45) -> Deployment:
    """An installation over a source of north's hours on its local clock, around a night."""
    config = folder / "hospital.toml"
    text = PLAIN.replace("[source]\nhistory_days = 140\n\n[training]", HOURLY)
    config.write_text(text.replace('unit_type = "ed",', 'unit_type = "ed", load = "offered",'))
    place = Deployment(config=config, var=folder / "var", source_url=url)
    place.var.mkdir()
    engine = sa.create_engine(url)
    for name, frame in hours_of(read_settings(config).issued_at(night), days, NEW_YORK).items():
        frame.to_sql(name, engine, index=False)
    engine.dispose()
    pipeline.migrate(place)
    return place


@pytest.mark.parametrize(
    ("database", "night", "hours"), [("sqlite", date(2026, 3, 9), 23), ("postgresql", date(2026, 11, 2), 25)]
)
def test_a_night_without_flows_or_roster_publishes_through_a_clock_change(
    tmp_path: Path, request: pytest.FixtureRequest, database: str, night: date, hours: int
) -> None:
    url = (
        request.getfixturevalue("postgres_url")
        if database == "postgresql"
        else f"sqlite:///{tmp_path / 'source.db'}"
    )
    place = installed(tmp_path, url, night)
    settings = read_settings(place.config)
    issued_at = settings.issued_at(night)
    with pytest.raises(NightIncomplete, match=r"(?s)1 of 2 sites.*west: No rows for site 'west'"):
        pipeline.walk(place, night, settings.site_ids, "test__hourly", "auto")

    engine = warehouse.connect(place.warehouse)
    standing = warehouse.find_night(engine, "north", night)
    assert standing is not None
    assert standing.state is NightState.PUBLISHED
    known = warehouse.observations(engine, ["north"], None, issued_at - timedelta(days=3), issued_at)
    local = known["valid_at"].dt.tz_convert(NEW_YORK)
    changed = known[local.dt.date == night - timedelta(days=1)]
    assert set(changed.groupby(["unit_id", "target"]).size()) == {hours}
    assert changed["value"].notna().all()

    heads = pipeline.recommended(place, night)
    assert set(heads["unit_id"]) == {"ed", "icu"}
    assert heads["required"].ge(2).all()
    assert heads["scheduled"].isna().all()
    assert set(heads["model"]) == {"climatology"}
    assert heads["note"].str.contains("too little of the past is known").all()
    by_census = "Planned by the forecast census, not by the offered load: profile hourly has no visits"
    assert (heads["note"].str.contains(by_census) == heads["unit_id"].eq("ed")).all()
    flows = staged_flows(Stage(place.staging, night, "north"), issued_at)
    assert flows.present.empty


def test_a_backtest_of_the_flow_is_refused_for_a_source_without_stays(tmp_path: Path) -> None:
    night = date(2026, 3, 9)
    place = installed(tmp_path, f"sqlite:///{tmp_path / 'source.db'}", night)
    protocol = backtest.read_protocol(
        read_settings(place.config),
        targets=["bed_census"],
        first=night,
        last=night,
        step_days=7,
        refit_days=None,
        models=["flow"],
        seeds=(),
        site_ids=(),
    )
    with pytest.raises(BacktestRefused, match="a source of profile hourly has none; leave it out"):
        backtest.open_backtest(place, protocol, {})


def test_a_check_shows_what_a_night_would_read_before_there_is_one(tmp_path: Path) -> None:
    night = date(2026, 3, 9)
    place = installed(tmp_path, f"sqlite:///{tmp_path / 'source.db'}", night)
    report = pipeline.check_source(place, night, ["north", "west"])
    of_north = report.series[report.series["site_id"] == "north"].set_index(["unit_id", "target"])
    assert set(of_north.index) == {("ed", "ed_arrivals"), ("ed", "bed_census"), ("icu", "bed_census")}
    assert set(of_north["hours"]) == {45 * 24}
    assert set(of_north["missing"]) == {0}
    assert set(report.unread["site_id"]) == {"west"}
    assert set(report.unread["target"]) == set(map(str, Target))
    (short,) = [says for says in report.doubts["says"] if "days of history" in says]
    assert short.startswith("44 days of history; a trained model needs 84")


def test_a_check_names_every_table_and_column_that_is_missing(tmp_path: Path) -> None:
    night = date(2026, 3, 9)
    place = installed(tmp_path, f"sqlite:///{tmp_path / 'source.db'}", night)
    engine = sa.create_engine(place.source)
    with engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE ed_arrivals_hourly RENAME COLUMN arrivals TO patients"))
        connection.execute(sa.text("ALTER TABLE bed_census_hourly RENAME COLUMN site_id TO facility"))
    engine.dispose()
    with pytest.raises(SiteBlocked) as refused:
        pipeline.check_source(place, night, ["north"])
    for key in ("source.columns.ed_arrivals_hourly.arrivals", "source.columns.bed_census_hourly.site_id"):
        assert key in str(refused.value)


def test_hours_that_reach_the_source_late_are_taken_up_by_the_next_night(tmp_path: Path) -> None:
    night = date(2026, 5, 11)
    place = installed(tmp_path, f"sqlite:///{tmp_path / 'source.db'}", night)
    settings = read_settings(place.config)
    late = pd.Timestamp(settings.issued_at(night)) - pd.Timedelta(hours=4)
    label = f"{late.tz_convert(NEW_YORK):%Y-%m-%d %H:%M:%S}%"
    statement = sa.text("UPDATE ed_arrivals_hourly SET arrivals = :count WHERE hour_start LIKE :label")
    engine = sa.create_engine(place.source)
    found = []
    for number, count in enumerate((None, 9)):
        with engine.begin() as connection:
            assert connection.execute(statement, {"count": count, "label": label}).rowcount == 1
        tonight = night + timedelta(days=number)
        key = pipeline.open_night(place, tonight, ["north"], "test__late", {})
        pipeline.extract_site(place, key, "north")
        pipeline.validate_site(place, key, "north")
        pipeline.record_site(place, key, "north")
        known = warehouse.observations(
            warehouse.connect(place.warehouse),
            ["north"],
            Target.ED_ARRIVALS.value,
            late.to_pydatetime(),
            settings.issued_at(tonight),
        )
        found.append(known.loc[known["valid_at"] == late, "value"].iloc[0])
    engine.dispose()
    assert pd.isna(found[0])
    assert found[1] == 9
