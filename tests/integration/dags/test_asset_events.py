"""What a published plan's asset event says, as a DAG that waits for plans reads it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from published_night import CONFIG, NIGHT

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[3]
DAGS = """
import json
from airflow.sdk import DAG, Asset, get_current_context, task
from hospital_defaults import TASKS
from hospital_tasks import publish

PLANS = Asset("hospital/recommendations", "hospital://warehouse/staffing_recommendation")

with DAG("publishing", default_args=TASKS):
    publish.partial(night=NIGHT).expand(site_id=["north", "west"])

with DAG("waiting_for_plans", schedule=[PLANS]):
    @task(inlets=[PLANS])
    def read() -> None:
        for event in get_current_context()["inlet_events"][PLANS]:
            print("read", json.dumps(event.extra))

    read()
"""
RUN = """
import sys
from airflow.utils.db import initdb
initdb()
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(sys.argv[1])
for dag_id in ("publishing", "waiting_for_plans"):
    print("ended", bag.dags[dag_id].test().state)
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session
with create_session() as session:
    for xcom in session.query(XComModel).filter(XComModel.key == "_link_MLflowRun"):
        print("link", xcom.value)
"""


@pytest.fixture(scope="module")
def said(published_hospitals: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What Airflow prints of a plan's publication and of a DAG that reads of it."""
    home = tmp_path_factory.mktemp("events")
    folder = home / "dags"
    folder.mkdir()
    night = {"night": str(NIGHT), "dag_run_id": "scheduled__1", "mlflow_run_id": "abc"}
    (folder / "plans.py").write_text(DAGS.replace("NIGHT", repr(night)))
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(home / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(folder),
        "HOSPITAL_CONFIG": str(CONFIG),
        "HOSPITAL_VAR": str(shutil.copytree(published_hospitals, home / "var")),
        "HOSPITAL_MLFLOW_PAGES_URL": "https://mlflow.hospital",
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "dags")]),
    }
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(folder)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout + done.stderr
    assert said.count("ended success") == 2, said[-5000:]
    return said


def test_a_waiting_dag_reads_the_night_and_the_verdict(said: str) -> None:
    read = [json.loads(line.partition("read ")[2]) for line in said.splitlines() if "read {" in line]
    assert {event["site"] for event in read} == {"north", "west"}
    for event in read:
        assert event["night"] == str(NIGHT)
        assert event["verdict"] == "passed"
        assert event["changed"] is False
        assert event["mlflow_run_id"] == "abc"


def test_a_task_links_to_its_run_and_names_its_work_in_its_log(said: str) -> None:
    assert said.count("link https://mlflow.hospital/#/runs/abc") == 2
    for site_id in ("north", "west"):
        named = f"night={NIGHT} site={site_id} stage=publish"
        lines = [line for line in said.splitlines() if line.endswith(named)]
        assert [line for line in lines if "] published" in line]
        assert [line for line in lines if "airflow.task.operators" in line]
