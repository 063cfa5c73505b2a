"""A run of hospital_backtest as its form asks for it, every task in Airflow's own runner."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest
from mlflow import MlflowClient

from forecasting import pipeline, warehouse
from forecasting.config import Settings
from forecasting.deployment import Deployment
from forecasting.schema import OBSERVATION

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[3]
CONFIG = ROOT / "tests" / "hospital.toml"
RUN = """
import json, sys
from airflow.utils.db import initdb
initdb()
from airflow.dag_processing.dagbag import DagBag
dag = DagBag(sys.argv[1]).dags["hospital_backtest"]
print("ended", dag.test(run_conf=json.loads(sys.argv[2])).state)
"""


@pytest.fixture
def place(tmp_path: Path, settings: Settings, observations: Callable[..., pd.DataFrame]) -> Deployment:
    """A warehouse that one night filled."""
    place = Deployment(config=CONFIG, var=tmp_path / "var")
    pipeline.migrate(place)
    history = observations(60)
    issued_at = history["valid_at"].max().to_pydatetime() + timedelta(hours=1)
    for site_id in settings.site_ids:
        of_site = OBSERVATION.conform(history[history["site_id"] == site_id])
        warehouse.record_observations(warehouse.connect(place.warehouse), site_id, issued_at, of_site)
    return place


def test_a_run_from_the_form_ends_green_and_leads_from_mlflow_back_to_airflow(
    place: Deployment, tmp_path: Path
) -> None:
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(tmp_path / "airflow"),
        "HOSPITAL_CONFIG": str(CONFIG),
        "HOSPITAL_VAR": str(place.var),
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "dags")]),
    }
    dates = {"first": "2026-06-01", "last": "2026-06-02", "step_days": 1}
    asked = json.dumps({"target": "both", "models": "climatology", **dates})
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(ROOT / "dags"), asked],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "ended success" in done.stdout, done.stdout[-3000:] + done.stderr[-3000:]
    client = MlflowClient(place.mlflow)
    experiment = client.get_experiment_by_name("hospital_backtest")
    assert experiment is not None
    (parent,) = client.search_runs([experiment.experiment_id], "tags.kind = 'backtest'")
    assert parent.info.status == "FINISHED"
    assert "/dags/hospital_backtest/runs/" in parent.data.tags["airflow.url"]
    children = client.search_runs([experiment.experiment_id], "tags.kind = 'contender'")
    assert {run.info.run_name for run in children} == {"ed_arrivals climatology", "bed_census climatology"}
