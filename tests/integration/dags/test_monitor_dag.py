"""Runs of hospital_monitor as its form asks for them, every task in Airflow's own runner."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from monitored_nights import LAST_NIGHT

from forecasting import warehouse
from forecasting.deployment import Deployment

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[3]
RUN = """
import sys
from airflow.utils.db import initdb
initdb()
from airflow.dag_processing.dagbag import DagBag
dag = DagBag(sys.argv[1]).dags["hospital_monitor"]
run = dag.test(run_conf={"night": sys.argv[2]})
print("ended", run.state)
for instance in run.get_task_instances():
    print("task", instance.task_id, instance.state)
from airflow.models.asset import AssetEvent, AssetModel
from airflow.utils.session import create_session
with create_session() as session:
    for event in session.query(AssetEvent).all():
        print("event", event.name, event.extra["why"])
"""


def test_a_run_from_the_form_ends_green_and_says_to_whoever_waits_that_a_training_is_due(
    monitored: Deployment, tmp_path: Path
) -> None:
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(tmp_path / "airflow"),
        "HOSPITAL_CONFIG": str(monitored.config),
        "HOSPITAL_VAR": str(monitored.var),
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "dags")]),
    }
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(ROOT / "dags"), str(LAST_NIGHT)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout.splitlines()
    assert "ended success" in said, done.stdout[-3000:] + done.stderr[-3000:]
    assert "task ask_for_training success" in said
    (event,) = (line for line in said if line.startswith("event"))
    assert event.startswith("event hospital/training_due {'bed_census': '2 of 4 series have fallen back")
    engine = warehouse.connect(monitored.warehouse)
    assert len(warehouse.training_requests(engine, LAST_NIGHT)) == 1
