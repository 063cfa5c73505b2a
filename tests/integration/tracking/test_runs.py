from __future__ import annotations

import time
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.figure import Figure
from mlflow import MlflowClient

from forecasting.tracking import Runs

pytestmark = pytest.mark.integration

NIGHT = date(2026, 3, 8)


@pytest.fixture
def runs(mlflow_url: str, tmp_path: Path) -> Runs:
    return Runs(mlflow_url, (tmp_path / "artifacts").as_uri())


def test_a_night_opened_twice_by_one_dag_run_is_one_run(runs: Runs) -> None:
    first = runs.open_night(NIGHT, "scheduled__1", {"airflow.url": "http://airflow/1"})
    assert runs.open_night(NIGHT, "scheduled__1", {}) == first
    assert runs.open_night(NIGHT, "manual__2", {}) != first


def test_a_training_is_a_child_that_leads_back_to_the_dag_run(runs: Runs, mlflow_url: str) -> None:
    night = runs.open_night(NIGHT, "scheduled__1", {"airflow.url": "http://airflow/1"})
    child = runs.open_training(night, "ed_arrivals tft", {"target": "ed_arrivals"})
    tags = MlflowClient(mlflow_url).get_run(child).data.tags
    assert tags["mlflow.parentRunId"] == night
    assert tags["airflow.dag_run_id"] == "scheduled__1"
    assert tags["airflow.url"] == "http://airflow/1"
    assert tags["kind"] == "training"
    assert tags["mlflow.note.content"] == "[The DAG run in Airflow](http://airflow/1)"


def test_what_is_told_of_a_run_leads_back_to_its_dag_run_and_to_none_where_there_was_none(
    runs: Runs, mlflow_url: str
) -> None:
    def told(tags: dict[str, str], dag_run_id: str) -> str:
        night = runs.open_night(NIGHT, dag_run_id, tags)
        runs.describe(night, "Two sites published.")
        return str(MlflowClient(mlflow_url).get_run(night).data.tags["mlflow.note.content"])

    by_airflow = told({"airflow.url": "http://airflow/1"}, "scheduled__1")
    assert by_airflow == "Two sites published.\n\n[The DAG run in Airflow](http://airflow/1)"
    assert told({}, "by_hand") == "Two sites published."


def test_a_training_that_was_cut_off_goes_on_and_one_that_ended_is_followed_by_another(runs: Runs) -> None:
    night = runs.open_night(NIGHT, "scheduled__1", {})
    child = runs.open_training(night, "ed_arrivals tft", {})
    assert runs.open_training(night, "ed_arrivals tft", {}) == child
    runs.close(child, succeeded=False)
    assert runs.open_training(night, "ed_arrivals tft", {}) != child


def test_params_stay_as_first_written_and_metrics_take_the_last(runs: Runs, mlflow_url: str) -> None:
    night = runs.open_night(NIGHT, "scheduled__1", {})
    for sites in ("north", "west"):
        runs.log_params(night, {"sites": sites})
        runs.log_metrics(night, {"sites_published": len(sites)})
    logged = MlflowClient(mlflow_url).get_run(night).data
    assert logged.params == {"sites": "north"}
    assert logged.metrics == {"sites_published": 4.0}


def test_a_dataset_is_named_by_digest_and_its_rows_are_not_kept(
    runs: Runs, mlflow_url: str, tmp_path: Path
) -> None:
    night = runs.open_night(NIGHT, "scheduled__1", {})
    runs.log_dataset(night, pd.DataFrame({"value": [31337.25, 2.0]}), "ed_arrivals observations", "abc123")
    inputs = MlflowClient(mlflow_url).get_run(night).inputs
    assert inputs
    (dataset,) = inputs.dataset_inputs
    assert (dataset.dataset.name, dataset.dataset.digest) == ("ed_arrivals observations", "abc123")
    assert b"31337.25" not in (tmp_path / "mlflow.db").read_bytes()


def test_tables_and_plots_are_kept_beside_the_run(runs: Runs, mlflow_url: str) -> None:
    night = runs.open_night(NIGHT, "scheduled__1", {})
    runs.log_table(night, pd.DataFrame({"unit_id": ["ed"]}), "plan/north.csv")
    runs.log_figure(night, Figure(), "forecast/north.png")
    client = MlflowClient(mlflow_url)
    kept = {item.path for folder in ("plan", "forecast") for item in client.list_artifacts(night, folder)}
    assert kept == {"plan/north.csv", "forecast/north.png"}


def test_a_run_ends_as_it_went(runs: Runs, mlflow_url: str) -> None:
    for succeeded, status in ((True, "FINISHED"), (False, "FAILED")):
        night = runs.open_night(NIGHT, f"run {succeeded}", {})
        runs.close(night, succeeded=succeeded)
        assert MlflowClient(mlflow_url).get_run(night).info.status == status


def test_a_watched_run_tells_the_machines_use(
    runs: Runs, mlflow_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.1")
    night = runs.open_night(date(2026, 3, 9), "scheduled__1", {})
    with runs.watch(night):
        time.sleep(0.6)
    metrics = MlflowClient(mlflow_url).get_run(night).data.metrics
    assert {"system/cpu_utilization_percentage", "system/system_memory_usage_megabytes"} <= set(metrics)
