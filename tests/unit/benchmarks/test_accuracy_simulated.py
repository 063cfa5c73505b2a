from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmarks.accuracy_simulated import OURS, RIVALS, Figures, Scored, ratios, worse_than_persistence

pytestmark = pytest.mark.unit

ISSUES = pd.date_range("2026-03-02", periods=10, freq="3D", tz="UTC")


def census(our_error: float, rivals_error: float) -> pd.DataFrame:
    errors = {OURS: our_error, "oracle": 2.2} | dict.fromkeys(RIVALS, rivals_error)
    rows = [
        {
            "model": model,
            "site_id": "north",
            "unit_id": "icu",
            "issued_at": issued_at,
            "valid_at": issued_at + pd.Timedelta(hours=lead),
            "lead": lead,
            "outcome": 20.0,
            "error": error,
            "pinball": error / 4,
            "bound": 2.0 if lead in (24, 72) else np.nan,
            "inside": float(number < 8),
        }
        for model, error in errors.items()
        for lead in (0, 24, 48, 72)
        for number, issued_at in enumerate(ISSUES)
    ]
    return pd.DataFrame(rows)


def test_a_ratio_is_of_means_at_the_scored_leads() -> None:
    found = ratios(census(2.1, 4.0), "model")
    assert found[OURS] == {24: pytest.approx(1.05), 72: pytest.approx(1.05)}
    assert found["persistence"] == {24: 2.0, 72: 2.0}


def test_only_leads_with_a_larger_error_are_worse() -> None:
    assert worse_than_persistence(census(2.0, 2.0), OURS) == []
    assert worse_than_persistence(census(2.5, 2.0), OURS) == [0, 24, 48, 72]


@pytest.mark.parametrize(
    ("our_error", "rivals_error", "over_oracle", "within"),
    [(2.1, 4.0, 1.02, True), (2.2, 4.0, 1.02, False), (2.1, 4.0, 1.04, False), (2.1, 2.1, 1.02, False)],
)
def test_a_bar_that_is_missed_is_told(
    our_error: float, rivals_error: float, over_oracle: float, within: bool
) -> None:
    arrivals = {"oracle": 1.0, "climatology": over_oracle}
    figures = Figures.of(Scored(census(our_error, rivals_error), arrivals))
    held = figures.coverage["north/icu"]
    assert held["held"] == pytest.approx(0.8)
    assert held["low"] < 0.8 < held["high"]
    assert figures.gains["gbm"]["24 h"]["gain"] == pytest.approx(1 - our_error / rivals_error)
    assert figures.within is within
