from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa
from integration.warehouse.a_night import NIGHT
from pandas.testing import assert_frame_equal

from forecasting import schema, warehouse
from forecasting.schema import SchemaError

pytestmark = pytest.mark.integration


def decision(**changes: object) -> dict[str, Any]:
    row: dict[str, Any] = {
        "target": "ed_arrivals",
        "night": NIGHT,
        "decided_at": datetime(2026, 11, 1, 8, 5, 1, 2, tzinfo=UTC),
        "challenger": "tft",
        "challenger_version": "3",
        "champion": "climatology",
        "champion_version": "1",
        "promoted": True,
        "why": "held-out WQL of tft 0.1700 is below climatology's 0.1740",
        "challenger_wql": 0.17,
        "champion_wql": 0.174,
        "difference": 0.004,
        "difference_low": 0.001,
        "difference_high": 0.007,
        "hours": 1848,
        "issue_times": 11,
        "mlflow_run_id": "run-1",
    }
    return row | changes


def test_a_decision_comes_back_as_it_was_recorded_however_often(engine: sa.Engine) -> None:
    warehouse.record_promotion(engine, decision())
    warehouse.record_promotion(engine, decision())
    expected = schema.MODEL_PROMOTION.conform(pd.DataFrame([decision()]))
    assert_frame_equal(warehouse.promotions(engine), expected)


def test_recording_it_again_takes_the_new_evidence(engine: sa.Engine) -> None:
    warehouse.record_promotion(engine, decision())
    warehouse.record_promotion(engine, decision(promoted=False, difference_low=-0.001))
    (row,) = warehouse.promotions(engine).to_dict("records")
    assert not row["promoted"]
    assert row["difference_low"] == -0.001


def test_each_version_and_target_keeps_its_own(engine: sa.Engine) -> None:
    for changes in ({}, {"challenger_version": "4"}, {"target": "bed_census"}):
        warehouse.record_promotion(engine, decision(**changes))
    assert len(warehouse.promotions(engine)) == 3
    assert warehouse.promotions(engine, "ed_arrivals")["challenger_version"].tolist() == ["3", "4"]


def test_a_model_that_was_not_scored_leaves_the_evidence_missing(engine: sa.Engine) -> None:
    unscored = dict.fromkeys(("challenger_wql", "champion_wql", "difference", "hours", "issue_times"))
    warehouse.record_promotion(engine, decision(promoted=False, **unscored))
    assert warehouse.promotions(engine)[list(unscored)].isna().all(axis=None)


def test_a_row_without_its_reason_is_refused(engine: sa.Engine) -> None:
    row = decision()
    del row["why"]
    with pytest.raises(SchemaError, match="model_promotion: no column why"):
        warehouse.record_promotion(engine, row)
