"""Absent heads: whole ones, as many as were said, spread over the shifts."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from forecasting.schema import SCHEDULED_SHIFT
from forecasting.staffing.scenario.absence import thinned

pytestmark = pytest.mark.unit

HEADS = st.lists(st.integers(0, 12), min_size=1, max_size=20)


def roster(*units: list[int]) -> pd.DataFrame:
    frames = [
        pd.DataFrame(
            {
                "site_id": "north",
                "unit_id": f"unit_{number}",
                "role": "registered_nurse",
                "shift_start": (
                    starts := pd.date_range("2026-06-10", periods=len(heads), freq="12h", tz="UTC")
                ),
                "shift_end": starts + pd.Timedelta(hours=12),
                "heads": heads,
            }
        )
        for number, heads in enumerate(units)
    ]
    return SCHEDULED_SHIFT.conform(pd.concat(frames))


@given(HEADS, HEADS, st.floats(0, 1))
@effort(max_examples=25, deadline=None)
def test_each_unit_misses_its_share_in_whole_heads(one: list[int], other: list[int], absence: float) -> None:
    before = roster(one, other)
    after = thinned(before, absence)
    missing = before["heads"] - after["heads"]
    assert missing.between(0, before["heads"]).all()
    assert after["heads"].dtype == before["heads"].dtype
    sums = before.assign(missing=missing).groupby("unit_id")[["heads", "missing"]].sum()
    assert (sums["missing"] - absence * sums["heads"]).abs().le(0.5 + 1e-9).all()
    pd.testing.assert_frame_equal(after, thinned(before, absence))
    pd.testing.assert_frame_equal(after.drop(columns="heads"), before.drop(columns="heads"))


@given(HEADS)
@effort(max_examples=25, deadline=None)
def test_nobody_absent_changes_nothing_and_all_absent_leaves_nobody(heads: list[int]) -> None:
    before = roster(heads)
    pd.testing.assert_frame_equal(thinned(before, 0.0), before)
    # The shift is still known, with nobody in it.
    assert thinned(before, 1.0)["heads"].tolist() == [0] * len(heads)


def test_small_shifts_miss_heads_by_day_and_by_night() -> None:
    """One in ten of two heads is nobody if each shift is rounded by itself."""
    missing = 2 - thinned(roster([2] * 200), 0.1)["heads"]
    assert missing.sum() == 40
    by_shift = missing.groupby(missing.index % 2).sum()
    assert by_shift.between(10, 30).all()


def test_a_roster_of_nobody_stays_one() -> None:
    assert thinned(SCHEDULED_SHIFT.empty(), 0.3).empty
