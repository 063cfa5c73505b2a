"""Real tables of other shapes: what the check says of them, and that a night on them ends in words."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from forecasting import pipeline
from forecasting.deployment import Deployment
from forecasting.outcome import NightIncomplete
from forecasting.schema import Target

pytestmark = pytest.mark.integration

DATA = Path(__file__).parents[4] / "shared" / "data"
NOW = date(2026, 11, 23)

CONFIG = """
[group]
name = "Boston"
time_zone = "America/New_York"

[source]
{source}

[source.events]
time_zone = "site"

[[shifts]]
name = "day"
start = "07:00"
hours = 12

[[shifts]]
name = "night"
start = "19:00"
hours = 12

[roles.registered_nurse]
title = "Registered nurse"
minimum_heads = 2

[roles.registered_nurse.patients_per_head]
ed = 4
icu = 2
medical_surgical = 5

[[sites]]
site_id = "boston"
name = "Boston"
time_zone = "America/New_York"
country = "US"
subdivision = "MA"
units = [
  {{ unit_id = "ed", source_id = "Emergency Department", name = "ED", unit_type = "ed", beds = 30 }},
  {{ unit_id = "medicine", source_id = "Medicine", name = "Ward", unit_type = "icu", beds = 20 }},
]
"""
OMOP = 'profile = "omop"\n[source.omop]\ned_visit_concepts = {direct}\ned_admission_concepts = {admitted}'


def installed(folder: Path, name: str, source: str) -> Deployment:
    files = sorted((DATA / name).glob("*.csv"))
    if not files:
        pytest.skip(f"no {DATA / name}: the data stands beside the project, not in it")
    (folder / "hospital.toml").write_text(CONFIG.format(source=source))
    url = f"sqlite:///{folder / 'source.db'}"
    engine = sa.create_engine(url)
    for file in files:
        # Identifiers are longer than a float tells apart.
        pd.read_csv(file, dtype_backend="pyarrow").to_sql(file.stem, engine, index=False)
    engine.dispose()
    return Deployment(config=folder / "hospital.toml", var=folder / "var", source_url=url)


def test_mimic_is_said_to_be_shifted_and_to_know_no_ward(tmp_path: Path) -> None:
    place = installed(tmp_path, "mimic_iv_ed_demo", 'profile = "mimic_iv_ed"')
    report = pipeline.check_source(place, NOW, ["boston"])
    (shifted,) = report.doubts.loc[report.doubts["says"].str.contains("shifted"), "says"]
    assert shifted.startswith("222 arrivals between 2112-09-17 and 2201-10-30")
    unread = report.unread.set_index(["unit_id", "target"])["says"]
    assert "of no ward" in unread["medicine", Target.BED_CENSUS.value]
    assert "the 222 arrivals that the source has lie between" in unread["", Target.ED_ARRIVALS.value]


def test_a_night_on_mimic_ends_in_words(tmp_path: Path) -> None:
    place = installed(tmp_path, "mimic_iv_ed_demo", 'profile = "mimic_iv_ed"')
    pipeline.migrate(place)
    with pytest.raises(NightIncomplete, match="No rows for site 'boston' in edstays of late"):
        pipeline.walk(place, NOW, ["boston"], "test__mimic", "never")


def test_mimic_in_omop_is_read_with_its_moves_and_said_to_be_shifted(tmp_path: Path) -> None:
    source = OMOP.format(direct=[8870], admitted=[262, 581385])
    place = installed(tmp_path, "omop_mimic_demo", source)
    report = pipeline.check_source(place, date(2180, 9, 1), ["boston"])
    assert report.doubts["says"].str.contains("shifted for each patient apart").any()
    assert report.unread.empty
    series = report.series.set_index(["unit_id", "target"])
    assert set(series["table"]) == {"visit_occurrence", "visit_detail"}
    assert series["hours"].gt(0).all()
    assert not report.doubts["says"].str.contains("missing unit").any()


def test_days_without_a_time_are_said_to_tell_no_hours(tmp_path: Path) -> None:
    """Synthea's clinic visits in OMOP begin at midnight, all of them."""
    place = installed(tmp_path, "omop_synthea27nj", OMOP.format(direct=[9202, 9203], admitted=[262]))
    report = pipeline.check_source(place, date(2022, 10, 1), ["boston"])
    of_arrivals = report.doubts[report.doubts["target"] == Target.ED_ARRIVALS.value]
    assert of_arrivals["says"].str.startswith("all times are in the hour after midnight").any()
    wards = report.doubts[report.doubts["unit_id"] == "medicine"]
    assert list(wards["says"]) == ["no rows of it; if the source calls it otherwise, say so: units.source_id"]
