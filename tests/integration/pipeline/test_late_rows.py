"""Rows that come late, are corrected or taken back, on every profile: who knows of them, and when."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from forecasting import pipeline, warehouse
from forecasting.config import Settings, read_settings
from forecasting.deployment import Deployment
from forecasting.profile import Profile
from forecasting.schema import OBSERVATION, Target
from forecasting.staging import Stage

pytestmark = pytest.mark.integration

Tables = dict[str, pd.DataFrame]

CONFIG = Path(__file__).parents[2] / "hospital.toml"
FIRST = date(2026, 5, 11)
DAYS = 24
LOOK_BACK = 2
NEVER = pd.NaT


class Source:
    """A hospital's visits and stays, told in the shape of a profile, and changed between its nights."""

    def __init__(self, place: Deployment, settings: Settings) -> None:
        self.place, self.settings = place, settings
        self.issued_at = pd.Timestamp(settings.issued_at(FIRST)).tz_localize(None)
        begin = self.issued_at - pd.Timedelta(days=DAYS)
        random = np.random.default_rng(3)
        arrived = begin + pd.to_timedelta(np.sort(random.uniform(0, (DAYS + 6) * 1440, 2400)), unit="min")
        came = begin + pd.to_timedelta(np.sort(random.uniform(0, (DAYS + 6) * 1440, 500)), unit="min")
        self.visits = pd.DataFrame(
            {"start": arrived, "end": arrived + pd.to_timedelta(random.exponential(180, 2400), unit="min")}
        )
        self.stays = pd.DataFrame(
            {"start": came, "end": came + pd.to_timedelta(random.exponential(600, 500), unit="min")}
        )

    def write(self) -> None:
        """Replace the source's tables with those of today."""
        engine = sa.create_engine(self.place.source)
        for name, frame in getattr(self, f"_{self.settings.source.profile}")().items():
            times = {column: sa.DateTime() for column in frame.select_dtypes("datetime").columns}
            frame.to_sql(name, engine, index=False, if_exists="replace", dtype=times)
        engine.dispose()

    def night(self, number: int) -> datetime:
        """Write the tables, read so many nights after the first, and give its issue time."""
        self.write()
        night = FIRST + timedelta(days=number)
        key = pipeline.NightKey(night, f"test__{number}", "")
        pipeline.extract_site(self.place, key, "north")
        # What validation makes of them is no matter here, and takes most of the time.
        read = Stage(self.place.staging, night, "north").read(OBSERVATION, "extracted_observation")
        issued_at = self.settings.issued_at(night)
        warehouse.record_observations(warehouse.connect(self.place.warehouse), "north", issued_at, read)
        return issued_at

    def known(self, hour: pd.Timestamp, at: datetime, unit_id: str = "ed") -> dict[str, float]:
        """What was known of an hour of a unit at a moment, by target."""
        engine = warehouse.connect(self.place.warehouse)
        found = warehouse.observations(engine, ["north"], None, hour.tz_localize("UTC").to_pydatetime(), at)
        of_hour = found[(found["valid_at"] == hour.tz_localize("UTC")) & (found["unit_id"] == unit_id)]
        return dict(zip(of_hour["target"], of_hour["value"], strict=True))

    def _adt(self) -> Tables:
        visits = self.visits.rename(columns={"start": "arrived_at", "end": "departed_at"})
        stays = self.stays.rename(columns={"start": "bed_from", "end": "bed_to"})
        return {
            "ed_visit": visits.assign(visit_id=visits.index, site_id="north"),
            "bed_stay": stays.assign(stay_id=stays.index, site_id="north", unit_id="icu"),
            "unit": pd.DataFrame(
                {"site_id": "north", "unit_id": ["ed", "icu"], "unit_type": ["ed", "icu"], "staffed_beds": 30}
            ),
        }

    def _mimic_iv_ed(self) -> Tables:
        visits = self.visits.rename(columns={"start": "intime", "end": "outtime"})
        return {"edstays": visits.assign(stay_id=visits.index)}

    def _omop(self) -> Tables:
        visits, stays = self.visits.assign(concept=9203), self.stays.assign(concept=9201)
        both = pd.concat([visits, stays], ignore_index=True).reset_index(names="visit_occurrence_id")
        both = both.assign(person_id=both["visit_occurrence_id"], care_site_id=2)
        details = both[both["concept"] == 9201]
        return {
            "visit_occurrence": both.rename(
                columns={
                    "concept": "visit_concept_id",
                    "start": "visit_start_datetime",
                    "end": "visit_end_datetime",
                }
            ),
            "visit_detail": details.rename(
                columns={"start": "visit_detail_start_datetime", "end": "visit_detail_end_datetime"}
            ).assign(visit_detail_id=details["visit_occurrence_id"]),
            "care_site": pd.DataFrame(
                {"care_site_id": [1, 2], "care_site_name": ["ed", "icu"], "location_id": 1}
            ),
        }

    def _hourly(self) -> Tables:
        first, last = self.visits["start"].min().ceil("h"), self.visits["start"].max().floor("h")
        hours = pd.date_range(first, last, freq="h")
        arrivals = self.visits["start"].dt.floor("h").value_counts().reindex(hours, fill_value=0)
        census = {
            unit_id: [((rows["start"] <= hour) & ~(rows["end"] <= hour)).sum() for hour in hours]
            for unit_id, rows in (("ed", self.visits), ("icu", self.stays))
        }
        return {
            "ed_arrivals_hourly": pd.DataFrame(
                {"site_id": "north", "hour_start": hours, "arrivals": arrivals.to_numpy()}
            ),
            "bed_census_hourly": pd.concat(
                pd.DataFrame(
                    {"site_id": "north", "unit_id": unit_id, "hour_start": hours, "occupied_beds": values}
                )
                for unit_id, values in census.items()
            ),
        }


def installed(folder: Path, profile: Profile, of_site: str = "") -> Source:
    """A source and an installation over it, before its first night."""
    config = folder / "hospital.toml"
    text = CONFIG.read_text().replace(
        "history_days = 140", f'history_days = 140\nprofile = "{profile}"\nlookback_days = {LOOK_BACK}'
    )
    if profile in (Profile.MIMIC_IV_ED, Profile.OMOP):
        text = text.partition('[[sites]]\nsite_id = "west"')[0]
    config.write_text(text.replace('site_id = "north"\n', f'site_id = "north"\n{of_site}', 1))
    place = Deployment(config=config, var=folder / "var")
    place.var.mkdir()
    pipeline.migrate(place)
    return Source(place, read_settings(config))


@pytest.fixture(params=Profile)
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Source:
    return installed(tmp_path, request.param)


def test_late_corrected_and_taken_back_rows_are_versions_and_reread_takes_up_the_rest(source: Source) -> None:
    """An hour ten hours before the first night: what each night after it knows of it."""
    hour = (source.issued_at - pd.Timedelta(hours=10)).floor("h")
    inside = hour + pd.Timedelta(minutes=20)
    first = source.night(0)
    told = source.known(hour, first)

    late = pd.DataFrame({"start": [inside], "end": [inside + pd.Timedelta(hours=3)]})
    source.visits = pd.concat([source.visits, late], ignore_index=True)
    second = source.night(1)
    assert source.known(hour, second)[Target.ED_ARRIVALS] == told[Target.ED_ARRIVALS] + 1
    after = hour + pd.Timedelta(hours=2)
    assert source.known(after, second)[Target.BED_CENSUS] == source.known(after, first)[Target.BED_CENSUS] + 1

    # Taken back is the late visit and one that the first night knew; the late one's departure was wrong, too.
    start = source.visits["start"]
    known_to_first = start[(start >= hour) & (start < hour + pd.Timedelta(hours=1))].index[0]
    source.visits = source.visits.drop([known_to_first, source.visits.index[-1]])
    third = source.night(2)
    assert source.known(hour, third)[Target.ED_ARRIVALS] == told[Target.ED_ARRIVALS] - 1

    source.visits = pd.concat([source.visits, late, late + pd.Timedelta(minutes=1)], ignore_index=True)
    fourth = source.night(3)
    assert source.known(hour, fourth)[Target.ED_ARRIVALS] == told[Target.ED_ARRIVALS] - 1

    tried = pipeline.reread_site(source.place, "north", FIRST - timedelta(days=2), dry_run=True)
    assert source.known(hour, datetime.now(first.tzinfo))[Target.ED_ARRIVALS] == told[Target.ED_ARRIVALS] - 1
    reread = pipeline.reread_site(source.place, "north", FIRST - timedelta(days=2))
    assert (reread.changed, reread.new, reread.taken_back) == (tried.changed, 0, 0)
    assert reread.changed >= 1
    now = datetime.now(first.tzinfo)
    assert source.known(hour, now)[Target.ED_ARRIVALS] == told[Target.ED_ARRIVALS] + 1
    knew = [source.known(hour, night)[Target.ED_ARRIVALS] for night in (first, second, third, fourth)]
    assert [value - told[Target.ED_ARRIVALS] for value in knew] == [0, 1, -1, -1]


@pytest.mark.parametrize("days", [3, 4])
def test_a_row_is_taken_up_as_far_back_as_the_site_is_re_read(tmp_path: Path, days: int) -> None:
    """Its site re-reads three days where the group re-reads two."""
    source = installed(tmp_path, Profile.MIMIC_IV_ED, "lookback_days = 3\n")
    hour = (source.issued_at - pd.Timedelta(hours=10)).floor("h")
    told = source.known(hour, source.night(0))[Target.ED_ARRIVALS]
    if days > 1:
        source.night(days - 1)
    late = hour + pd.Timedelta(minutes=5)
    source.visits.loc[len(source.visits)] = [late, late + pd.Timedelta(hours=1)]
    found = source.known(hour, source.night(days))[Target.ED_ARRIVALS]
    assert found == told + (1 if days <= 3 else 0)
