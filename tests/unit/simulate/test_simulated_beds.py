from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecasting.config import Unit, UnitType
from forecasting.simulate.admissions import Admissions
from forecasting.simulate.beds import NEVER, Beds, BedStays, assign_beds
from forecasting.simulate.clock import DAY, HOUR, wall_clock
from forecasting.simulate.hospital import Hospital

pytestmark = pytest.mark.unit

CLOCK = wall_clock(
    ZoneInfo("America/New_York"), pd.Timestamp("2024-03-04", tz="UTC"), pd.Timestamp("2024-04-20", tz="UTC")
)
TYPES = (UnitType.ICU, UnitType.STEP_DOWN, UnitType.MEDICAL_SURGICAL)
UNTIL = 30 * DAY


def _units(icu: int, step_down: int, first_ward: int, second_ward: int) -> tuple[Unit, ...]:
    beds = [(TYPES[0], icu), (TYPES[1], step_down), (TYPES[2], first_ward), (TYPES[2], second_ward)]
    return tuple(
        Unit(unit_id=f"u{number}", name="Unit", unit_type=kind, beds=count)
        for number, (kind, count) in enumerate(beds)
    )


def _admissions(seed: int, size: int, days: int, patience: int = 24 * HOUR) -> Admissions:
    random = np.random.default_rng(seed)
    first = random.integers(0, 3, size)
    moves = (first < 2) & (random.random(size) < 0.6)
    second = np.where(moves, np.minimum(first + random.integers(1, 3, size), 2), -1)
    leaves = np.where(random.random((size, 2)) < 0.8, random.integers(9 * HOUR, 18 * HOUR, (size, 2)), -1)
    return Admissions(
        requested=np.sort(random.integers(0, days * DAY, size)),
        visit=np.where(random.random(size) < 0.7, np.arange(size), -1),
        patience=np.full(size, patience),
        unit_type=np.column_stack([first, second]),
        los=random.integers(2 * HOUR, 6 * DAY, (size, 2)),
        leaves_at=leaves,
        weekend=random.random((size, 2)),
        turnover=random.integers(600, 2 * HOUR, (size, 2)),
    )


def _highest_census(stays: BedStays, unit: int) -> int:
    there = stays.unit == unit
    ends = stays.bed_to[there]
    ends = ends[ends < NEVER]
    steps = pd.concat([pd.Series(1, index=stays.bed_from[there]), pd.Series(-1, index=ends)])
    # A bed left and taken in one instant counts once.
    return int(steps.groupby(level=0).sum().sort_index().cumsum().max()) if len(steps) else 0


@settings(deadline=None)
@given(
    seed=st.integers(0, 2**32),
    size=st.integers(1, 150),
    days=st.integers(1, 28),
    beds=st.tuples(*[st.integers(1, 5)] * 4),
)
def test_laws_of_a_ward(seed: int, size: int, days: int, beds: tuple[int, int, int, int]) -> None:
    admissions = _admissions(seed, size, days)
    stays = assign_beds(admissions, _units(*beds), TYPES, CLOCK, UNTIL)

    for unit, count in enumerate(beds):
        assert _highest_census(stays, unit) <= count

    by_patient = pd.DataFrame(
        {"patient": stays.patient, "bed_from": stays.bed_from, "bed_to": stays.bed_to}
    ).sort_values(["patient", "bed_from"])
    assert (by_patient["bed_to"] > by_patient["bed_from"]).all()
    following = by_patient.groupby("patient")["bed_from"].shift(-1)
    moved = following.notna()
    assert (following[moved] == by_patient["bed_to"][moved]).all()

    # Everyone got a bed, went elsewhere, or still waits.
    lay_down = np.isin(np.arange(size), stays.patient)
    assert (lay_down == (stays.first_bed < NEVER)).all()
    assert not (lay_down & (stays.gave_up < NEVER)).any()
    waiting = ~lay_down & (stays.gave_up == NEVER)
    assert (admissions.requested[waiting] + admissions.patience[waiting] >= UNTIL).all()
    assert (stays.first_bed >= admissions.requested).all()


def test_a_boarder_waits_for_the_bed_to_be_clean() -> None:
    admissions = Admissions(
        requested=np.array([0, HOUR]),
        visit=np.array([0, 1]),
        patience=np.full(2, 2 * DAY),
        unit_type=np.array([[2, -1], [2, -1]]),
        los=np.full((2, 2), 10 * HOUR),
        leaves_at=np.full((2, 2), -1),
        weekend=np.ones((2, 2)),
        turnover=np.full((2, 2), HOUR),
    )
    units = (Unit(unit_id="ward", name="Ward", unit_type=UnitType.MEDICAL_SURGICAL, beds=1),)
    stays = assign_beds(admissions, units, TYPES, CLOCK, UNTIL)
    assert stays.first_bed.tolist() == [0, 11 * HOUR]


def test_who_waits_too_long_goes_elsewhere() -> None:
    admissions = _admissions(seed=1, size=40, days=1, patience=2 * HOUR)
    stays = assign_beds(admissions, _units(1, 1, 1, 1), TYPES, CLOCK, UNTIL)
    gave_up = stays.gave_up < NEVER
    assert gave_up.any()
    assert (stays.gave_up[gave_up] == admissions.requested[gave_up] + 2 * HOUR).all()


def test_overflow_leaves_beds_to_spare() -> None:
    size = 30
    admissions = Admissions(
        requested=np.arange(size) * 60,
        visit=np.arange(size),
        patience=np.full(size, DAY),
        unit_type=np.column_stack([np.zeros(size, dtype=np.int64), np.full(size, -1)]),
        los=np.full((size, 2), 5 * DAY),
        leaves_at=np.full((size, 2), -1),
        weekend=np.ones((size, 2)),
        turnover=np.full((size, 2), HOUR),
    )
    stays = assign_beds(admissions, _units(4, 10, 10, 10), TYPES, CLOCK, until=DAY)
    assert np.bincount(stays.unit, minlength=4).tolist() == [4, 9, 0, 0]


def test_discharges_happen_by_day_and_less_on_weekends(three_years: Hospital) -> None:
    stays = three_years.bed_stay.query("site_id == 'west'")
    left = stays["bed_to"].dropna().dt.tz_convert("America/Los_Angeles")
    assert left.dt.hour.between(10, 18).mean() > 0.8
    by_weekday = left.dt.dayofweek.value_counts()
    assert by_weekday[[5, 6]].mean() < 0.8 * by_weekday[[0, 1, 2, 3, 4]].mean()


@given(seed=st.integers(0, 50), day=st.integers(1, 25))
@settings(max_examples=10, deadline=None)
def test_played_on_with_the_same_courses_and_requests_it_ends_the_same(seed: int, day: int) -> None:
    units, admissions = _units(3, 3, 5, 5), _admissions(seed, 150, 28)
    now = day * DAY
    beds = Beds(admissions, units, TYPES, CLOCK)
    beds.run(now)
    active = beds.active()
    to_come = np.flatnonzero(admissions.requested >= now)
    rows = np.concatenate([np.array(active, dtype=np.int64), to_come])
    played = beds.continued(active, admissions.taken(rows))
    played.run(UNTIL)
    beds.run(UNTIL)
    whole, part = beds.stays(), played.stays()
    later = whole.bed_to >= now
    for name in ("unit", "bed_from", "bed_to"):
        np.testing.assert_array_equal(getattr(part, name), getattr(whole, name)[later])
    np.testing.assert_array_equal(part.gave_up, whole.gave_up[rows])
