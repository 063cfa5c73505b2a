from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from benchmarks.ideal_census import HOURS_PER_WEEK, IdealCensus, Stays, _drawn, week_hours
from forecasting.config import Settings, UnitType
from forecasting.simulate import simulate_sites

pytestmark = pytest.mark.unit

ISSUED_AT = pd.Timestamp("2026-03-02 00:00", tz="UTC")  # a Monday


def test_the_law_of_a_stay_is_the_simulator_s(settings: Settings) -> None:
    start, until = datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 12, 1, tzinfo=UTC)
    *_, west = simulate_sites(settings, start, until, seed=3)
    site = settings.site("west")
    stays = west.bed_stay[west.bed_stay["unit_id"] == "ward"].dropna(subset=["bed_to"])
    stays = stays[stays["bed_from"] > start]
    seen = (stays["bed_to"] - stays["bed_from"]).dt.total_seconds().to_numpy() / 3600
    begins = week_hours(pd.DatetimeIndex(stays["bed_from"]), site.time_zone)
    # Under the right law the share of longer stays is uniform.
    shares = _drawn(UnitType.MEDICAL_SURGICAL, seed=1).longer(begins, seen)
    deciles = np.histogram(shares, bins=10, range=(0, 1))[0] / len(shares)
    assert len(shares) > 1000
    np.testing.assert_allclose(deciles, 0.1, atol=0.03)


def test_the_bound_is_the_root_of_who_may_leave_and_who_may_come() -> None:
    # everybody stays one hour or one hundred, as likely
    stays = Stays(tuple([np.array([1.0, 100.0])] * HOURS_PER_WEEK))
    present = pd.DataFrame({"began": [ISSUED_AT - pd.Timedelta(minutes=30)] * 8, "ended": [pd.NaT] * 8})
    present["ended"] = pd.to_datetime(present["ended"], utc=True)
    rate = pd.Series(3.0, pd.date_range(ISSUED_AT, periods=48, freq="h"))
    ideal = IdealCensus(stays, present, rate, "UTC")
    expected = 8 * 0.5 * 0.5 + 3.0 * (1 + 23 * 0.5)
    assert ideal.least_mae(ISSUED_AT, 24) == pytest.approx(np.sqrt(2 / np.pi * expected))


def test_what_happens_after_the_issue_time_is_not_known() -> None:
    stays = Stays(tuple([np.array([1.0, 100.0])] * HOURS_PER_WEEK))
    began = [ISSUED_AT - pd.Timedelta(minutes=30)]
    rate = pd.Series(0.0, pd.date_range(ISSUED_AT, periods=48, freq="h"))

    def bound(ended: pd.Timestamp) -> float:
        return IdealCensus(stays, pd.DataFrame({"began": began, "ended": [ended]}), rate, "UTC").least_mae(
            ISSUED_AT, 24
        )

    assert bound(ISSUED_AT + pd.Timedelta(hours=2)) == bound(ISSUED_AT + pd.Timedelta(hours=80)) > 0
    assert bound(ISSUED_AT - pd.Timedelta(minutes=1)) == 0
