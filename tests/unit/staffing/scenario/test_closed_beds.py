"""Closed beds: nobody is lost, nobody lies in a bed that is not there."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from forecasting.config import Site, Unit, UnitType
from forecasting.staffing import SamplePaths
from forecasting.staffing.scenario.beds import close_beds, taking_in

pytestmark = pytest.mark.unit

BEDS = {"ed": 12, "icu": 6, "sdu": 8, "ms1": 20, "ms2": 20}
KINDS = (
    UnitType.ED,
    UnitType.ICU,
    UnitType.STEP_DOWN,
    UnitType.MEDICAL_SURGICAL,
    UnitType.MEDICAL_SURGICAL,
)
SITE = Site(
    site_id="north",
    name="North",
    time_zone="America/New_York",
    country="US",
    units=tuple(
        Unit(unit_id=unit_id, name=unit_id, unit_type=kind, beds=beds)
        for (unit_id, beds), kind in zip(BEDS.items(), KINDS, strict=True)
    ),
)
HOUR = pd.date_range("2026-06-10T07:00", periods=3, freq="h", tz="UTC", unit="us")
COUNTS = arrays(np.int32, (5, len(BEDS), len(HOUR)), elements=st.integers(0, 30))
CLOSED = st.fixed_dictionaries(
    {}, optional={unit_id: st.integers(1, beds) for unit_id, beds in BEDS.items() if unit_id != "ed"}
)


def census(counts: np.ndarray) -> SamplePaths:
    return SamplePaths(tuple(BEDS), HOUR, counts)


def one_hour(**patients: int) -> dict[str, int]:
    return dict(zip(BEDS, (patients[unit_id] for unit_id in BEDS), strict=True))


def moved(patients: dict[str, int], **closed: int) -> dict[str, int]:
    counts = np.array(list(patients.values()), dtype=np.int32).reshape(1, -1, 1)
    after = close_beds(SamplePaths(tuple(BEDS), HOUR[:1], counts), SITE, closed)
    return dict(zip(BEDS, after.counts[0, :, 0].tolist(), strict=True))


@given(COUNTS, CLOSED)
@effort(max_examples=40, deadline=None)
def test_patients_are_conserved_and_closed_beds_stay_empty(
    counts: np.ndarray, closed: dict[str, int]
) -> None:
    after = close_beds(census(counts), SITE, closed).counts
    assert (after.sum(axis=1) == counts.sum(axis=1)).all()
    for place, (unit_id, beds) in enumerate(BEDS.items()):
        if unit_id in closed:
            assert (after[:, place] <= beds - closed[unit_id]).all()
        elif unit_id != "ed":
            # Who was there stays; others come as far as there are beds.
            assert (after[:, place] >= counts[:, place]).all()
            assert (after[:, place] <= np.maximum(counts[:, place], beds)).all()
    assert (after[:, 0] >= counts[:, 0]).all()


@given(COUNTS, CLOSED)
@effort(max_examples=40, deadline=None)
def test_nobody_boards_while_a_bed_that_would_do_is_free(counts: np.ndarray, closed: dict[str, int]) -> None:
    after = close_beds(census(counts), SITE, closed).counts
    at = {unit_id: place for place, unit_id in enumerate(BEDS)}
    boarding = after[:, 0] > counts[:, 0]
    free = {unit_id: beds - closed.get(unit_id, 0) - after[:, at[unit_id]] for unit_id, beds in BEDS.items()}
    for unit in SITE.units:
        if set(closed) == {unit.unit_id}:
            for other in taking_in(SITE, unit):
                assert (free[other.unit_id][boarding] <= 0).all()


@given(COUNTS)
@effort(max_examples=40, deadline=None)
def test_beds_that_nobody_needs_move_nobody(counts: np.ndarray) -> None:
    assert (close_beds(census(counts), SITE, {}).counts == counts).all()
    quiet = np.minimum(counts, 5)
    assert (close_beds(census(quiet), SITE, {"ms1": 10, "sdu": 3, "icu": 1}).counts == quiet).all()


def test_the_same_kind_takes_them_first_then_more_care_then_the_ed() -> None:
    full = one_hour(ed=9, icu=6, sdu=7, ms1=18, ms2=17)
    assert moved(full, ms1=4) == one_hour(ed=9, icu=6, sdu=7, ms1=16, ms2=19)
    assert moved(full, ms1=8) == one_hour(ed=11, icu=6, sdu=8, ms1=12, ms2=20)
    # Nobody else cares for the sickest.
    assert moved(full, icu=2) == one_hour(ed=11, icu=4, sdu=7, ms1=18, ms2=17)


def test_a_unit_nobody_forecast_takes_nobody() -> None:
    counts = np.array([[[9], [18]]], dtype=np.int32)
    after = close_beds(SamplePaths(("ed", "ms1"), HOUR[:1], counts), SITE, {"ms1": 5})
    assert after.counts.ravel().tolist() == [12, 15]
