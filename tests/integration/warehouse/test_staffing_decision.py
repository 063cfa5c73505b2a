from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given
from hypothesis import settings as example_settings
from hypothesis import strategies as st
from integration.warehouse.a_night import ISSUED_AT, NIGHT, forecast_rows, night_row, recommendation_rows
from pandas.testing import assert_frame_equal

from forecasting import warehouse
from forecasting.outcome import PlanReplaced
from forecasting.warehouse import WarehouseError

pytestmark = pytest.mark.integration

AT = datetime(2026, 11, 1, 9, 30, 0, 250_000, tzinfo=UTC)
SIGNED = {"approved", "changed"}


@pytest.fixture
def published(engine: sa.Engine) -> sa.Engine:
    warehouse.publish(engine, night_row(), forecast_rows(), recommendation_rows())
    return engine


def decision(rows: pd.DataFrame, state: str, heads: int | None = None, **changes: Any) -> pd.DataFrame:
    given_heads = pd.Series(heads, index=rows.index, dtype="Int64")
    made: dict[str, Any] = {"decided_at": AT, "decided_by": "maria", "comment": "two are ill"}
    return rows.assign(state=state, heads=given_heads, **made | changes)


def record(engine: sa.Engine, decided: pd.DataFrame, output_digest: str = "first") -> int:
    return warehouse.record_decisions(engine, "north", NIGHT, decided, output_digest)


def plan(engine: sa.Engine) -> pd.DataFrame:
    return pd.read_sql("SELECT * FROM staffing_plan ORDER BY unit_id, shift_start", engine)


def signed(engine: sa.Engine) -> pd.DataFrame:
    return pd.read_sql("SELECT * FROM approved_staffing_plan ORDER BY unit_id, shift_start", engine)


def test_without_a_decision_every_row_is_proposed_and_none_is_signed(published: sa.Engine) -> None:
    assert set(plan(published)["state"]) == {"proposed"}
    assert plan(published)["decided_heads"].isna().all()
    assert signed(published).empty


def test_a_decision_stands_beside_the_recommendation_which_stays_as_it_was(published: sa.Engine) -> None:
    before = warehouse.recommendations(published, NIGHT)
    assert record(published, decision(before.head(3), "changed", 5)) == 3

    assert_frame_equal(warehouse.recommendations(published, NIGHT), before)
    rows = plan(published)
    assert rows["state"].tolist() == ["changed"] * 3 + ["proposed"] * 5
    assert rows["decided_heads"].tolist()[:3] == [5, 5, 5]
    assert rows["decided_by"].tolist()[:3] == ["maria"] * 3
    view = signed(published)
    assert len(view) == 3
    assert set(view["state"]) == {"changed"}
    assert set(view["heads"]) == {5}
    assert set(view["recommended"]) == {3}
    (standing,) = warehouse.decisions(published, NIGHT).head(1).to_dict("records")
    assert standing["decided_at"] == AT
    assert (standing["number"], standing["comment"]) == (1, "two are ill")


def test_recording_a_decision_twice_leaves_one_row(published: sa.Engine) -> None:
    rows = decision(warehouse.recommendations(published, NIGHT), "approved", 3)
    assert record(published, rows) == 8
    assert record(published, rows) == 0
    assert len(warehouse.decisions(published, NIGHT)) == 8


@example_settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    states=st.lists(st.sampled_from(["approved", "changed", "rejected", "proposed"]), min_size=1, max_size=4)
)
def test_every_decision_is_one_audit_row_a_shift_and_only_a_signed_last_one_is_shown(
    published: sa.Engine, states: list[str]
) -> None:
    with published.begin() as connection:
        connection.exec_driver_sql("DELETE FROM staffing_decision")
    rows = warehouse.recommendations(published, NIGHT)
    for number, state in enumerate(states):
        heads = number if state in SIGNED else None
        decided = decision(rows, state, heads, decided_at=AT + timedelta(minutes=number))
        assert record(published, decided) == len(rows)
    audit = warehouse.decisions(published, NIGHT)
    assert len(audit) == len(rows) * len(states)
    of_one = audit[(audit["unit_id"] == "ed") & (audit["shift_start"] == rows["shift_start"].min())]
    assert of_one["state"].tolist() == states
    assert of_one["number"].tolist() == list(range(1, len(states) + 1))
    assert set(plan(published)["state"]) == {states[-1]}
    assert len(signed(published)) == (len(rows) if states[-1] in SIGNED else 0)


def test_another_plan_for_the_night_takes_back_what_was_decided_about_other_numbers(
    published: sa.Engine,
) -> None:
    rows = warehouse.recommendations(published, NIGHT)
    record(published, decision(rows, "approved", 3))
    changed = recommendation_rows()
    changed.loc[changed["unit_id"] == "icu", ["required", "recommended"]] = 4
    warehouse.publish(published, night_row(output_digest="second"), forecast_rows(), changed)

    standing = plan(published).groupby("unit_id")["state"].unique().explode().to_dict()
    assert standing == {"ed": "approved", "icu": "proposed"}
    assert set(signed(published)["unit_id"]) == {"ed"}
    taken_back = warehouse.decisions(published, NIGHT).query("state == 'proposed'")
    assert len(taken_back) == 4
    assert set(taken_back["decided_by"]) == {"publication"}
    (why,) = set(taken_back["comment"])
    assert why == "was approved; required went from 3 to 4, recommended went from 3 to 4"


def test_a_shift_that_is_no_longer_planned_is_no_longer_signed(published: sa.Engine) -> None:
    rows = warehouse.recommendations(published, NIGHT)
    record(published, decision(rows, "approved", 3))
    only_ed = recommendation_rows()
    only_ed = only_ed[only_ed["unit_id"] == "ed"]
    warehouse.publish(published, night_row(output_digest="second"), forecast_rows(), only_ed)
    assert set(signed(published)["unit_id"]) == {"ed"}
    taken_back = warehouse.decisions(published, NIGHT).query("state == 'proposed'")
    assert set(taken_back["comment"]) == {"was approved; the shift is no longer planned"}


def test_publishing_the_same_plan_again_takes_nothing_back(published: sa.Engine) -> None:
    record(published, decision(warehouse.recommendations(published, NIGHT), "rejected"))
    other_model = recommendation_rows().assign(model_version="2")
    warehouse.publish(published, night_row(output_digest="second"), forecast_rows(), other_model)
    assert set(plan(published)["state"]) == {"rejected"}


def test_an_answer_about_a_plan_that_was_replaced_writes_nothing(published: sa.Engine) -> None:
    rows = decision(warehouse.recommendations(published, NIGHT), "approved", 3)
    for digest in ("second", ""):
        with pytest.raises(PlanReplaced, match="north for night 2026-11-01"):
            record(published, rows, digest)
    assert warehouse.decisions(published, NIGHT).empty


def test_a_decision_about_another_site_is_refused(published: sa.Engine) -> None:
    rows = decision(warehouse.recommendations(published, NIGHT), "approved", 3)
    with pytest.raises(WarehouseError, match="8 rows have site_id west"):
        record(published, rows.assign(site_id="west"))


def test_what_was_signed_stays_signed_when_the_next_night_plans_the_shift_anew(published: sa.Engine) -> None:
    record(published, decision(warehouse.recommendations(published, NIGHT), "approved", 3))
    following, issued_at = NIGHT + timedelta(days=1), ISSUED_AT + timedelta(days=1)
    again = recommendation_rows(required=6).assign(issued_at=issued_at, night=following)
    warehouse.publish(
        published,
        replace(night_row(), night=following, issued_at=issued_at),
        forecast_rows().assign(issued_at=issued_at),
        again,
    )
    assert set(plan(published)["state"]) == {"proposed"}
    assert set(signed(published)["heads"]) == {3}

    later = decision(warehouse.recommendations(published, following), "rejected")
    warehouse.record_decisions(published, "north", following, later, "first")
    assert signed(published).empty
