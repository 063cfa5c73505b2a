from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd
import pytest

from forecasting.config import Privacy
from forecasting.schema import Target
from forecasting.validate.suite import Suite
from forecasting.validate.suites.observation import series_suite, values_suite

pytestmark = pytest.mark.unit

ISSUED_AT = datetime(2026, 6, 10, 7, tzinfo=UTC)
SHY = Privacy(smallest_count=5)


def says(suite: Suite, name: str, row: dict[str, object]) -> str:
    (check,) = [check for check in suite.checks if check.name == name]
    return check.says(pd.DataFrame([row]))


@pytest.mark.parametrize(
    ("privacy", "count", "told"),
    [(Privacy(), 4, "4"), (SHY, 4, "<5"), (SHY, 5, "5"), (SHY, 0, "0"), (SHY, 4.9, "<5")],
)
def test_a_count_from_one_to_below_the_smallest_is_told_as_less(
    privacy: Privacy, count: float, told: str
) -> None:
    assert privacy.told(count) == told
    assert privacy.hides(count) == (told == "<5")


def test_a_sentence_for_data_docs_tells_no_small_count() -> None:
    facts = pd.DataFrame({"unit_id": ["ed"], "target": ["ed_arrivals"]})
    unusual = {"unit_id": "ed", "target": "ed_arrivals", "found": 3.0, "usual": 41.2}
    told = says(series_suite(facts, SHY), "volume_is_usual", unusual)
    assert told == "Last day's ed_arrivals of ed: <5; 41 is usual."

    census = pd.DataFrame(
        {"unit_id": ["icu"], "valid_at": pd.to_datetime(["2026-06-09"], utc=True), "value": [4.0]}
    )
    beds = pd.DataFrame({"staffed": {"icu": 3.0}, "most": {"icu": 10.0}})
    suite = values_suite(census, Target.BED_CENSUS, beds, ISSUED_AT, SHY)
    told = says(suite, "census_fits_staffed_beds", {"unit_id": "icu", "value": 4.0})
    assert told == "Unit 'icu' is above its 3 staffed beds in 1 h, at most <5 patients."
