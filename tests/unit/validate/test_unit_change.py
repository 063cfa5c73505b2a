"""Units that closed, opened, were renamed or merged are told from quiet ones."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from forecasting.validate.unit_change import unit_changes

pytestmark = pytest.mark.unit

ISSUED_AT = datetime(2026, 3, 1, 8, tzinfo=UTC)
HOURS = pd.date_range(end=pd.Timestamp(ISSUED_AT), periods=84 * 24 + 1, freq="h", unit="us")[:-1]
CONFIGURED = ("icu", "ms1", "ms2")
SINCE = 60
"""Hours before the issue time at which something happens."""


def census(units: Mapping[str, float], seed: int = 1) -> dict[str, pd.Series]:
    """Wards that move by a patient an hour around a mean."""
    random = np.random.default_rng(seed)
    return {
        unit: pd.Series(random.binomial(round(2 * mean), 0.5, len(HOURS)).astype(float), HOURS)
        for unit, mean in units.items()
    }


def told(series: Mapping[str, pd.Series]) -> pd.DataFrame:
    """What became of the configured units, by unit."""
    rows = [pd.DataFrame({"unit_id": unit, "valid_at": of.index, "value": of}) for unit, of in series.items()]
    return unit_changes(pd.concat(rows).dropna(), CONFIGURED, ISSUED_AT).set_index("unit_id")


@pytest.fixture
def wards() -> dict[str, pd.Series]:
    return census({"icu": 8.0, "ms1": 20.0, "ms2": 25.0})


def test_living_units_are_left_alone(wards: dict[str, pd.Series]) -> None:
    found = told(wards)
    assert found["empty_hours"].eq(0).all()
    assert found["opened_at"].isna().all()


@pytest.mark.parametrize("gone", [0.0, np.nan])
def test_a_unit_without_patients_or_rows_is_told(wards: dict[str, pd.Series], gone: float) -> None:
    wards["ms1"].iloc[-SINCE:] = gone
    unit = told(wards).loc["ms1"]
    assert unit["empty_since"] == HOURS[-SINCE]
    assert unit["usual"] == pytest.approx(20, abs=1)
    assert unit["taken_in_by"] == ""


def test_a_renamed_unit_is_found_under_its_new_name(wards: dict[str, pd.Series]) -> None:
    renamed = wards["ms1"].iloc[-SINCE:]
    wards["ms1"] = wards["ms1"].iloc[:-SINCE]
    unit = told({**wards, "MED-SURG 1": renamed}).loc["ms1"]
    assert unit["taken_in_by"] == "MED-SURG 1"
    assert unit["gained"] == pytest.approx(20, abs=2)


def test_a_merged_unit_is_found_in_its_neighbour(wards: dict[str, pd.Series]) -> None:
    wards["ms2"].iloc[-SINCE:] += wards["ms1"].iloc[-SINCE:]
    wards["ms1"].iloc[-SINCE:] = 0
    assert told(wards).loc["ms1", "taken_in_by"] == "ms2"


def test_a_unit_that_is_often_empty_is_not_closed(wards: dict[str, pd.Series]) -> None:
    at_weekends = HOURS.dayofweek >= 5
    wards["icu"][at_weekends] = 0
    assert told(wards).loc["icu", "empty_hours"] == 0


def test_a_new_unit_is_news_for_a_week(wards: dict[str, pd.Series]) -> None:
    assert told({**wards, "icu": wards["icu"].iloc[-SINCE:]}).loc["icu", "opened_at"] == HOURS[-SINCE]
    assert told({**wards, "icu": wards["icu"].iloc[-20 * 24 :]})["opened_at"].isna().all()


def test_a_site_without_patients_has_no_changes(wards: dict[str, pd.Series]) -> None:
    assert told({unit: of * 0 for unit, of in wards.items()}).empty
    assert told({unit: of.iloc[:0] for unit, of in wards.items()}).empty
