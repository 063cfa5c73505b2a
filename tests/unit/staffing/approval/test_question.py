from __future__ import annotations

import pandas as pd
import pytest
from unit.staffing.approval.a_plan import ISSUED_AT, advice, site_of

from forecasting.config import FloatPool, Settings
from forecasting.schema import STAFFING_RECOMMENDATION
from forecasting.staffing.approval.question import Question, pose

pytestmark = pytest.mark.unit

TO = "\N{EN DASH}"
DAY = f"Day 07:00{TO}19:00"
PATIENTS = f"10 (8{TO}12)"


def _posed(settings: Settings, recommended: list[int | None], scheduled: list[int | None]) -> Question:
    site = site_of(settings, ask="always", on_timeout="approve")
    return pose(advice(recommended, scheduled, days=1), settings, site, "0f3a", ISSUED_AT)


def test_a_question_says_which_day_what_changes_until_when_and_what_then(settings: Settings) -> None:
    question = _posed(settings, [8, 3, 2, 4], [6, 3, 3, 4])
    assert question.subject == "North: staffing for Monday 2 November 2026"
    for said in (
        "2 more heads and 1 fewer than rostered",
        "2 of 4 posts stay as rostered",
        "06:30 on Sunday 1 November",
        "then it is approved as recommended",
        f"| {DAY} | Emergency | Registered nurse | {PATIENTS} | 6 | 8 | **+2** | 25 % |",
        f"| {DAY} | Intensive care | Registered nurse | {PATIENTS} | 3 | 2 | **-1** | 25 % |",
    ):
        assert said in question.body
    assert question.unseen == {"plan": "0f3a", "asked_at": ISSUED_AT.isoformat()}


def test_a_question_says_which_threshold_the_plan_is_above(settings: Settings) -> None:
    site = site_of(settings, ask="above_threshold", heads_changed=1, wages_changed=0)
    why = ["12 heads changed, above 6", "4,310 more in wages than rostered, above 2,000"]
    plan = advice([8, 3, 2, 4], [6, 3, 3, 4], days=1)
    asked = pose(plan, settings, site, "0f3a", ISSUED_AT, why).body
    assert (
        "You are asked because of this: "
        "12 heads changed, above 6; 4,310 more in wages than rostered, above 2,000." in asked
    )
    assert "because" not in pose(plan, settings, site, "0f3a", ISSUED_AT).body


def test_a_question_says_what_to_take_note_of(settings: Settings) -> None:
    site = site_of(settings, ask="always")
    usual = "The usual pattern of past weeks speaks here: no model is trained yet."
    rough = "Waiting times could not be told: nobody is expected in Emergency."
    plan = advice([8, 3, 2, 4], [6, 3, 3, 4], days=1).assign(note=usual)
    plan["note"] = plan["note"].mask(plan["unit_id"] == "ed", f"{usual} {rough}")
    body = pose(plan, settings, site, "0f3a", ISSUED_AT).body
    assert f"Take note:\n\n- All units: {usual}\n- Emergency: {rough}\n\n" in body
    assert "Take note" not in pose(plan.assign(note=""), settings, site, "0f3a", ISSUED_AT).body


def test_only_shifts_that_would_not_stay_as_rostered_have_a_field(settings: Settings) -> None:
    question = _posed(settings, [8, 3, 2, 4], [6, 3, 3, 4])
    assert [(field.name, field.heads, field.most) for field in question.fields] == [
        ("ed/registered_nurse/day", 8, 30),
        ("icu/registered_nurse/day", 2, 10),
    ]
    assert question.fields[0].title == f"{DAY}, Emergency, Registered nurse"
    assert question.fields[0].description == "At most 12 patients expected."


def test_a_shift_without_a_rule_or_a_roster_has_a_field_to_decide_by_hand(settings: Settings) -> None:
    question = _posed(settings, [None, 3, 2, 4], [6, 3, None, 4])
    assert [field.heads for field in question.fields] == [None, 2]
    assert "2 of 4 posts without a roster or a rule" in question.body
    assert f"| 6 | {TO} | decide by hand | {TO} |" in question.body


def test_a_float_pool_is_asked_about_by_its_name_and_up_to_its_most(settings: Settings) -> None:
    site = site_of(settings, ask="always", on_timeout="approve")
    pool = FloatPool(pool_id="float", name="Float pool", role="registered_nurse", units=("icu",), most=5)
    pooled = site.model_copy(update={"float_pools": (pool,)})
    rows = advice([8, 3, 2, 4], [8, 3, 2, 4], days=1)
    helping = rows[rows["unit_id"] == "ed"].assign(unit_id="float", recommended=2, scheduled=1, required=None)
    asked = pd.concat([helping, rows], ignore_index=True)
    question = pose(STAFFING_RECOMMENDATION.conform(asked), settings, pooled, "0f3a", ISSUED_AT)
    assert [(field.name, field.heads, field.most) for field in question.fields] == [
        ("float/registered_nurse/day", 2, 5),
        ("float/registered_nurse/night", 2, 5),
    ]
    assert question.fields[0].title == f"{DAY}, Float pool, Registered nurse"
    assert f"| {DAY} | Float pool | Registered nurse |  | 1 | 2 | **+1** | 25 % |" in question.body


def test_a_unit_that_left_the_configuration_is_asked_about_by_its_id(settings: Settings) -> None:
    site = site_of(settings, ask="always", on_timeout="approve")
    without_icu = site.model_copy(update={"units": site.units[:1]})
    rows = advice([8, 3, 2, 4], [8, 3, 3, 4], days=1)
    (field,) = pose(rows, settings, without_icu, "0f3a", ISSUED_AT).fields
    assert (field.name, field.heads, field.most) == ("icu/registered_nurse/day", 2, 3)
    assert field.title == f"{DAY}, icu, Registered nurse"


def test_heads_beyond_the_beds_are_allowed_where_the_roster_has_them(settings: Settings) -> None:
    (field,) = _posed(settings, [10, 3, 13, 4], [10, 3, 14, 4]).fields
    assert field.most == 14


def test_a_plan_that_stays_as_rostered_is_one_sentence(settings: Settings) -> None:
    question = _posed(settings, [8, 3, 2, 4], [8, 3, 2, 4])
    assert question.fields == ()
    assert "4 of 4 posts stay as rostered" in question.body
    assert "|" not in question.body
