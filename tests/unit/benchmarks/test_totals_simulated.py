from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from benchmarks.totals_simulated import coverage, held
from forecasting.config import Settings
from forecasting.models import Paths
from forecasting.schema import Target

pytestmark = pytest.mark.unit

ISSUED_AT = datetime.fromisoformat("2026-06-10T04:00+00:00")  # midnight in New York
HOURS = pd.date_range(ISSUED_AT, periods=48, freq="h")
UNITS = ("ed", "icu")


def paths_of(target: Target) -> Paths:
    """A hundred paths, each of two units that have as many patients in every hour as its number."""
    about = pd.DataFrame({"site_id": "north", "unit_id": UNITS, "target": target.value})
    counts = np.broadcast_to(np.arange(100)[:, None, None], (100, len(UNITS), len(HOURS)))
    return Paths(about, HOURS, counts)


def observed_of(value: float) -> pd.DataFrame:
    frames = [pd.DataFrame({"valid_at": HOURS, "unit_id": unit_id, "value": value}) for unit_id in UNITS]
    return pd.concat(frames, ignore_index=True)


@pytest.mark.parametrize(("value", "inside"), [(50, (1, 1)), (93, (0, 1)), (97, (0, 0)), (2, (0, 0))])
def test_a_total_is_held_where_the_sum_over_the_units_lies_inside(
    settings: Settings, value: float, inside: tuple[int, int]
) -> None:
    arrivals = held(paths_of(Target.ED_ARRIVALS), observed_of(value), settings)
    census = held(paths_of(Target.BED_CENSUS), observed_of(value), settings)
    assert len(arrivals) == 2
    assert census["total"].value_counts().to_dict() == {"census over a day": 2, "census at an hour": 48}
    for table in (arrivals, census):
        assert table[[0.8, 0.9]].mean().tolist() == list(inside)


def test_a_day_of_which_an_hour_is_missing_is_left_out(settings: Settings) -> None:
    observed = observed_of(50.0)
    observed.loc[3, "value"] = np.nan
    census = held(paths_of(Target.BED_CENSUS), observed, settings)
    assert census["total"].value_counts().to_dict() == {"census over a day": 1, "census at an hour": 47}


def test_the_share_that_is_held_is_told_with_how_sure_it_is() -> None:
    issue_times = [ISSUED_AT + timedelta(weeks=week) for week in range(40)]
    inside = np.tile([1.0, 1.0, 1.0, 0.0], 10)
    blocks = pd.DataFrame(
        {"model": "glm", "total": "a", "issued_at": issue_times, 0.8: inside, 0.9: np.ones(40)}
    )
    narrow, wide = coverage(blocks).to_dict("records")
    assert narrow["share"] == 0.75
    assert narrow["low"] < 0.75 < narrow["high"]
    assert (wide["low"], wide["share"], wide["high"]) == (1.0, 1.0, 1.0)
