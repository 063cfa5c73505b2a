from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from benchmarks.oracle_census import OracleCensus
from forecasting.config import Settings
from forecasting.simulate import simulate_sites

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
