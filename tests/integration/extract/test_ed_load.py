"""Stays in the ED, and who is there, are those of a patient-by-patient count, as known at the time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from forecasting.config import Settings
from forecasting.extract import SourceContractBroken, connect, extract_ed_load
from forecasting.profile import Profile
from forecasting.schema import ED_STAY, ELAPSED_HOURS

pytestmark = pytest.mark.integration

Tables = dict[str, pd.DataFrame]
Write = Callable[[Tables], str]
Patients = Callable[..., Tables]

START = datetime(2026, 2, 24)  # noqa: DTZ001  (sources hold UTC without a zone)
HOURS = 24 * 24
ISSUED_AT = START.replace(tzinfo=UTC) + timedelta(hours=HOURS)
DAYS = 22  # New York's clock goes forward within those whose stays are over
ED_HOURS = 96
HOUR = pd.Timedelta(hours=1)
KEY = ["acuity", "local_hour", "stay_hours"]


def visits_of(tables: Tables) -> pd.DataFrame:
    """Each visit once, its hours and what was known of its end."""
    now = pd.Timestamp(ISSUED_AT).tz_convert(None)
    visits = tables["ed_visit"]
    visits = visits[(visits["site_id"] == "north") & (visits["arrived_at"] < now)]
    visits = visits[~(visits["departed_at"] < visits["arrived_at"])]
    end = visits["departed_at"].where(visits["departed_at"] < now)
    return visits.assign(first=visits["arrived_at"].dt.ceil("h"), gone=end.dt.ceil("h"))


def with_acuity(tables: Tables) -> Tables:
    visits = tables["ed_visit"]
    levels = np.random.default_rng(4).choice([1.0, 2.0, 3.0, 7.0, np.nan], len(visits))
    return {**tables, "ed_visit": visits.assign(acuity=levels)}


def test_stays_are_those_of_a_count_patient_by_patient(
    write_source: Write, patients: Patients, settings: Settings
) -> None:
    tables = with_acuity(patients(START, HOURS))
    stays, _ = extract_ed_load(
        connect(write_source(tables)), settings.site("north"), settings, [ISSUED_AT], DAYS
    )
    now = pd.Timestamp(ISSUED_AT).tz_convert(None)
    seen = visits_of(tables).dropna(subset="gone").drop_duplicates("visit_id")
    came = seen["first"] - HOUR
    seen = seen[(came >= now - pd.Timedelta(days=DAYS)) & (came < now - pd.Timedelta(hours=168))]
    local = (seen["first"] - HOUR).dt.tz_localize("UTC").dt.tz_convert("America/New_York")
    acuity = seen["acuity"].where(seen["acuity"].isin([1, 2, 3]), 0).astype(int)
    hours = ((seen["gone"] - seen["first"]).dt.total_seconds() / 3600).astype(int)
    expected = pd.DataFrame({"acuity": acuity, "local_hour": local.dt.hour, "stay_hours": hours})
    expected = expected.groupby(KEY).size().rename("patients").reset_index().assign(site_id="north")
    pd.testing.assert_frame_equal(stays, ED_STAY.conform(expected))
    assert set(stays["acuity"]) == {0, 1, 2, 3}


def test_a_source_without_acuity_tells_its_stays_all_the_same(
    write_source: Write, patients: Patients, settings: Settings
) -> None:
    tables = patients(START, HOURS, per_hour=1.0)
    url = write_source({**tables, "ed_visit": tables["ed_visit"].drop(columns="acuity")})
    stays, _ = extract_ed_load(connect(url), settings.site("north"), settings, [ISSUED_AT], DAYS)
    assert set(stays["acuity"]) == {0}
    assert stays["patients"].sum() > 100


def test_who_is_there_is_told_at_each_issue_time_as_known_then(
    write_source: Write, patients: Patients, settings: Settings
) -> None:
    tables = with_acuity(patients(START, HOURS + 48))
    times = [ISSUED_AT - timedelta(days=2), ISSUED_AT]
    _, present = extract_ed_load(connect(write_source(tables)), settings.site("north"), settings, times, DAYS)
    assert set(present["unit_id"]) == {"ed"}
    visits = visits_of(tables).drop_duplicates("visit_id")
    for time in times:
        at = pd.Timestamp(time).tz_convert(None)
        there = visits[(visits["arrived_at"] < at) & ~(visits["departed_at"] < at)]
        elapsed = (at - there["first"]).dt.total_seconds() / 3600
        elapsed = elapsed[elapsed < ED_HOURS]
        bins = pd.Series([max(edge for edge in ELAPSED_HOURS if edge <= hours) for hours in elapsed])
        told = present[present["valid_at"] == time].set_index("elapsed_from")["patients"]
        assert told.to_dict() == bins.value_counts().to_dict()


def test_nothing_that_happens_after_the_issue_time_is_counted(
    write_source: Write, patients: Patients, settings: Settings
) -> None:
    tables = with_acuity(patients(START, HOURS + 48))
    now = pd.Timestamp(ISSUED_AT).tz_convert(None)
    visits = tables["ed_visit"]
    visits = visits[visits["arrived_at"] < now]
    known = visits.assign(departed_at=visits["departed_at"].where(visits["departed_at"] < now))
    told = [
        extract_ed_load(connect(write_source(each)), settings.site("north"), settings, [ISSUED_AT], DAYS)
        for each in (tables, {**tables, "ed_visit": known})
    ]
    for before, after in zip(*told, strict=True):
        pd.testing.assert_frame_equal(before, after)


def test_a_profile_of_hours_tells_no_stays(settings: Settings) -> None:
    source = settings.source.model_copy(update={"profile": Profile.HOURLY})
    hourly = settings.model_copy(update={"source": source})
    with pytest.raises(SourceContractBroken, match="profile hourly has no visits from arrival to departure"):
        extract_ed_load(sa.create_engine("sqlite://"), settings.site("north"), hourly, [ISSUED_AT])
    with pytest.raises(ValueError, match="none was given"):
        extract_ed_load(sa.create_engine("sqlite://"), settings.site("north"), settings, [])
