from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from forecasting.config import EventMinutes
from forecasting.schema import DEPARTURE, INFLOW
from forecasting.staffing.turnover import NOTHING_KNOWN, turnover

pytestmark = pytest.mark.unit

NEW_YORK = ZoneInfo("America/New_York")
ISSUED_AT = datetime(2026, 6, 8, 4, tzinfo=UTC)  # a Monday's midnight in New York
HOURS = pd.DatetimeIndex(["2026-06-09T14:00Z", "2026-06-09T15:00Z"])  # Tuesday 10:00 and 11:00 there
MINUTES = EventMinutes(patient_in=45, patient_out=30)


def inflow(*at: datetime, patients: int = 2) -> pd.DataFrame:
    rows = [{"site_id": "north", "unit_id": "ward", "valid_at": each, "patients": patients} for each in at]
    return INFLOW.conform(pd.DataFrame(rows, columns=INFLOW.columns.names))


def departure(departures: int) -> pd.DataFrame:
    row = {"site_id": "north", "unit_id": "ward", "weekday": 1, "local_hour": 11, "elapsed_from": 0}
    return DEPARTURE.conform(pd.DataFrame([row | {"patient_hours": 40, "departures": departures}]))


def test_work_is_the_mean_of_the_hour_of_the_week() -> None:
    """Two came on Tuesdays between 10:00 and 11:00 in each of four weeks; eight left from 11:00 to 12:00."""
    tuesdays = [datetime(2026, 5, 12, 15, tzinfo=UTC) + timedelta(days=7 * week) for week in range(4)]
    first = ISSUED_AT - timedelta(weeks=4)
    known = turnover(inflow(first, *tuesdays), departure(8), ISSUED_AT, NEW_YORK)
    heads = known.heads("ward", HOURS, NEW_YORK, MINUTES)
    assert heads == pytest.approx([2 * 45 / 60, 2 * 30 / 60])


def test_nothing_after_the_issue_time_is_looked_at() -> None:
    before = inflow(ISSUED_AT - timedelta(weeks=2), ISSUED_AT - timedelta(hours=5))
    after = inflow(ISSUED_AT, ISSUED_AT + timedelta(hours=40))
    one, other = (
        turnover(rows, departure(0), ISSUED_AT, NEW_YORK) for rows in (before, pd.concat([before, after]))
    )
    assert np.array_equal(one.coming["ward"], other.coming["ward"])


def test_without_a_flow_or_of_another_unit_there_is_no_work() -> None:
    none = turnover(INFLOW.empty(), departure(8), ISSUED_AT, NEW_YORK)
    assert none.heads("ward", HOURS, NEW_YORK, MINUTES).tolist() == [0, 0]
    assert NOTHING_KNOWN.heads("ward", HOURS, NEW_YORK, MINUTES).tolist() == [0, 0]
    known = turnover(inflow(ISSUED_AT - timedelta(weeks=2)), departure(8), ISSUED_AT, NEW_YORK)
    assert known.heads("icu", HOURS, NEW_YORK, MINUTES).tolist() == [0, 0]
