from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.staffing.approval.a_plan import advice, with_wages

from forecasting.config import Approval, Settings
from forecasting.staffing.approval.threshold import Departure, departure, measures

pytestmark = pytest.mark.unit

PRICES = {"wage": 40, "overtime_factor": 1.5, "release_share": 0.25}
heads = st.integers(0, 30)


def _said(departed: Departure, **thresholds: Any) -> list[str]:
    return [str(one) for one in measures(Approval(ask="above_threshold", **thresholds), departed)]


def test_added_heads_are_paid_as_overtime_and_released_ones_save_their_share(settings: Settings) -> None:
    """Two more of 12 hours at 40 x 1.5 are 1,440; one fewer saves 12 x 40 x 0.25 = 120."""
    departed = departure(advice([5, 3, 2, 4], [3, 4, 2, 4], days=1), with_wages(settings, **PRICES))
    assert departed == Departure(heads=3, wages=1440 - 120)


def test_a_post_without_a_roster_counts_with_all_its_heads_at_their_plain_wage(settings: Settings) -> None:
    departed = departure(advice([5, 3, 2, 4], [5, 3, 2, None], days=1), with_wages(settings, **PRICES))
    assert departed == Departure(heads=4, wages=4 * 12 * 40)


def test_a_post_of_which_nothing_is_recommended_counts_for_nothing(settings: Settings) -> None:
    departed = departure(advice([None, 3, 2, 4], [6, 3, 2, 4], days=1), with_wages(settings, **PRICES))
    assert departed == Departure(heads=0, wages=0)


def test_a_shift_of_the_night_on_which_the_clock_goes_back_is_paid_for_its_thirteenth_hour(
    settings: Settings,
) -> None:
    plan = advice([5, 3, 2, 4], [4, 3, 2, 4], days=1)
    plan["shift_end"] = plan["shift_start"] + (plan["shift_end"] - plan["shift_start"]) * 13 / 12
    assert departure(plan, with_wages(settings, **PRICES)).wages == pytest.approx(13 * 60)


def test_a_role_that_left_the_configuration_is_counted_and_has_no_wage(settings: Settings) -> None:
    plan = advice([5, 3, 2, 4], [3, 3, 2, 4], days=1).assign(role="barber")
    assert departure(plan, with_wages(settings, **PRICES)) == Departure(heads=2, wages=0)


@given(st.lists(heads, min_size=4, max_size=4), st.lists(heads, min_size=4, max_size=4))
def test_a_roster_left_as_it_is_departs_by_nothing_and_any_other_by_heads(
    settings: Settings, recommended: list[int], scheduled: list[int]
) -> None:
    paid = with_wages(settings, **PRICES)
    departed = departure(advice(recommended, scheduled, days=1), paid)
    assert (departed.heads == 0) == (recommended == scheduled)
    assert departure(advice(scheduled, scheduled, days=1), paid) == Departure(heads=0, wages=0)
    released = departure(advice([0, 0, 0, 0], scheduled, days=1), paid)
    assert released.wages == pytest.approx(-12 * 40 * 0.25 * sum(scheduled))


def test_each_threshold_is_told_in_words_above_it_or_not() -> None:
    assert _said(Departure(12, 4310.4), heads_changed=6, wages_changed=2000) == [
        "12 heads changed, above 6",
        "4,310 more in wages than rostered, above 2,000",
    ]
    assert _said(Departure(1, -2500), heads_changed=6, wages_changed=2000) == [
        "1 head changed, not above 6",
        "2,500 less in wages than rostered, above 2,000",
    ]
    assert _said(Departure(6, 2000), wages_changed=2000) == [
        "2,000 more in wages than rostered, not above 2,000"
    ]
