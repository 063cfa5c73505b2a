from __future__ import annotations

from datetime import date, time
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from forecasting.config import Applies, Shift
from forecasting.staffing.outlook import Outlook
from forecasting.staffing.shifts import on_date

pytestmark = pytest.mark.unit

# 07:00 to 19:00 in London in June is 06:00 to 18:00 UTC.
DAY = on_date(Shift(name="day", start=time(7), hours=12), date(2026, 6, 1), ZoneInfo("Europe/London"))
LEVELS = np.array([0.1, 0.5, 0.9])


def quantiles(*hours: tuple[int, float, float, float]) -> Outlook:
    """Patients at three levels by UTC hour of the first of June."""
    at = pd.DatetimeIndex([pd.Timestamp(2026, 6, 1, hour[0], tz="UTC") for hour in hours]).as_unit("us")
    return Outlook(at, np.array([hour[1:] for hour in hours], dtype=float), LEVELS)


def paths(counts: np.ndarray) -> Outlook:
    """Patients by hour of the shift and path."""
    return Outlook(DAY.hours, counts.astype(float), None)


def test_the_highest_hour_within_the_shift_counts_for_each_level_by_itself() -> None:
    outlook = quantiles((5, 99, 99, 99), (6, 5, 8, 20), (12, 4, 10, 14), (18, 99, 99, 99)).over(DAY, 0.5)
    assert outlook is not None
    highest = outlook.highest()
    assert [highest.at(level) for level in LEVELS] == [5, 10, 20]
    assert outlook.hour_of_highest(0.5) == pd.Timestamp("2026-06-01T12:00Z")
    assert len(outlook.hours) == 2


def test_an_hour_without_a_number_is_not_an_hour_without_patients() -> None:
    outlook = quantiles((6, 1, 2, 3), (7, np.nan, np.nan, np.nan)).over(DAY, 0.5)
    assert outlook is not None
    assert (outlook.mean(DAY).at(0.5), len(outlook.hours)) == (2, 1)
    assert quantiles((6, np.nan, np.nan, np.nan)).over(DAY, 0.5) is None
    assert quantiles((5, 1, 2, 3)).over(DAY, 0.5) is None


def test_a_level_beyond_those_forecast_is_not_known() -> None:
    assert quantiles((6, 1, 2, 3)).over(DAY, 0.95) is None


@given(arrays(np.int64, (12, 40), elements=st.integers(0, 50)), st.floats(0.01, 0.99))
def test_law_the_highest_hour_of_paths_is_never_less_than_any_hours_own(
    counts: np.ndarray, level: float
) -> None:
    outlook = paths(counts)
    own = [np.quantile(hour, level, method="inverted_cdf") for hour in counts]
    assert outlook.highest().at(level) >= max(own)
    assert outlook.highest().at(level) >= outlook.mean(DAY).at(level) - 1e-9


def test_a_mean_of_paths_is_narrower_than_that_of_hours_high_together() -> None:
    random = np.random.default_rng(1)
    counts = random.poisson(20, (12, 4000))
    by_level = np.quantile(counts, LEVELS, axis=1).T
    together = Outlook(DAY.hours, by_level, LEVELS)
    assert paths(counts).mean(DAY).at(0.9) < together.mean(DAY).at(0.9) - 3
    assert paths(counts).highest().at(0.5) > together.highest().at(0.5) + 5


def test_a_need_that_holds_at_all_times_counts_whole_patients() -> None:
    outlook = quantiles((6, 1.2, 2.2, 3.2))
    work = np.array([0.5])
    assert outlook.need(0.5, work, Applies.AT_ALL_TIMES).highest().at(0.5) == pytest.approx(2.0)
    assert outlook.need(0.5, work, Applies.AVERAGE).mean(DAY).at(0.5) == pytest.approx(1.6)
