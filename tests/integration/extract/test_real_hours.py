"""Real hospitals' numbers as sources of profile ``hourly``: what the check says of them, and a past night."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from forecasting import pipeline, warehouse
from forecasting.config import read_settings
from forecasting.deployment import Deployment
from forecasting.outcome import SiteBlocked
from forecasting.schema import NightState, Target

pytestmark = pytest.mark.integration

DATA = Path(__file__).parents[4] / "shared" / "data"
IOWA = DATA / "iowa_ed_arrivals" / "hourly.csv"
WINTERS = sorted((DATA / "nhs_winter_sitreps").glob("sitrep*.csv"))

RULES = """
[[shifts]]
name = "day"
start = "07:00"
hours = 12

[[shifts]]
name = "night"
start = "19:00"
hours = 12

[roles.ed_physician]
title = "ED physician"

[roles.ed_physician.arrivals_per_head_hour]
ed = 2.2

[roles.registered_nurse]
title = "Registered nurse"

[roles.registered_nurse.patients_per_head]
medical_surgical = 8
"""

IN_IOWA = f"""
[group]
name = "Iowa"
time_zone = "America/Chicago"

[source]
profile = "hourly"
history_days = 1800

[source.tables]
ed_arrivals_hourly = "Hourly ED counts"

[source.columns.ed_arrivals_hourly]
site_id = "facility"
hour_start = "hour_start_local"

[source.hourly]
time_zone = "CLOCK"
{RULES}
[[sites]]
site_id = "iowa"
source_id = "UIHC"
name = "Iowa City"
time_zone = "America/Chicago"
country = "US"
subdivision = "IA"
units = [{{ unit_id = "ed", name = "Emergency", unit_type = "ed", beds = 30 }}]
"""

IN_ENGLAND = f"""
[group]
name = "English winters"
time_zone = "Europe/London"

[source]
profile = "hourly"

[source.tables]
bed_census_hourly = "sitreps"

[source.columns.bed_census_hourly]
site_id = "Code"
unit_id = "Ward"
hour_start = "COLUMN"
occupied_beds = "G&A beds occ'd"
staffed_beds = "G&A Beds Open"

[source.hourly]
time_zone = "site"
{RULES}
[[sites]]
site_id = "barking"
source_id = "RF4"
name = "Barking, Havering and Redbridge"
time_zone = "Europe/London"
country = "GB"
units = [{{ unit_id = "wards", name = "General", unit_type = "medical_surgical", beds = 1100 }}]
"""


def installed(folder: Path, config: str, table: str, rows: pd.DataFrame) -> Deployment:
    (folder / "hospital.toml").write_text(config)
    url = f"sqlite:///{folder / 'source.db'}"
    engine = sa.create_engine(url)
    rows.to_sql(table, engine, index=False)
    engine.dispose()
    return Deployment(config=folder / "hospital.toml", var=folder / "var", source_url=url)


def iowa(folder: Path, clock: str, days_late: int = 0) -> Deployment:
    if not IOWA.exists():
        pytest.skip(f"no {IOWA}: the data stands beside the project, not in it")
    told = pd.read_csv(IOWA, usecols=["hour_start_local", "arrivals"], parse_dates=["hour_start_local"])
    late = told["hour_start_local"] + pd.Timedelta(days=days_late)
    hours = told.assign(facility="UIHC", hour_start_local=late)
    return installed(folder, IN_IOWA.replace("CLOCK", clock), "Hourly ED counts", hours)


def winters(folder: Path, column: str) -> Deployment:
    if not WINTERS:
        pytest.skip(f"no winters under {DATA}: the data stands beside the project, not in it")
    told = pd.concat(pd.read_csv(file, dtype=str) for file in WINTERS)
    # As reporting databases often have it: each winter's file in one table, all columns text.
    days = told.assign(Ward="wards", Midnight=told["Date"] + " 00:00:00")
    return installed(folder, IN_ENGLAND.replace("COLUMN", column), "sitreps", days)


def test_iowas_hours_read_as_utc_are_seen_to_be_local(tmp_path: Path) -> None:
    report = pipeline.check_source(iowa(tmp_path, "UTC"), date(2018, 4, 1), ["iowa"])
    (says,) = [says for says in report.doubts["says"] if "look local" in says]
    assert "(5 springs)" in says
    assert "(5 autumns)" in says


def test_iowas_hours_on_their_own_clock_have_no_doubt_but_the_hours_told_together(tmp_path: Path) -> None:
    report = pipeline.check_source(iowa(tmp_path, "site"), date(2018, 4, 1), ["iowa"])
    of_arrivals = report.doubts[report.doubts["target"] == Target.ED_ARRIVALS.value]
    assert list(of_arrivals["says"]) == ["5 rows: hour was twice"]
    (arrivals,) = report.series[report.series["target"] == Target.ED_ARRIVALS.value].to_dict("records")
    # Of 41,640 rows, five springs' hours never were, and five autumns' stand for two hours each.
    assert arrivals["hours"] == 41_640 - 5 - 5
    (unread,) = report.unread.to_dict("records")
    assert unread["target"] == Target.BED_CENSUS.value
    assert "source.tables.bed_census_hourly" in unread["says"]


def test_iowas_days_one_day_late_are_noticed(tmp_path: Path) -> None:
    late = iowa(tmp_path, "site", days_late=1)
    report = pipeline.check_source(late, date(2018, 4, 1), ["iowa"])
    assert report.doubts["says"].str.contains("one day late").any()


def test_a_past_night_in_iowa_plans_the_physicians_from_arrivals_alone(tmp_path: Path) -> None:
    place, night = iowa(tmp_path, "site"), date(2018, 3, 25)
    place.config.write_text(place.config.read_text().replace("= 1800", "= 120"))
    settings = read_settings(place.config)
    pipeline.migrate(place)
    pipeline.walk(place, night, settings.site_ids, "test__iowa", "never")
    engine = warehouse.connect(place.warehouse)
    standing = warehouse.find_night(engine, "iowa", night)
    assert standing is not None
    assert standing.state is NightState.PUBLISHED
    heads = pipeline.recommended(place, night)
    physicians = heads[heads["role"] == "ed_physician"]
    assert len(physicians) == 14
    assert physicians["required"].gt(1).all()
    assert physicians["reason"].str.contains("arrivals an hour expected").all()
    published = warehouse.observations(
        engine, ["iowa"], None, datetime(2018, 3, 11, tzinfo=UTC), datetime(2018, 3, 12, tzinfo=UTC)
    )
    assert published["value"].notna().all()


def test_daily_winters_are_refused_by_name_as_dates(tmp_path: Path) -> None:
    with pytest.raises(SiteBlocked, match=r"'Date' of table 'sitreps' holds dates .*daily data"):
        pipeline.check_source(winters(tmp_path, "Date"), date(2020, 3, 1), ["barking"])


def test_daily_winters_stamped_at_midnight_are_said_to_be_daily(tmp_path: Path) -> None:
    report = pipeline.check_source(winters(tmp_path, "Midnight"), date(2020, 3, 1), ["barking"])
    (unread,) = report.unread.to_dict("records")
    assert unread["target"] == Target.BED_CENSUS.value
    assert "daily data is not supported" in unread["says"]
