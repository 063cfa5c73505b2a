from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from benchmarks.oracle_census import OracleCensus
from forecasting.config import Settings
from forecasting.simulate import simulate_sites
from forecasting.simulate.clock import HOUR
from forecasting.simulate.emergency import EdVisits
from forecasting.simulate.hospital import Patients

pytestmark = pytest.mark.unit

START, UNTIL = datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 3, 20, tzinfo=UTC)
SEED = 3


def test_what_is_there_is_known_and_what_will_be_is_spread_around_what_comes(settings: Settings) -> None:
    site = settings.sites[-1]
    *_, hospital = simulate_sites(settings, START, UNTIL, SEED)
    times = [datetime(2025, 2, 20, 8, tzinfo=UTC) + timedelta(days=2 * number) for number in range(8)]
    leads = (0, 24)
    oracle = OracleCensus.of(site, (START, UNTIL), SEED, times[0] - timedelta(days=10), futures=12)
    futures = np.stack(list(oracle.futures(times, leads)))
    assert futures.shape == (len(times), 12, len(site.units), len(leads))
    visits = hospital.ed_visit.rename(columns={"arrived_at": "began", "departed_at": "ended"})
    for number, unit in enumerate(site.units):
        beds = hospital.bed_stay.rename(columns={"bed_from": "began", "bed_to": "ended"})
        stays = visits if unit.unit_type == "ed" else beds[beds["unit_id"] == unit.unit_id]
        came = np.array(
            [
                [
                    ((stays["began"] <= then) & ~(stays["ended"] <= then)).sum()
                    for then in (at + timedelta(hours=lead) for lead in leads)
                ]
                for at in times
            ]
        )
        np.testing.assert_array_equal(futures[:, :, number, 0], came[:, :1].repeat(12, axis=1))
        error = came[:, 1] - futures[:, :, number, 1].mean(axis=1)
        spread = futures[:, :, number, 1].std(axis=1).mean()
        assert abs(error.mean()) < 4 * spread / np.sqrt(len(times))
        assert futures[:, :, number, 1].max() <= unit.beds or unit.unit_type == "ed"


def test_what_comes_after_the_issue_time_changes_nothing(settings: Settings) -> None:
    site, issued_at = settings.sites[-1], datetime(2025, 2, 20, 8, tzinfo=UTC)
    oracle = OracleCensus.of(site, (START, UNTIL), SEED, issued_at - timedelta(days=10), futures=4)
    other = replace(oracle, patients=_until(oracle.patients, oracle.law.clock.seconds(issued_at)))
    leads = (0, 6, 24, 40)
    told, again = (next(one.futures([issued_at], leads)) for one in (oracle, other))
    np.testing.assert_array_equal(told, again)
    assert (told[:, :, 0] == told[:1, :, 0]).all()
    assert (told[:, :, 2] != told[:1, :, 2]).any()


def _until(patients: Patients, now: int) -> Patients:
    """Nobody comes or asks for a bed any more, and who is in the ED stays there for five hours more."""
    came = patients.visits.arrived < now
    visits = EdVisits(
        **{field.name: getattr(patients.visits, field.name)[came] for field in fields(EdVisits)}
    )
    ready = np.where(visits.ready > now, visits.ready + 5 * HOUR, visits.ready)
    asked = patients.admissions.taken(np.flatnonzero(patients.admissions.requested < now))
    return Patients(replace(visits, ready=ready), asked)
