"""`forecasting run`, which is `make run`: through a real Airflow, on an empty folder and once more."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pandas as pd
import pytest
import stores
from e2e.installation import LOAD_KEY, Installation
from mlflow import MlflowClient

from forecasting import pipeline, warehouse
from forecasting.config import read_settings

pytestmark = pytest.mark.e2e


def _published(installation: Installation) -> tuple[pd.DataFrame, pd.DataFrame]:
    settings = read_settings(installation.place.config)
    night = pipeline.latest_night(settings)
    engine = warehouse.connect(installation.place.warehouse)
    return warehouse.forecasts(engine, night), warehouse.recommendations(engine, night)


def test_it_prints_tomorrows_plan_and_where_to_see_more(first_run: subprocess.CompletedProcess[str]) -> None:
    for said in ("North", "West", "Intensive care", "Registered nurse", "staffing_recommendation", "make up"):
        assert said in first_run.stdout, first_run.stdout


def test_it_shows_each_task_as_it_ends(first_run: subprocess.CompletedProcess[str]) -> None:
    for task in (
        "ingest.extract [north]",
        "ingest.validate [west]",
        "train [bed_census]",
        "plan.publish [west]",
    ):
        assert task in first_run.stdout, first_run.stdout
    assert "failed" not in first_run.stdout


def test_the_warehouse_holds_seven_days_for_every_unit_role_and_shift(
    installation: Installation, first_run: subprocess.CompletedProcess[str]
) -> None:
    settings = read_settings(installation.place.config)
    _, heads = _published(installation)
    units = sum(len(site.units) for site in settings.sites)
    assert len(heads) == units * len(settings.roles) * len(settings.shifts) * 7
    assert (heads.groupby(["site_id", "unit_id", "role", "shift"])["shift_date"].nunique() == 7).all()


def test_mlflow_holds_the_night_and_a_child_for_each_trained_model(
    installation: Installation, first_run: subprocess.CompletedProcess[str]
) -> None:
    client = MlflowClient(installation.place.mlflow)
    experiment = client.get_experiment_by_name("hospital_nightly")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    (night,) = [run for run in runs if run.data.tags["kind"] == "night"]
    trainings = [run for run in runs if run.data.tags["kind"] == "training"]
    assert {run.data.tags["target"] for run in trainings} == {"ed_arrivals", "bed_census"}
    for run in trainings:
        assert run.data.tags["mlflow.parentRunId"] == night.info.run_id
        assert run.info.status == "FINISHED"
        assert run.data.metrics
        assert run.inputs
        assert run.inputs.dataset_inputs
        runs_page = f"http://localhost:{installation.port}/dags/hospital_nightly/runs/"
        assert run.data.tags["airflow.url"].startswith(runs_page)


def test_no_visit_no_stay_and_no_secret_stands_in_anything_that_airflow_or_mlflow_keeps(
    installation: Installation, first_run: subprocess.CompletedProcess[str]
) -> None:
    printed = ("what was printed", (first_run.stdout + first_run.stderr).encode())
    held = dict([printed, *stores.files(installation.var)])
    assert {"airflow.db", "warehouse.db", "mlflow.db"} <= {Path(where).name for where in held}
    assert any("task_id=train" in where for where in held), "no task's log"
    secret = re.compile(LOAD_KEY.encode())
    assert stores.leaks(iter(held.items()), stores.SIMULATED_ID, secret) == []
    assert stores.SIMULATED_ID.search((installation.var / stores.SOURCE).read_bytes())


def test_a_second_run_that_skips_training_walks_the_night_and_leaves_the_same_rows(
    installation: Installation, first_run: subprocess.CompletedProcess[str]
) -> None:
    before = _published(installation)
    again = installation.forecasting("run", "--port", str(installation.port), "--retrain", "never")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "simulating" not in again.stdout
    for task in ("plan.forecast [north]", "plan.publish [west]", "close_night"):
        assert re.search(rf"success +[\d.]+ s +{re.escape(task)}", again.stdout), again.stdout
    assert re.search(r"skipped +[\d.]+ s +train \[bed_census\]", again.stdout), again.stdout
    for first, second in zip(before, _published(installation), strict=True):
        pd.testing.assert_frame_equal(first, second)


def test_nothing_is_left_running(
    installation: Installation, first_run: subprocess.CompletedProcess[str]
) -> None:
    assert installation.processes() == []
