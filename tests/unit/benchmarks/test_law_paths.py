from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from benchmarks.law_paths import law_paths
from benchmarks.oracle_census import OracleCensus
from forecasting.config import Settings
from forecasting.schema import Target
from forecasting.simulate import simulate_sites

pytestmark = pytest.mark.unit

START, UNTIL = datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 3, 20, tzinfo=UTC)
SEED = 3


def test_each_hour_has_its_own_futures_and_arrivals_are_of_the_known_rate(settings: Settings) -> None:
    site = settings.sites[-1]
    *_, hospital = simulate_sites(settings, START, UNTIL, SEED)
    issued_at = datetime(2025, 2, 20, 8, tzinfo=UTC)
    oracle = OracleCensus.of(site, (START, UNTIL), SEED, issued_at, futures=40)
    (told,) = law_paths(oracle, [issued_at], range(26))
    census = {(unit.unit_id, Target.BED_CENSUS) for unit in site.units}
    assert site.ed
    assert told.keys() == census | {(site.ed.unit_id, Target.ED_ARRIVALS)}
    hours = pd.date_range(issued_at, periods=26, freq="h")
    assert all(paths.shape == (26, 40) and (paths.index == hours).all() for paths in told.values())
    arrivals = told[site.ed.unit_id, Target.ED_ARRIVALS]
    rate = hospital.truth.set_index("valid_at")["expected_rate"].reindex(hours)
    by_future = arrivals.sum()
    assert abs(by_future.mean() - rate.sum()) < 4 * by_future.std() / np.sqrt(40)
    assert np.corrcoef(arrivals.mean(axis=1), rate)[0, 1] > 0.9
    assert (told[site.ed.unit_id, Target.BED_CENSUS].loc[issued_at] > 0).all()
    later = oracle.arrivals(issued_at + timedelta(hours=1), range(25))
    assert (later == arrivals.to_numpy()[1:].T).all()
