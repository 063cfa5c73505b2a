from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import settings as example_settings
from hypothesis import strategies as st
from unit.staffing.approval.a_plan import ISSUED_AT, NIGHT, advice, decided, site_of, with_wages

from forecasting.config import Settings, Site
from forecasting.outcome import NothingToDecide
from forecasting.schema import STAFFING_DECISION, DecisionState
from forecasting.staffing.approval.due import approved_unasked, deadline, to_ask, why_asked
from forecasting.staffing.approval.threshold import departure

pytestmark = pytest.mark.unit

NONE_YET = STAFFING_DECISION.empty()
TOMORROW = NIGHT + timedelta(days=1)
heads = st.one_of(st.none(), st.integers(0, 30))


@pytest.fixture(scope="module")
def paid(settings: Settings) -> Settings:
    return with_wages(settings, wage=40)


def always(settings: Settings) -> Site:
    return site_of(settings, ask="always")


def test_where_nobody_is_asked_every_day_is_approved_but_for_shifts_without_a_number(paid: Settings) -> None:
    plan = advice([5, None, 2, 4])
    site = site_of(paid)
    approved = approved_unasked(paid, site, plan, NONE_YET, NIGHT)
    assert approved["shift_date"].nunique() == 2
    assert len(approved) == 6
    with pytest.raises(NothingToDecide, match="nobody is asked"):
        to_ask(paid, site, plan, NONE_YET, NIGHT, ISSUED_AT)


def test_only_tomorrows_shifts_are_put_to_people(paid: Settings) -> None:
    asked = to_ask(paid, always(paid), advice([5, 3, 2, 4], days=7), NONE_YET, NIGHT, ISSUED_AT)
    assert set(asked["shift_date"]) == {TOMORROW}
    assert len(asked) == 4
    assert approved_unasked(paid, always(paid), advice([5, 3, 2, 4]), NONE_YET, NIGHT).empty


@example_settings(max_examples=40, deadline=None)
@given(
    st.lists(heads, min_size=4, max_size=4),
    st.lists(heads, min_size=4, max_size=4),
    st.one_of(st.none(), st.integers(0, 60)),
    st.one_of(st.none(), st.integers(0, 20_000)),
)
def test_above_a_threshold_people_are_asked_and_else_the_configuration_approves_never_both(
    paid: Settings,
    recommended: list[int | None],
    scheduled: list[int | None],
    heads_changed: int | None,
    wages_changed: int | None,
) -> None:
    assume(heads_changed is not None or wages_changed is not None)
    thresholds = {"heads_changed": heads_changed, "wages_changed": wages_changed}
    site = site_of(paid, ask="above_threshold", **thresholds)
    plan = advice(recommended, scheduled)
    departed = departure(plan[plan["shift_date"] == TOMORROW], paid)
    sizes = {"heads_changed": departed.heads, "wages_changed": abs(departed.wages)}
    exceeded = [name for name, most in thresholds.items() if most is not None and sizes[name] > most]
    unasked = approved_unasked(paid, site, plan, NONE_YET, NIGHT)
    assert len(why_asked(paid, site, plan, NIGHT)) == len(exceeded)
    if exceeded:
        assert unasked.empty
        assert len(to_ask(paid, site, plan, NONE_YET, NIGHT, ISSUED_AT)) == 4
    else:
        assert len(unasked) == sum(wanted is not None for wanted in recommended)
        with pytest.raises(NothingToDecide, match="not above"):
            to_ask(paid, site, plan, NONE_YET, NIGHT, ISSUED_AT)


def test_a_plan_of_few_heads_is_asked_about_for_its_wages_alone(paid: Settings) -> None:
    site = site_of(paid, ask="above_threshold", heads_changed=6, wages_changed=1000)
    plan = advice([5, 3, 2, 4], [3, 3, 2, 4])
    assert why_asked(paid, site, plan, NIGHT) == ["1,440 more in wages than rostered, above 1,000"]


def test_the_days_after_tomorrow_count_for_no_threshold(paid: Settings) -> None:
    site = site_of(paid, ask="above_threshold", heads_changed=0, wages_changed=0)
    plan = advice([5, 3, 2, 4])
    later = plan["shift_date"] > TOMORROW
    plan.loc[later, "recommended"] += 9
    with pytest.raises(NothingToDecide, match="0 heads changed, not above 0; 0 more in wages than rostered"):
        to_ask(paid, site, plan, NONE_YET, NIGHT, ISSUED_AT)


@pytest.mark.parametrize("state", [DecisionState.APPROVED, DecisionState.CHANGED, DecisionState.REJECTED])
def test_what_is_decided_is_not_asked_again(paid: Settings, state: DecisionState) -> None:
    plan = advice([5, 3, 2, 4], [4, 3, 2, 4])
    with pytest.raises(NothingToDecide, match="every shift of 2026-11-02 is decided on"):
        to_ask(paid, always(paid), plan, decided(plan, state), NIGHT, ISSUED_AT)
    assert approved_unasked(paid, site_of(paid), plan, decided(plan, state), NIGHT).empty


def test_a_shift_that_was_proposed_anew_is_asked_about_alone(paid: Settings) -> None:
    plan = advice([5, 3, 2, 4], days=1)
    before = decided(plan, DecisionState.APPROVED, heads=3)
    taken_back = decided(plan[plan["unit_id"] == "icu"].head(1), DecisionState.PROPOSED, number=2)
    history = STAFFING_DECISION.conform(pd.concat([before, taken_back]))
    asked = to_ask(paid, always(paid), plan, history, NIGHT, ISSUED_AT)
    assert asked[["unit_id", "shift"]].to_numpy().tolist() == [["icu", "day"]]


def test_shifts_that_have_begun_are_not_asked_about(paid: Settings) -> None:
    plan = advice([5, 3, 2, 4], days=1)
    at_noon = plan["shift_start"].min().to_pydatetime() + timedelta(minutes=1)
    assert set(to_ask(paid, always(paid), plan, NONE_YET, NIGHT, at_noon)["shift"]) == {"night"}
    with pytest.raises(NothingToDecide, match="have begun"):
        to_ask(paid, always(paid), plan, NONE_YET, NIGHT, at_noon + timedelta(days=1))


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
