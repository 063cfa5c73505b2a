from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as example_settings
from hypothesis import strategies as st
from unit.staffing.approval.a_plan import ISSUED_AT, NIGHT, advice, decided, site_of

from forecasting.config import Approval, Ask, Settings
from forecasting.outcome import NothingToDecide
from forecasting.schema import STAFFING_DECISION, DecisionState
from forecasting.staffing.approval.due import approved_unasked, deadline, heads_changed, to_ask

pytestmark = pytest.mark.unit

NONE_YET = STAFFING_DECISION.empty()
TOMORROW = NIGHT + timedelta(days=1)
ALWAYS = Approval(ask=Ask.ALWAYS)
heads = st.one_of(st.none(), st.integers(0, 30))


def above(threshold: int) -> Approval:
    return Approval(ask=Ask.ABOVE_THRESHOLD, heads_changed=threshold)


def test_heads_more_and_fewer_add_up_and_without_a_roster_all_are_new() -> None:
    assert heads_changed(advice([5, 3, 2, 4], [3, 4, 2, None], days=1)) == 2 + 1 + 0 + 4


def test_where_nobody_is_asked_every_day_is_approved_but_for_shifts_without_a_number() -> None:
    plan = advice([5, None, 2, 4])
    approved = approved_unasked(Approval(), plan, NONE_YET, NIGHT)
    assert approved["shift_date"].nunique() == 2
    assert len(approved) == 6
    with pytest.raises(NothingToDecide, match="nobody is asked"):
        to_ask(Approval(), plan, NONE_YET, NIGHT, ISSUED_AT)


def test_only_tomorrows_shifts_are_put_to_people() -> None:
    asked = to_ask(ALWAYS, advice([5, 3, 2, 4], days=7), NONE_YET, NIGHT, ISSUED_AT)
    assert set(asked["shift_date"]) == {TOMORROW}
    assert len(asked) == 4
    assert approved_unasked(ALWAYS, advice([5, 3, 2, 4]), NONE_YET, NIGHT).empty


@example_settings(max_examples=30, deadline=None)
@given(st.lists(heads, min_size=4, max_size=4), st.lists(heads, min_size=4, max_size=4), st.integers(0, 60))
def test_above_the_threshold_people_are_asked_and_else_the_configuration_approves_never_both(
    recommended: list[int | None], scheduled: list[int | None], threshold: int
) -> None:
    plan = advice(recommended, scheduled)
    changed = heads_changed(plan[plan["shift_date"] == TOMORROW])
    unasked = approved_unasked(above(threshold), plan, NONE_YET, NIGHT)
    if changed > threshold:
        assert unasked.empty
        assert len(to_ask(above(threshold), plan, NONE_YET, NIGHT, ISSUED_AT)) == 4
    else:
        assert len(unasked) == sum(wanted is not None for wanted in recommended)
        with pytest.raises(NothingToDecide, match=f"{changed} heads changed"):
            to_ask(above(threshold), plan, NONE_YET, NIGHT, ISSUED_AT)


@pytest.mark.parametrize("state", [DecisionState.APPROVED, DecisionState.CHANGED, DecisionState.REJECTED])
def test_what_is_decided_is_not_asked_again(state: DecisionState) -> None:
    plan = advice([5, 3, 2, 4], [4, 3, 2, 4])
    with pytest.raises(NothingToDecide, match="every shift of 2026-11-02 is decided on"):
        to_ask(ALWAYS, plan, decided(plan, state), NIGHT, ISSUED_AT)
    assert approved_unasked(Approval(), plan, decided(plan, state), NIGHT).empty


def test_a_shift_that_was_proposed_anew_is_asked_about_alone() -> None:
    plan = advice([5, 3, 2, 4], days=1)
    before = decided(plan, DecisionState.APPROVED, heads=3)
    taken_back = decided(plan[plan["unit_id"] == "icu"].head(1), DecisionState.PROPOSED, number=2)
    history = STAFFING_DECISION.conform(pd.concat([before, taken_back]))
    asked = to_ask(ALWAYS, plan, history, NIGHT, ISSUED_AT)
    assert asked[["unit_id", "shift"]].to_numpy().tolist() == [["icu", "day"]]


def test_shifts_that_have_begun_are_not_asked_about() -> None:
    plan = advice([5, 3, 2, 4], days=1)
    at_noon = plan["shift_start"].min().to_pydatetime() + timedelta(minutes=1)
    assert set(to_ask(ALWAYS, plan, NONE_YET, NIGHT, at_noon)["shift"]) == {"night"}
    with pytest.raises(NothingToDecide, match="have begun"):
        to_ask(ALWAYS, plan, NONE_YET, NIGHT, at_noon + timedelta(days=1))


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-11-01T03:05-05:00", "2026-11-01T06:30-05:00"),
        ("2026-11-01T06:30-05:00", "2026-11-02T03:00-05:00"),
        ("2026-11-01T20:00-05:00", "2026-11-02T03:00-05:00"),
        ("2026-11-02T03:00-05:00", "2026-11-02T06:30-05:00"),
        ("2026-11-02T06:45-05:00", "2026-11-02T07:00-05:00"),
    ],
    ids=["in the night", "at that minute", "late", "after the next issue time", "just before the shift"],
)
def test_an_answer_is_waited_for_until_that_hour_and_never_past_the_first_shift_or_the_next_night(
    settings: Settings, now: str, until: str
) -> None:
    moment = datetime.fromisoformat(now).astimezone(UTC)
    end = deadline(settings, site_of(settings, ask="always", until="06:30"), advice([5, 3, 2, 4]), moment)
    assert end == datetime.fromisoformat(until)
    assert end.utcoffset() == timedelta(0)
