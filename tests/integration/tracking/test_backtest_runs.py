from __future__ import annotations

from pathlib import Path

import pytest
from mlflow import MlflowClient

from forecasting.tracking import BacktestRuns

pytestmark = pytest.mark.integration


@pytest.fixture
def runs(mlflow_url: str, tmp_path: Path) -> BacktestRuns:
    return BacktestRuns(mlflow_url, (tmp_path / "artifacts").as_uri())


def test_the_same_backtest_is_one_run_and_goes_on(runs: BacktestRuns, mlflow_url: str) -> None:
    first = runs.open_backtest("abc", "ed_arrivals", {})
    runs.close(first, succeeded=False)
    assert runs.open_backtest("abc", "ed_arrivals", {"airflow.url": "http://airflow/1"}) == first
    run = MlflowClient(mlflow_url).get_run(first)
    assert run.info.status == "RUNNING"
    assert run.data.tags["airflow.url"] == "http://airflow/1"
    assert runs.open_backtest("def", "ed_arrivals", {}) != first


def test_a_contender_that_is_told_again_replaces_what_was_told(runs: BacktestRuns, mlflow_url: str) -> None:
    parent = runs.open_backtest("abc", "ed_arrivals", {})
    for skill in (0.1, 0.2):
        child = runs.open_contender(parent, "ed_arrivals glm", {"model": "glm"})
        runs.log_curves(child, {"by_lead_day/skill": {1: skill, 2: skill / 2}})
    client = MlflowClient(mlflow_url)
    experiment = client.get_run(parent).info.experiment_id
    (kept,) = client.search_runs([experiment], "tags.kind = 'contender'")
    history = client.get_metric_history(kept.info.run_id, "by_lead_day/skill")
    assert [(point.step, point.value) for point in history] == [(1, 0.2), (2, 0.1)]


def test_the_page_opens_on_models_not_on_language(runs: BacktestRuns) -> None:
    parent = runs.open_backtest("abc", "ed_arrivals", {})
    page = runs.page_of("http://localhost:5000", parent)
    assert page.endswith(f"/runs/{parent}?workflowType=machine_learning")
