"""A census that repeats another unit's is told, and which of the two is the copy."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from forecasting.validate.copied import copied_hours

pytestmark = pytest.mark.unit

HOURS = pd.date_range("2026-01-05", periods=4 * 168, freq="h", tz="UTC", unit="us")


def wards(seed: int, means: tuple[float, ...] = (20.0, 30.0)) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    parts = []
    for number, mean in enumerate(means):
        steps = random.choice([-1, 0, 0, 1], len(HOURS))
        values = np.maximum(mean + np.cumsum(steps) - np.cumsum(steps).mean(), 0).round()
        parts.append(pd.DataFrame({"unit_id": f"ms{number}", "valid_at": HOURS, "value": values}))
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("means", [(20.0, 30.0), (1.0, 1.0, 1.0), (0.0, 0.0)])
def test_units_of_their_own_are_left_alone(seed: int, means: tuple[float, ...]) -> None:
    assert copied_hours(wards(seed, means)).empty


def test_the_copy_is_the_one_that_jumped() -> None:
    census = wards(1)
    copied = HOURS[300:400]
    original = census.query("unit_id == 'ms1'").set_index("valid_at")["value"]
    inside = (census["unit_id"] == "ms0") & census["valid_at"].isin(copied)
    census.loc[inside, "value"] = census.loc[inside, "valid_at"].map(original)
    found = copied_hours(census)
    assert set(found["unit_id"]) == {"ms0"}
    assert set(found["copy_of"]) == {"ms1"}
    assert set(copied) <= set(found["valid_at"])
    assert len(found) <= len(copied) + 2


def test_two_that_are_one_from_the_first_hour_are_both_doubted() -> None:
    one = wards(1).query("unit_id == 'ms0'")
    found = copied_hours(pd.concat([one, one.assign(unit_id="ms1")]))
    assert set(found["unit_id"]) == {"ms0", "ms1"}
    assert len(found) == 2 * len(HOURS)


def test_empty_units_and_none_are_no_copies() -> None:
    both_closed = wards(1).assign(value=0.0)
    assert copied_hours(both_closed).empty
    assert copied_hours(both_closed.iloc[:0]).empty
