"""What a BI tool reads in the views, alike on SQLite and PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa
from integration.warehouse.a_night import ISSUED_AT, NIGHT, forecast_rows, night_row, recommendation_rows

from forecasting import schema, warehouse
from forecasting.schema import NightState

pytestmark = pytest.mark.integration

NEXT = timedelta(days=1)


def rows_of(engine: sa.Engine, query: str) -> list[tuple[Any, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.text(query))]


def publish_next_night(engine: sa.Engine) -> None:
    """The night after the first, by a forecast that is 5 patients higher."""
    told = forecast_rows(hours=2, value=15.0)
    told = told.assign(issued_at=ISSUED_AT + NEXT, valid_at=told["valid_at"] + NEXT)
    advice = recommendation_rows(shifts=1).assign(issued_at=ISSUED_AT + NEXT, night=NIGHT + NEXT)
    warehouse.publish(
        engine, replace(night_row(), night=NIGHT + NEXT, issued_at=ISSUED_AT + NEXT), told, advice
    )


def observe(engine: sa.Engine, issued_at: pd.Timestamp, values: list[float | None]) -> None:
    """The first hours after the first night's issue time, of the ED."""
    hours = pd.DataFrame(
        {
            "site_id": "north",
            "unit_id": "ed",
            "target": "bed_census",
            "valid_at": pd.date_range(ISSUED_AT, periods=len(values), freq="h"),
            "value": pd.array(values, dtype="Float64").astype(float),
        }
    )
    warehouse.record_observations(engine, "north", issued_at, schema.OBSERVATION.conform(hours))


def test_the_forecast_that_stands_is_the_last_published_nights(engine: sa.Engine) -> None:
    warehouse.publish(engine, night_row(), forecast_rows(hours=2), recommendation_rows(shifts=1))
    publish_next_night(engine)
    failed = replace(night_row(), night=NIGHT + 2 * NEXT, issued_at=ISSUED_AT + 2 * NEXT)
    warehouse.close_night(engine, replace(failed, state=NightState.FAILED))

    levels = "SELECT unit_id, period, p05, p10, p50, p90 FROM published_forecast ORDER BY unit_id, valid_at"
    assert rows_of(engine, levels) == [
        (unit, "PT1H", None, 15.1, 15.5, 15.9) for unit in ("ed", "ed", "icu", "icu")
    ]


def test_a_forecast_stands_beside_the_outcome_that_is_known_now(engine: sa.Engine) -> None:
    """A corrected hour by its newest value; an hour that is not known yet, or was silent, has no row."""
    warehouse.publish(engine, night_row(), forecast_rows(hours=4), recommendation_rows(shifts=1))
    observe(engine, pd.Timestamp(ISSUED_AT + NEXT), [10.5, 10.5, None])
    observe(engine, pd.Timestamp(ISSUED_AT + 2 * NEXT), [10.5, 30.0, None])

    outcome = "SELECT unit_id, outcome, p10, p90, inside FROM forecast_outcome ORDER BY valid_at"
    assert rows_of(engine, outcome) == [("ed", 10.5, 10.1, 10.9, 1), ("ed", 30.0, 10.1, 10.9, 0)]


def test_counts_too_small_to_be_shown_are_in_no_view(engine: sa.Engine) -> None:
    """From 1 to below what the site's newest night says; nobody is shown, and the models read all."""
    warehouse.publish(engine, night_row(), forecast_rows(hours=4), recommendation_rows(shifts=1))
    observe(engine, pd.Timestamp(ISSUED_AT + NEXT), [0.0, 4.0, 5.0, None])
    views = "SELECT value, too_small FROM latest_observation ORDER BY valid_at"
    outcomes = "SELECT outcome, inside FROM forecast_outcome ORDER BY valid_at"
    assert rows_of(engine, views) == [(0, 0), (4, 0), (5, 0), (None, 0)]

    later = replace(night_row(), night=NIGHT + NEXT, issued_at=ISSUED_AT + NEXT, smallest_count=5)
    warehouse.open_night(engine, later)
    assert rows_of(engine, views) == [(0, 0), (None, 1), (5, 0), (None, 0)]
    assert rows_of(engine, outcomes) == [(0, 0), (None, None), (5, 0)]
    known = warehouse.observations(engine, ["north"], None, ISSUED_AT, ISSUED_AT + NEXT)
    assert known["value"].dropna().tolist() == [0, 4, 5]


@pytest.mark.parametrize(
    ("target", "outcome", "shown"),
    [("ed_arrivals", 4.0, False), ("ed_arrivals", 6.0, True), ("bed_census", 6.0, False)],
)
def test_a_score_of_too_few_patients_does_not_tell_how_many_came(
    engine: sa.Engine, target: str, outcome: float, shown: bool
) -> None:
    """Arrivals of the shift are added up, a census is a mean: 6 over two hours are 3 patients."""
    warehouse.open_night(engine, replace(night_row(), smallest_count=5))
    row = {
        "night": NIGHT, "site_id": "north", "unit_id": "ed", "target": target, "period": "PT1H",
        "lead_day": 1, "shift": "day", "model": "ensemble", "model_version": "1", "hours": 2,
        "outcome": outcome, "pinball": 1.0, "mae": 2.0, "bias": 1.0, "coverage_80": 2.0,
        "coverage_90": 2.0, "pit_80": 1.6, "pit_90": 1.8, "outcomes_until": ISSUED_AT,
        "output_digest": "first",
    }  # fmt: skip
    both = [row | {"speaker": name, "published": name == "champion"} for name in ("champion", "climatology")]
    scores = schema.FORECAST_SCORE.conform(pd.DataFrame(both))
    warehouse.record_scores(engine, "north", NIGHT, scores)

    ((*counts, skill),) = rows_of(
        engine, "SELECT outcome, pinball, climatology_pinball, mae, bias, wql, skill FROM forecast_quality"
    )
    assert skill == 0
    assert [count is not None for count in counts] == [shown] * 6


def test_every_decision_is_told_with_its_shift(engine: sa.Engine) -> None:
    advice = recommendation_rows(shifts=1)
    warehouse.publish(engine, night_row(), forecast_rows(hours=2), advice)
    decided = advice[["site_id", "night", "unit_id", "role", "shift", "shift_start"]].assign(
        state="approved", heads=3, required=3, scheduled=2, recommended=3, decided_at=ISSUED_AT,
        decided_by="nora", comment="", dag_run_id=None,
    )  # fmt: skip
    warehouse.record_decisions(engine, "north", NIGHT, decided, "first")

    audit = "SELECT unit_id, number, state, heads, decided_by, reason FROM decision_audit ORDER BY unit_id"
    told = (1, "approved", 3, "nora", "At most 12 patients expected")
    assert rows_of(engine, audit) == [("ed", *told), ("icu", *told)]


def test_a_nights_status_counts_what_validation_found(engine: sa.Engine) -> None:
    warehouse.open_night(engine, night_row())
    verdict = {
        "site_id": "north", "night": NIGHT, "table_name": "observation", "column_name": "",
        "severity": "warn", "checked_rows": 9, "failed_rows": 1, "detail": "",
    }  # fmt: skip
    results = pd.DataFrame(
        [verdict | {"expectation": name, "success": name == "kept"} for name in ("kept", "broken")]
    )
    aside = {
        "site_id": "north", "night": NIGHT, "table_name": "observation", "unit_id": "ed",
        "target": "bed_census", "valid_at": ISSUED_AT, "reason": "negative", "value": -1.0, "source_rows": 1,
    }  # fmt: skip
    warehouse.record_validation(engine, "north", NIGHT, results, pd.DataFrame([aside]))

    status = "SELECT site_id, state, failed_expectations, quarantined_rows FROM night_status"
    assert rows_of(engine, status) == [("north", "running", 1, 1)]
