from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmarks.accuracy_simulated import Figures, Scored, ratios, worse_than_persistence

pytestmark = pytest.mark.unit


def census(flow_error: float, persistence_error: float) -> pd.DataFrame:
    rows = [
        {
            "model": model,
            "site_id": "north",
            "unit_id": "icu",
            "lead": lead,
            "error": error,
            "bound": 2.0 if lead in (24, 72) else np.nan,
            "inside": float(origin < 8),
        }
        for model, error in (("flow", flow_error), ("persistence", persistence_error))
        for lead in (0, 24, 48, 72)
        for origin in range(10)
    ]
    return pd.DataFrame(rows)


def test_a_ratio_is_of_means_at_the_scored_leads() -> None:
    assert ratios(census(2.1, 4.0), "model") == {
        "flow": {24: pytest.approx(1.05), 72: pytest.approx(1.05)},
        "persistence": {24: 2.0, 72: 2.0},
    }


def test_only_leads_with_a_larger_error_are_worse() -> None:
    assert worse_than_persistence(census(2.0, 2.0), "flow") == []
    assert worse_than_persistence(census(2.5, 2.0), "flow") == [0, 24, 48, 72]


@pytest.mark.parametrize(
    ("flow_error", "over_oracle", "within"), [(2.1, 1.02, True), (2.2, 1.02, False), (2.1, 1.04, False)]
)
def test_a_bar_that_is_missed_is_told(flow_error: float, over_oracle: float, within: bool) -> None:
    arrivals = {"oracle": 1.0, "climatology": over_oracle}
    figures = Figures.of(Scored(census(flow_error, 4.0), arrivals))
    assert figures.coverage == {"north/icu": 0.8}
    assert figures.within is within
