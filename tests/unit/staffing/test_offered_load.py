"""Patients by the offered load: Little's law, conservation, and no fewer patients for more arrivals."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecasting.schema import ED_STAY, PRESENT, Target
from forecasting.staffing.offered_load import OfferedLoad, by_offered_load
from forecasting.staffing.outlook import SamplePaths, outlook
from forecasting.staffing.stays import LoadError, Stays

pytestmark = pytest.mark.unit

ISSUED_AT = datetime(2026, 6, 10, 7, tzinfo=UTC)
ZONE = ZoneInfo("America/New_York")
EVENLY = (1, 2, 3, 4)
STAYS = st.lists(st.integers(0, 30), min_size=1, max_size=5)


def stays(hours: tuple[int, ...] | list[int]) -> Stays:
    rows = pd.DataFrame({"stay_hours": hours}).groupby("stay_hours").size().rename("patients").reset_index()
    every = rows.merge(pd.DataFrame({"local_hour": range(24)}), how="cross")
    return Stays.counted(ED_STAY.conform(every.assign(site_id="north", acuity=3)))


def load(law: Stays, present: dict[int, int] | None = None) -> OfferedLoad:
    return OfferedLoad("ed", ZONE, ISSUED_AT, law, present or {})


def arrivals(counts: np.ndarray) -> SamplePaths:
    hours = pd.date_range(ISSUED_AT, periods=counts.shape[1], freq="h", unit="us")
    return SamplePaths(("ed",), hours, counts[:, None].astype(np.int32))


@settings(max_examples=15, deadline=None)
@given(STAYS, st.integers(0, 9))
def test_a_constant_rate_gives_rate_times_mean_stay(hours: list[int], rate: int) -> None:
    patients = load(stays(hours)).patients(arrivals(np.full((400, 72), rate)))
    assert patients[:, 31:].mean() == pytest.approx(rate * np.mean(hours), rel=0.03, abs=0.05)


def test_a_settled_ed_stays_as_full_as_it_is() -> None:
    # 12 an hour who stay 1 to 4 hours, evenly: 12, 9, 6 and 3 of them are in their first, ... fourth hour.
    patients = load(stays(EVENLY), {0: 12, 1: 9, 2: 6, 3: 3}).patients(arrivals(np.full((3000, 24), 12)))
    assert patients[:, 0].tolist() == [30] * 3000
    assert patients.mean(axis=0) == pytest.approx(np.full(24, 30.0), rel=0.01)


def test_every_patient_is_there_for_the_stay_and_no_longer() -> None:
    came = np.zeros((2, 40), dtype=int)
    came[:, 5:20] = np.random.default_rng(3).poisson(4, (2, 15))
    patients = load(stays([3]), {0: 2, 1: 5}).patients(arrivals(came))
    expected = np.roll(came, 1, axis=1) + np.roll(came, 2, axis=1) + np.roll(came, 3, axis=1)
    expected[:, :3] += [[7, 7, 2]]
    assert patients.tolist() == expected.tolist()


@settings(max_examples=10, deadline=None)
@given(STAYS, st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_more_arrivals_or_longer_stays_never_make_fewer_patients(
    hours: list[int], seed: int, longer: float
) -> None:
    random = np.random.default_rng(seed)
    came = random.poisson(3, (5, 48))
    of_ed = load(stays(hours), {0: 3, 6: 2})
    before = of_ed.patients(arrivals(came))
    assert (of_ed.patients(arrivals(came + random.poisson(1, came.shape))) >= before).all()
    assert (of_ed.patients(arrivals(came), longer) >= before).all()
    assert (before >= 0).all()
    assert (before <= 5 + np.cumsum(came, axis=1)).all()
    assert (of_ed.patients(arrivals(came)) == before).all()


def test_poisson_arrivals_give_poisson_patients_where_days_are_alike() -> None:
    patients = load(stays(EVENLY)).patients(arrivals(np.random.default_rng(5).poisson(6, (4000, 30))))
    settled = patients[:, 5:]
    assert settled.var() / settled.mean() == pytest.approx(1, abs=0.03)


def test_stays_follow_the_local_hour_of_arrival() -> None:
    rows = [(hour, 1 if 8 <= hour < 20 else 6) for hour in range(24)]
    counts = pd.DataFrame(rows, columns=["local_hour", "stay_hours"])
    law = Stays.counted(ED_STAY.conform(counts.assign(site_id="north", acuity=3, patients=10**6)))
    patients = load(law).patients(arrivals(np.full((50, 48), 2)))
    # Issued at 03:00 in New York; by 20:00 those of 19:00 alone are there.
    assert patients[:, 17].mean() == pytest.approx(2, abs=0.1)
    assert patients[:, 24].mean() == pytest.approx(2 * 6, abs=0.1)


def test_the_eds_census_is_replaced_and_the_wards_is_not() -> None:
    hours = arrivals(np.zeros((3, 4))).valid_at
    census = SamplePaths(("ed", "icu"), hours, np.arange(24).reshape(3, 2, 4))
    of_ed = load(stays([3]), {0: 7})
    told = by_offered_load({Target.BED_CENSUS: census, Target.ED_ARRIVALS: arrivals(np.zeros((3, 4)))}, of_ed)
    after = told[Target.BED_CENSUS]
    empty = pd.DataFrame(columns=["unit_id", "target"])
    assert outlook(empty, "ed", Target.BED_CENSUS, after).drawn(3).tolist() == [[7, 7, 7, 0]] * 3
    assert outlook(empty, "ed", Target.BED_CENSUS, after).offered
    assert outlook(empty, "icu", Target.BED_CENSUS, after).drawn(3).tolist() == census.counts[:, 1].tolist()
    assert not outlook(empty, "icu", Target.BED_CENSUS, after).offered
    alone = by_offered_load({Target.ED_ARRIVALS: arrivals(np.zeros((3, 4)))}, of_ed)
    assert alone[Target.BED_CENSUS].units == ("ed",)


def test_what_no_load_can_be_told_of_is_said() -> None:
    of_ed = load(stays(EVENLY))
    later = arrivals(np.ones((3, 6)))
    with pytest.raises(LoadError, match=r"no paths of the arrivals$"):
        by_offered_load({}, of_ed)
    with pytest.raises(LoadError, match="no paths of the arrivals at ed"):
        of_ed.patients(SamplePaths(("other",), later.valid_at, later.counts))
    with pytest.raises(LoadError, match=r"every hour from 2026-06-10 07:00:00\+00:00 on"):
        of_ed.patients(SamplePaths(("ed",), later.valid_at[1:], later.counts[:, :, 1:]))
    census = SamplePaths(("ed",), later.valid_at[:5], later.counts[:, :, :5])
    with pytest.raises(LoadError, match="not of the same hours"):
        by_offered_load({Target.ED_ARRIVALS: later, Target.BED_CENSUS: census}, of_ed)


def test_those_there_at_another_time_or_in_another_unit_are_not_the_eds() -> None:
    rows = pd.DataFrame(
        [("ed", 0, 0, 4), ("ed", -24, 1, 9), ("icu", 0, 72, 8)],
        columns=["unit_id", "hours", "elapsed_from", "patients"],
    )
    at = pd.Timestamp(ISSUED_AT) + pd.to_timedelta(rows["hours"], unit="h")
    present = PRESENT.conform(rows.assign(site_id="north", valid_at=at))
    assert OfferedLoad.of("ed", ZONE, ISSUED_AT, stays(EVENLY), present).present == {0: 4}
