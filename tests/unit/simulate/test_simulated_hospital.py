from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from forecasting.config import Settings, Site, Unit, UnitType
from forecasting.simulate import Hospital, simulate

pytestmark = pytest.mark.unit

START = datetime(2024, 1, 1, 5, tzinfo=UTC)
UNTIL = datetime(2024, 3, 15, 8, 20, tzinfo=UTC)


@pytest.fixture(scope="module")
def hospital(settings: Settings) -> Hospital:
    return simulate(settings, START, UNTIL, seed=5)


def frames(hospital: Hospital) -> dict[str, pd.DataFrame]:
    return {field.name: getattr(hospital, field.name) for field in fields(hospital)}


def assert_same(one: Hospital, other: Hospital) -> None:
    for name, frame in frames(one).items():
        pd.testing.assert_frame_equal(frame, frames(other)[name], obj=name)


def test_same_seed_same_rows(hospital: Hospital, settings: Settings) -> None:
    assert_same(simulate(settings, START, UNTIL, seed=5), hospital)


def test_another_seed_gives_another_hospital(hospital: Hospital, settings: Settings) -> None:
    other = simulate(settings, START, UNTIL, seed=6)
    assert not np.array_equal(other.ed_visit["arrived_at"][:500], hospital.ed_visit["arrived_at"][:500])
    assert not np.allclose(other.truth["expected_rate"], hospital.truth["expected_rate"])


def test_a_new_site_leaves_the_others_as_they_are(hospital: Hospital, settings: Settings) -> None:
    grown = settings.model_copy(
        update={"sites": (settings.sites[0].model_copy(update={"site_id": "east"}), *settings.sites)}
    )
    larger = simulate(grown, START, UNTIL, seed=5)
    for name, frame in frames(larger).items():
        kept = frame[frame["site_id"] != "east"].reset_index(drop=True)
        pd.testing.assert_frame_equal(kept, frames(hospital)[name], obj=name)
        assert (frame["site_id"] == "east").any() or name == "weather"


@pytest.mark.parametrize("days", [1, 8])
def test_a_later_end_only_adds_what_came_since(hospital: Hospital, settings: Settings, days: int) -> None:
    later = simulate(settings, START, UNTIL + timedelta(days=days), seed=5)
    visits = later.ed_visit[later.ed_visit["arrived_at"] < UNTIL].reset_index(drop=True)
    not_yet = visits["departed_at"] >= UNTIL
    visits = visits.assign(
        departed_at=visits["departed_at"].mask(not_yet), disposition=visits["disposition"].mask(not_yet)
    )
    pd.testing.assert_frame_equal(visits, hospital.ed_visit)
    stays = later.bed_stay[later.bed_stay["bed_from"] < UNTIL].reset_index(drop=True)
    stays = stays.assign(bed_to=stays["bed_to"].mask(stays["bed_to"] >= UNTIL))
    pd.testing.assert_frame_equal(stays, hospital.bed_stay)
    truth = later.truth[later.truth["valid_at"] < UNTIL].reset_index(drop=True)
    pd.testing.assert_frame_equal(truth, hospital.truth)


def test_nothing_is_known_after_the_end(hospital: Hospital) -> None:
    visits, stays = hospital.ed_visit, hospital.bed_stay
    for times in (visits["arrived_at"], visits["departed_at"], stays["bed_from"], stays["bed_to"]):
        assert times.max() < UNTIL
        assert times.min() >= START
    assert visits["departed_at"].isna().any()
    assert stays["bed_to"].isna().any()
    assert hospital.truth["valid_at"].agg(["min", "max"]).tolist() == [
        pd.Timestamp(START),
        pd.Timestamp(UNTIL).floor("h"),
    ]


def test_a_visit_has_a_disposition_once_it_is_over(hospital: Hospital) -> None:
    visits = hospital.ed_visit
    assert (visits["disposition"].isna() == visits["departed_at"].isna()).all()
    over = visits.dropna()
    assert (over["departed_at"] > over["arrived_at"]).all()
    assert set(over["disposition"]) == {"home", "admitted", "left_without_being_seen", "transferred"}
    assert set(over["acuity"]) == {1, 2, 3, 4, 5}
    assert visits["visit_id"].is_unique
    assert hospital.bed_stay["stay_id"].is_unique


def test_patients_are_conserved(hospital: Hospital) -> None:
    stays = hospital.bed_stay.sort_values(["site_id", "patient", "bed_from"])
    patient = stays.groupby(["site_id", "patient"])
    following = patient["bed_from"].shift(-1)
    moved = following.notna()
    assert (stays["bed_to"][moved] == following[moved]).all()
    assert (stays["bed_to"] > stays["bed_from"]).where(stays["bed_to"].notna(), True).all()

    first = patient.head(1)
    from_ed = first.dropna(subset="visit_id").set_index("visit_id")["bed_from"]
    assert from_ed.index.is_unique
    admitted = hospital.ed_visit.query("disposition == 'admitted'").set_index("visit_id")["departed_at"]
    pd.testing.assert_series_equal(admitted.sort_index(), from_ed.sort_index(), check_names=False)


def test_the_wards_are_full_from_the_first_hour(hospital: Hospital) -> None:
    beds = hospital.unit.set_index(["site_id", "unit_id"])["staffed_beds"]
    at_start = (
        hospital.bed_stay[hospital.bed_stay["bed_from"] == START].groupby(["site_id", "unit_id"]).size()
    )
    assert (at_start / beds).dropna().gt(0.4).all()


def test_census_stays_within_staffed_beds_at_every_instant(three_years: Hospital) -> None:
    for site_id, unit_id, beds in three_years.unit[["site_id", "unit_id", "staffed_beds"]].to_numpy():
        everywhere = three_years.bed_stay
        stays = everywhere[(everywhere["site_id"] == site_id) & (everywhere["unit_id"] == unit_id)]
        changes = pd.concat(
            [pd.Series(1, index=stays["bed_from"]), pd.Series(-1, index=stays["bed_to"].dropna())]
        )
        census = changes.groupby(level=0).sum().sort_index().cumsum()
        assert census.empty == (unit_id == "ed")
        assert census.empty or (census.max() <= beds and census.min() >= 0)


def test_occupancy_is_realistic_and_no_queue_grows(three_years: Hospital) -> None:
    beds = three_years.unit.set_index(["site_id", "unit_id"])["staffed_beds"]
    until = three_years.truth["valid_at"].max()
    stays = three_years.bed_stay.assign(bed_to=three_years.bed_stay["bed_to"].fillna(until))
    bed_days = (stays["bed_to"] - stays["bed_from"]).groupby([stays["site_id"], stays["unit_id"]]).sum()
    occupancy = bed_days.dt.total_seconds() / (3 * 365.33 * 86400) / beds
    assert 0.70 < occupancy["north", "icu"] < 0.86
    assert 0.80 < occupancy["west", "ward"] < 0.92

    visits = three_years.ed_visit.dropna()
    hours = (visits["departed_at"] - visits["arrived_at"]).dt.total_seconds() / 3600
    admitted = hours[visits["disposition"] == "admitted"]
    by_year = admitted.groupby(visits["arrived_at"].dt.tz_convert("Etc/GMT+5").dt.year)
    boarded = by_year.agg(lambda stay: (stay > 10).mean())
    assert len(boarded) == 3
    assert boarded.between(0.05, 0.45).all()
    assert by_year.median().between(4, 8).all()


def test_electives_come_on_workdays(settings: Settings) -> None:
    hospital = simulate(settings, START, START + timedelta(days=400), seed=2)
    first = hospital.bed_stay.query("site_id == 'west'").drop_duplicates("patient")
    first = first[first["visit_id"].isna() & (first["bed_from"] > START + timedelta(days=2))]
    weekday = first["bed_from"].dt.tz_convert("America/Los_Angeles").dt.dayofweek
    assert (weekday < 5).mean() > 0.97  # one who waited on Friday evening may lie down on Saturday


def test_any_mix_of_units_can_be_simulated(settings: Settings) -> None:
    kinds = [kind for kind in UnitType if kind is not UnitType.ED]
    everything = Site(
        site_id="all_units",
        name="All",
        time_zone="Asia/Kolkata",
        country="IN",
        units=tuple(Unit(unit_id=kind.value, name=kind, unit_type=kind, beds=12) for kind in UnitType),
    )
    no_ed = everything.model_copy(
        update={
            "site_id": "no_ed",
            "units": tuple(Unit(unit_id=kind.value, name=kind, unit_type=kind, beds=8) for kind in kinds),
        }
    )
    only_ed = everything.model_copy(
        update={
            "site_id": "only_ed",
            "units": (Unit(unit_id="er", name="ER", unit_type=UnitType.ED, beds=10),),
        }
    )
    group = settings.model_copy(update={"sites": (everything, no_ed, only_ed)})
    hospital = simulate(group, START, UNTIL, seed=1)
    assert set(hospital.ed_visit["site_id"]) == {"all_units", "only_ed"}
    assert set(hospital.truth["unit_id"]) == {"ed", "er"}
    lain_in = hospital.bed_stay.groupby("site_id")["unit_id"].agg(set)
    assert lain_in["all_units"] == lain_in["no_ed"] == {kind.value for kind in kinds}
    assert not (hospital.ed_visit.query("site_id == 'only_ed'")["disposition"] == "admitted").any()


def test_progress_is_told_for_each_site(settings: Settings) -> None:
    told: list[tuple[str, int, int]] = []
    simulate(settings, START, START + timedelta(days=1), 1, lambda *said: told.append(said))
    assert [(done, total) for _, done, total in told] == [(1, 2), (2, 2)]


@pytest.mark.parametrize(
    ("start", "until", "message"),
    [
        (START.replace(tzinfo=None), UNTIL, "start = 2024-01-01T05:00:00 has no time zone"),
        (START, UNTIL.replace(tzinfo=None), "until = .* has no time zone"),
        (START.replace(minute=30), UNTIL, "not a whole hour"),
        (START, START, "must lie before until"),
    ],
)
def test_times_that_make_no_sense_are_refused(
    settings: Settings, start: datetime, until: datetime, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        simulate(settings, start, until, seed=1)
