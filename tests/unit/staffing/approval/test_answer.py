from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as example_settings
from hypothesis import strategies as st
from unit.staffing.approval.a_plan import advice

from forecasting.config import OnTimeout
from forecasting.outcome import AnswerRefused
from forecasting.staffing.approval.answer import (
    APPROVE,
    REJECT,
    Answer,
    by_answer,
    by_configuration,
    by_timeout,
    read_answer,
)
from forecasting.staffing.approval.question import Field

pytestmark = pytest.mark.unit

ED_DAY = "ed/registered_nurse/day"
ED_NIGHT = "ed/registered_nurse/night"
FIELDS = (
    Field(ED_DAY, "Day 07:00-19:00, Emergency, Registered nurse", "", heads=8, most=30),
    Field(ED_NIGHT, "Night 19:00-07:00, Emergency, Registered nurse", "", heads=None, most=30),
)
HEADS = st.one_of(st.none(), st.integers(0, 30))


@pytest.mark.parametrize(
    "nonsense",
    [
        -1,
        400,
        31,
        "abc",
        "",
        None,
        "8.5",
        8.5,
        "-1",
        "\N{FULLWIDTH DIGIT EIGHT}",
        True,
        [8],
        {"heads": 8},
        "9" * 5000,
        1e300,
    ],
)
def test_nonsense_is_refused_with_the_post_the_value_and_what_is_allowed(nonsense: Any) -> None:
    with pytest.raises(AnswerRefused) as refused:
        read_answer(FIELDS, [APPROVE], {ED_DAY: nonsense})
    assert "Day 07:00-19:00, Emergency, Registered nurse is" in str(refused.value)
    assert "allowed are whole heads from 0 to 30" in str(refused.value)


def test_every_fault_of_an_answer_is_named() -> None:
    with pytest.raises(AnswerRefused) as refused:
        read_answer(FIELDS, [APPROVE], {ED_DAY: -1, ED_NIGHT: "abc", "spa/barber/day": 2})
    for said in ("-1", "'abc'", "'spa/barber/day' is no field of this plan"):
        assert said in str(refused.value)


@pytest.mark.parametrize("chosen", [[], [APPROVE, REJECT], ["approve"], ["OK"]])
def test_an_answer_is_one_of_two_options(chosen: list[str]) -> None:
    with pytest.raises(AnswerRefused, match="allowed is one of Approve, Reject"):
        read_answer(FIELDS, chosen, {})


@pytest.mark.parametrize("given_as", [9, "9", " 9 ", 9.0])
def test_heads_are_read_as_a_form_may_send_them(given_as: object) -> None:
    answer = read_answer(FIELDS, [APPROVE], {ED_DAY: given_as, ED_NIGHT: None, "comment": " two are ill "})
    assert answer == Answer(approves=True, heads={ED_DAY: 9, ED_NIGHT: None}, comment="two are ill")


def test_fields_left_out_have_what_is_recommended() -> None:
    assert read_answer(FIELDS, [APPROVE], {}).heads == {ED_DAY: 8, ED_NIGHT: None}


def test_the_numbers_of_a_rejection_are_not_read() -> None:
    answer = read_answer(FIELDS, [REJECT], {ED_DAY: "abc", "comment": None})
    assert answer == Answer(approves=False, heads={}, comment="")


@example_settings(max_examples=30, deadline=None)
@given(st.lists(HEADS, min_size=4, max_size=4), st.dictionaries(st.sampled_from([ED_DAY, ED_NIGHT]), HEADS))
def test_an_approval_decides_each_shift_once_at_the_heads_given_or_recommended(
    recommended: list[int | None], given_heads: dict[str, int | None]
) -> None:
    plan = advice(recommended, [3, 3, 3, 3], days=1)
    decided = by_answer(plan, Answer(approves=True, heads=given_heads, comment="so"))
    expected = {}
    for row in plan.to_dict("records"):
        name = f"{row['unit_id']}/{row['role']}/{row['shift']}"
        advised = None if row["recommended"] != row["recommended"] else int(row["recommended"])
        heads = given_heads.get(name, advised)
        if heads is not None:
            expected[name] = ("approved" if heads == advised else "changed", heads)
    found = {
        f"{row['unit_id']}/{row['role']}/{row['shift']}": (row["state"], int(row["heads"]))
        for row in decided.to_dict("records")
    }
    assert found == expected
    assert len(decided) == len(expected)


def test_a_rejection_rejects_every_shift_and_decides_no_heads() -> None:
    decided = by_answer(advice([5, None, 2, 4]), Answer(approves=False, heads={}, comment="no"))
    assert len(decided) == 8
    assert set(decided["state"]) == {"rejected"}
    assert decided["heads"].isna().all()
    assert set(decided["comment"]) == {"no"}


def test_a_timeout_does_what_the_configuration_says() -> None:
    plan = advice([5, None, 2, 4], days=1)
    approved = by_timeout(plan, OnTimeout.APPROVE)
    assert approved["state"].tolist() == ["approved"] * 3
    assert approved["heads"].tolist() == [5, 2, 4]
    left = by_timeout(plan, OnTimeout.LEAVE)
    assert left["state"].tolist() == ["proposed"] * 4
    assert left["heads"].isna().all()


def test_the_configuration_approves_what_is_recommended() -> None:
    decided = by_configuration(advice([5, 3, 2, 4], days=1))
    assert decided["state"].tolist() == ["approved"] * 4
    assert decided["heads"].tolist() == [5, 3, 2, 4]
