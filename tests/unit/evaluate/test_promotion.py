from __future__ import annotations

import pandas as pd
import pytest

from forecasting.evaluate import ALL, better
from forecasting.schema import Target

pytestmark = pytest.mark.unit


def scored(tft: float, climatology: float) -> pd.DataFrame:
    """Overall scores of census, and a unit where the models stand the other way round."""
    rows = [
        ("tft", ALL, ALL, tft),
        ("climatology", ALL, ALL, climatology),
        ("tft", "north", "icu", climatology),
        ("climatology", "north", "icu", tft),
    ]
    table = pd.DataFrame(rows, columns=["model", "site_id", "unit_id", "wql"])
    return table.assign(target="bed_census")


def test_the_lower_overall_loss_may_speak_and_the_reason_has_the_numbers() -> None:
    verdict = better(scored(0.061, 0.063), Target.BED_CENSUS)
    assert verdict.better
    assert verdict.why == "held-out WQL of tft 0.0610 is below climatology's 0.0630 for bed_census"


@pytest.mark.parametrize("tft", [0.063, 0.064])
def test_who_is_not_lower_may_not(tft: float) -> None:
    verdict = better(scored(tft, 0.063), Target.BED_CENSUS)
    assert not verdict.better
    assert "is not below climatology's" in verdict.why


@pytest.mark.parametrize("tft", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_never_wins(tft: float) -> None:
    verdict = better(scored(tft, 0.063), Target.BED_CENSUS)
    assert not verdict.better
    assert verdict.why == "no held-out score of tft for bed_census"


def test_a_target_that_was_not_scored_changes_nothing() -> None:
    verdict = better(scored(0.061, 0.063), Target.ED_ARRIVALS)
    assert not verdict.better
    assert verdict.why == "no held-out score of tft, climatology for ed_arrivals"
