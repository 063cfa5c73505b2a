from __future__ import annotations

import math
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.config import Shift
from forecasting.staffing.requirement import heads_by_ratio, load_over, quantile
from forecasting.staffing.shifts import on_date

pytestmark = pytest.mark.unit

PATIENTS = st.floats(0, 500)
RATIOS = st.floats(0.5, 20)
DAY = on_date(Shift(name="day", start=time(7), hours=12), date(2026, 6, 1), ZoneInfo("Europe/London"))


@pytest.mark.parametrize(
    ("patients", "ratio", "heads"),
    [
        (0, 4, 0),
        (0.2, 4, 1),
        (28, 4, 7),
        (28.01, 4, 8),
        (28 + 1e-9, 4, 7),
        (31, 4, 8),
        (3, 1.5, 2),
        (0.3 * 10, 3, 1),
    ],
)
def test_heads_by_ratio(patients: float, ratio: float, heads: int) -> None:
    assert heads_by_ratio(patients, ratio) == heads


@given(PATIENTS, PATIENTS, RATIOS)
def test_law_more_patients_never_ask_for_fewer_heads(one: float, other: float, ratio: float) -> None:
    fewer, more = sorted((one, other))
    assert heads_by_ratio(fewer, ratio) <= heads_by_ratio(more, ratio)


@given(PATIENTS, RATIOS)
def test_law_no_head_has_more_patients_than_its_ratio_and_none_is_superfluous(
    patients: float, ratio: float
) -> None:
    heads = heads_by_ratio(patients, ratio)
    whole = math.ceil(round(patients, 6))
    assert heads * ratio >= whole - 1e-4
    assert heads == 0 or (heads - 1) * ratio < whole


def census(*hours: tuple[int, float, float, float]) -> pd.DataFrame:
    """Patients at the levels 0.1, 0.5 and 0.9 by UTC hour of the first of June."""
    index = pd.DatetimeIndex([datetime(2026, 6, 1, hour[0], tzinfo=UTC) for hour in hours]).as_unit("us")
    return pd.DataFrame([hour[1:] for hour in hours], index=index, columns=[0.1, 0.5, 0.9])


def test_the_highest_hour_within_the_shift_counts_for_each_level_by_itself() -> None:
    # 07:00 to 19:00 in London in June is 06:00 to 18:00 UTC.
    load = load_over(census((5, 99, 99, 99), (6, 5, 8, 20), (12, 4, 10, 14), (18, 99, 99, 99)), DAY, 0.5)
    assert load is not None
    assert (load.patients, load.p10, load.p50, load.p90) == (10, 5, 10, 20)
    assert load.at == datetime(2026, 6, 1, 12, tzinfo=UTC)
    assert load.hours_forecast == 2


def test_an_hour_without_a_number_is_not_an_hour_without_patients() -> None:
    load = load_over(census((6, 1, 2, 3), (7, np.nan, np.nan, np.nan)), DAY, 0.5)
    assert load is not None
    assert (load.p50, load.hours_forecast) == (2, 1)
    assert load_over(census((6, np.nan, np.nan, np.nan)), DAY, 0.5) is None
    assert load_over(census((5, 1, 2, 3)), DAY, 0.5) is None


def test_quantiles_between_the_levels_are_interpolated_and_beyond_them_missing() -> None:
    hour = census((6, 10, 14, 30))
    assert quantile(hour, 0.5) == [14]
    assert quantile(hour, 0.3) == pytest.approx([12])
    assert quantile(hour, 0.7) == pytest.approx([22])
    assert np.isnan([quantile(hour, 0.05), quantile(hour, 0.95)]).all()
