"""The law of stays in the ED is that of the counts, by acuity and hour of arrival."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecasting.schema import ED_STAY, ED_STAY_HOURS
from forecasting.staffing.stays import LoadError, Stays

pytestmark = pytest.mark.unit


def counted(*rows: tuple[int, int, int, int]) -> pd.DataFrame:
    columns = ["acuity", "local_hour", "stay_hours", "patients"]
    return ED_STAY.conform(pd.DataFrame(rows, columns=columns).assign(site_id="north"))


def test_an_hour_has_the_stays_of_its_own_mix_of_acuities() -> None:
    of_day = [(3, 14, 2, 9000), (2, 14, 8, 1000)]
    of_night = [(3, 2, 2, 2000), (2, 2, 8, 8000)]
    law = Stays.counted(counted(*of_day, *of_night))
    assert law.mean_hours[14] == pytest.approx(0.9 * 2 + 0.1 * 8, rel=0.01)
    assert law.mean_hours[2] == pytest.approx(0.2 * 2 + 0.8 * 8, rel=0.01)


def test_an_hour_in_which_few_came_is_told_by_the_whole_day() -> None:
    rows = [(3, hour, 3, 500) for hour in range(12, 24)]
    law = Stays.counted(counted(*rows, (3, 4, 40, 1)))
    assert law.mean_hours[5] == pytest.approx(3, abs=0.01)
    assert 3 < law.mean_hours[4] < 6


def test_stays_are_drawn_as_often_as_they_were_counted() -> None:
    law = Stays.counted(counted(*((0, hour, stay, 100 * stay) for hour in range(24) for stay in (1, 2, 5))))
    drawn = law.drawn(9, (np.arange(8000) + 0.5) / 8000)
    assert {
        int(stay): int(count) for stay, count in zip(*np.unique(drawn, return_counts=True), strict=True)
    } == {
        1: 1000,
        2: 2000,
        5: 5000,
    }


def test_who_is_there_has_what_is_left_of_a_stay_that_long() -> None:
    law = Stays.counted(counted(*((0, hour, stay, 100) for hour in range(24) for stay in (1, 4, 6))))
    left = law.drawn(9, (np.arange(1000) + 0.5) / 1000, age=2)
    assert np.unique(left).tolist() == [2, 4]
    assert (left == 2).mean() == pytest.approx(0.5)
    assert law.drawn(9, np.array([0.1, 0.9]), age=50).tolist() == [1, 1]
    assert law.drawn(9, np.array([0.1, 0.9]), age=ED_STAY_HOURS + 5).tolist() == [1, 1]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 23), st.integers(0, 168)), min_size=1, unique=True),
    st.floats(0, 0.999),
    st.floats(-0.9, 2),
    st.integers(0, 23),
    st.integers(-1, 200),
)
def test_longer_stays_are_never_shorter(
    cells: list[tuple[int, int, int]], chance: float, longer: float, hour: int, age: int
) -> None:
    law = Stays.counted(counted(*((*cell, 1 + number) for number, cell in enumerate(cells))))
    at = np.array([chance, min(chance + 0.01, 0.9999)])
    before, after = law.drawn(hour, at, 0.0, age), law.drawn(hour, at, longer, age)
    assert before[0] <= before[1]
    assert (before >= (age >= 0)).all()
    assert ((after >= before) if longer >= 0 else (after <= before)).all()
    assert (np.diff(law.gone, axis=1) >= -1e-12).all()


def test_a_stay_made_longer_lasts_so_much_longer_on_average() -> None:
    law = Stays.counted(counted(*((3, hour, stay, 100) for hour in range(24) for stay in (0, 1, 2, 5))))
    chances = (np.arange(40_000) + 0.5) / 40_000
    longer = law.drawn(9, chances, 0.1)
    # Nobody who was gone before an hour began has a stay to make longer.
    assert longer.mean() == pytest.approx(1.1 * law.drawn(9, chances).mean(), rel=1e-3)


def test_a_law_of_nobody_is_refused() -> None:
    with pytest.raises(LoadError, match="no visit to the ED was counted"):
        Stays.counted(ED_STAY.empty())
