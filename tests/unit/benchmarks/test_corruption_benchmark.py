"""What is said of clean nights is counted over all of them."""

from __future__ import annotations

import pandas as pd
import pytest

from benchmarks.corruption import shares_warned

pytestmark = pytest.mark.unit


def test_a_year_in_which_nothing_was_said_counts_as_any_other() -> None:
    told = shares_warned(
        [
            (21, pd.Series({"level_stays": 0.06})),
            (22, pd.Series(dtype=float)),
            (23, pd.Series({"level_stays": 0.03, "census_moves": 0.03})),
            (None, pd.Series({"unit_has_rows": 1.0})),
        ]
    )
    assert told["3 simulated years"].to_dict() == pytest.approx({"level_stays": 0.03, "census_moves": 0.01})
    assert told["Iowa's ED"].to_dict() == {"unit_has_rows": 1.0}


def test_without_clean_nights_nothing_is_said() -> None:
    assert shares_warned([]) == {}
