from __future__ import annotations

import math
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.config import Applies, RuleKind, Shift
from forecasting.rules import Rule, UnitRule
from forecasting.staffing.outlook import Outlook
from forecasting.staffing.requirement import Requirement, probability_short, requirement
from forecasting.staffing.shifts import on_date

pytestmark = pytest.mark.unit

LONDON = ZoneInfo("Europe/London")
SHIFT = Shift(name="day", start=time(7), hours=12)
DAY = on_date(SHIFT, date(2026, 6, 1), LONDON)
LEVELS = np.array([0.05, 0.25, 0.5, 0.75, 0.95])
HOURS = st.lists(st.lists(st.floats(0, 300), min_size=5, max_size=5).map(sorted), min_size=12, max_size=12)
RATIOS = st.floats(0.5, 20)


def ratio(figure: float, applies: str = "at_all_times", **more: object) -> UnitRule:
    rule = Rule("ratio", RuleKind.PATIENTS_PER_HEAD, figure, Applies(applies))
    return UnitRule(rule, **more)  # type: ignore[arg-type]


def asked(rule: UnitRule, hours: list[list[float]], level: float = 0.75, work: float = 0.0) -> Requirement:
    whole = Outlook(DAY.hours, np.array(hours), LEVELS).over(DAY, level)
    assert whole is not None
    return requirement(rule, whole, DAY, level, np.full(12, work))


@given(HOURS, RATIOS, st.sampled_from(["at_all_times", "average"]), st.floats(0, 40))
def test_law_more_patients_never_need_fewer_heads(
    hours: list[list[float]], figure: float, applies: str, more: float
) -> None:
    rule = ratio(figure, applies)
    busier = [[value + more for value in hour] for hour in hours]
    assert asked(rule, busier).required >= asked(rule, hours).required


@given(
    HOURS, RATIOS, st.sampled_from(["at_all_times", "average"]), st.floats(0.05, 0.95), st.floats(0.05, 0.95)
)
def test_law_a_higher_level_never_needs_fewer_heads(
    hours: list[list[float]], figure: float, applies: str, one: float, other: float
) -> None:
    lower, higher = sorted((one, other))
    rule = ratio(figure, applies)
    assert asked(rule, hours, higher).required >= asked(rule, hours, lower).required


@given(HOURS, RATIOS)
def test_law_no_head_has_more_patients_than_its_ratio_and_none_is_superfluous(
    hours: list[list[float]], figure: float
) -> None:
    met = asked(ratio(figure), hours)
    assert isinstance(met.required, int)
    assert met.load == math.ceil(max(hour[3] for hour in hours) - 1e-6)
    assert met.required * figure >= met.load - 1e-4
    assert met.required == 0 or (met.required - 1) * figure < met.load


@given(HOURS, RATIOS, st.integers(0, 700))
def test_law_who_is_surely_enough_is_seldom_short(
    hours: list[list[float]], figure: float, heads: int
) -> None:
    rule = ratio(figure)
    met = asked(rule, hours)
    risk = probability_short(rule, met.need, heads)
    assert 0.05 - 1e-9 <= risk <= 0.95 + 1e-9
    assert (risk <= 0.25 + 1e-9) == (heads >= met.required)
    assert probability_short(rule, met.need, heads + 1) <= risk


def test_posts_come_on_top_and_the_minimum_is_of_all() -> None:
    hours = [[4.0] * 5] * 12
    assert asked(ratio(4, posts={"triage": 2}), hours).required == 3
    assert asked(ratio(4, posts={"triage": 2}, minimum_heads=2), hours).required == 3
    assert asked(ratio(4, minimum_heads=2), hours).required == 2


def test_fewer_than_the_minimum_or_the_posts_are_surely_short() -> None:
    need = asked(ratio(4), [[0.0] * 5] * 12).need
    assert probability_short(ratio(4, minimum_heads=2), need, 1) == 1
    assert probability_short(ratio(4, posts={"triage": 2}), need, 1) == 1
    assert probability_short(ratio(4, posts={"triage": 2}), need, 2) == pytest.approx(0.05)


def test_the_hour_whose_work_makes_it_the_busiest_counts() -> None:
    hours = [[20.0] * 5] * 12
    work = np.zeros(12)
    work[4] = 0.5
    counted = Outlook(DAY.hours, np.array(hours), LEVELS)
    met = requirement(ratio(4), counted, DAY, 0.75, work)
    assert (met.required, met.work) == (6, 0.5)
    assert met.at == datetime(2026, 6, 1, 10, tzinfo=UTC)


@given(st.dates(date(2026, 1, 1), date(2027, 12, 31)), st.floats(0, 60), st.floats(0.5, 12))
def test_law_hours_per_patient_day_are_the_same_heads_whatever_the_clock_does(
    day: date, patients: float, figure: float
) -> None:
    """And over the day's shifts they cover the hours that its patients need, as long as the day is."""
    rule = Rule("hours", RuleKind.HOURS_PER_PATIENT_DAY, figure, Applies.AVERAGE)
    asks = UnitRule(rule, day_share_per_hour={"day": 1 / 24, "night": 1 / 24})
    worked = needed = 0.0
    for start in (SHIFT, Shift(name="night", start=time(19), hours=12)):
        shift = on_date(start, day, LONDON)
        outlook = Outlook(shift.hours, np.full((len(shift.hours), 5), patients), LEVELS)
        met = requirement(asks, outlook, shift, 0.75, np.zeros(len(shift.hours)))
        assert met.required == math.ceil(round(patients * figure / 24, 6))
        worked += met.required * len(shift.hours)
        needed += patients * figure * len(shift.hours) / 24
    assert worked >= needed - 1e-3
    next_day = on_date(SHIFT, date.fromordinal(day.toordinal() + 1), LONDON)
    days = (next_day.start - on_date(SHIFT, day, LONDON).start) / pd.Timedelta(days=1)
    assert needed == pytest.approx(patients * figure * days)
