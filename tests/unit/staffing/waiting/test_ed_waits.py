from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

from forecasting.config import Settings
from forecasting.rules import rule_book
from forecasting.schema import SCHEDULED_SHIFT, Target
from forecasting.staffing.ed_waits import WaitingLine
from forecasting.staffing.outlook import Outlook
from forecasting.staffing.place import places_of
from forecasting.staffing.role_case import role_cases
from forecasting.staffing.shifts import planned_shifts
from forecasting.staffing.waiting import WaitingError, WaitingRoom, expected_waits

pytestmark = pytest.mark.unit

ISSUED_AT = datetime(2026, 6, 1, 7, tzinfo=UTC)
HOURS = pd.date_range(ISSUED_AT, periods=220, freq="h", unit="us")


def line_of(
    settings: Settings, *, arrivals: float = 8.0, present: float = 24.0, unit: str = "ed"
) -> WaitingLine:
    """The queue of north's nurses, each for four patients."""
    site = settings.site("north")
    shifts = planned_shifts(settings, site, ISSUED_AT)
    expected = {Target.ED_ARRIVALS: arrivals, Target.BED_CENSUS: present}
    outlooks = {
        (each.unit_id, target): Outlook(HOURS, np.full((len(HOURS), 5), value), None)
        for each in site.units
        for target, value in expected.items()
    }
    places = places_of(settings, site, shifts, SCHEDULED_SHIFT.empty(), rule_book(settings), outlooks)
    case = role_cases(places, site, SCHEDULED_SHIFT.empty())["registered_nurse"]
    return WaitingLine(next(place for place in places if place.unit.unit_id == unit), case)


def test_stays_are_those_that_the_forecast_itself_implies(settings: Settings) -> None:
    """8 an hour and 24 present: they stay 3 hours; 7 nurses care for 28 at once."""
    told = line_of(settings).at([7] * 14)
    room = WaitingRoom(np.full(168, 8.0), np.full(168, 28), 3.0, settings.waiting.patience_hours, present=24)
    waits = expected_waits(room)
    assert np.mean([shift.minutes for shift in told]) == pytest.approx(60 * waits.mean_until_seen, rel=0.01)
    assert np.mean([shift.left_unseen for shift in told]) == pytest.approx(waits.share_left_unseen, rel=0.01)


def test_more_heads_on_a_shift_shorten_its_wait_and_hardly_another_days(settings: Settings) -> None:
    line = line_of(settings)
    few, many = line.at([6] * 14), line.at([6] * 4 + [8] + [6] * 9)
    assert many[4].minutes < 0.7 * few[4].minutes
    assert many[4].left_unseen < few[4].left_unseen
    assert many[3].minutes == pytest.approx(few[3].minutes, rel=0.05)
    assert many[10].minutes == pytest.approx(few[10].minutes, rel=0.01)


def test_nurses_at_triage_care_for_nobody(settings: Settings) -> None:
    def with_triage(posts: dict[str, int]) -> Settings:
        content: dict[str, Any] = settings.model_dump()
        content["roles"]["registered_nurse"]["not_counted"] = ["triage"]
        north, *others = content["sites"]
        ed, *wards = north["units"]
        return Settings.model_validate(
            content | {"sites": [north | {"units": [ed | {"posts": posts}, *wards]}, *others]}
        )

    assert line_of(with_triage({"triage": 1})).at([7] * 14) == line_of(with_triage({})).at([6] * 14)


def test_with_nobody_there_all_leave_unseen(settings: Settings) -> None:
    told = line_of(settings).at([0] * 14)
    assert told[0].left_unseen > 0.9
    assert told[-1].left_unseen == pytest.approx(1.0)


def test_a_ward_has_no_queue(settings: Settings) -> None:
    with pytest.raises(WaitingError, match="registered_nurse of icu has no ratio"):
        line_of(settings, unit="icu")


def test_an_ed_where_nobody_is_expected_has_none(settings: Settings) -> None:
    with pytest.raises(WaitingError, match="nobody is expected in Emergency"):
        line_of(settings, arrivals=0.0)
