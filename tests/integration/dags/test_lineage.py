"""What OpenLineage is told of a task: the assets that it reads and writes, in events that a file receives."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[3]
DAG = """
from airflow.sdk import DAG
from hospital_assets import FEEDS, OBSERVATIONS
from hospital_links import tracked

@tracked(map_index_template="{{ task.op_kwargs['site_id'] }}", inlets=FEEDS, outlets=[OBSERVATIONS])
def record(site_id: str) -> None:
    pass

with DAG("recording"):
    record.expand(site_id=["north"])
"""
RUN = """
import sys
from airflow.utils.db import initdb
initdb()
from airflow.dag_processing.dagbag import DagBag
print("ended", DagBag(sys.argv[1]).dags["recording"].test().state)
"""


def test_a_task_tells_of_the_tables_that_it_reads_and_writes(tmp_path: Path) -> None:
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "recording.py").write_text(DAG)
    told = tmp_path / "told.json"
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(tmp_path / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(tmp_path / "dags"),
        "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(
            {"type": "file", "log_file_path": str(told), "append": True}
        ),
        "HOSPITAL_CONFIG": str(ROOT / "tests" / "hospital.toml"),
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "dags"), os.environ.get("PYTHONPATH", "")]),
    }
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(tmp_path / "dags")],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "ended success" in done.stdout, done.stdout[-3000:] + done.stderr[-3000:]
    events = [json.loads(line) for line in told.read_text().splitlines()]
    (ended,) = [
        event
        for event in events
        if event["eventType"] == "COMPLETE" and event["job"]["name"] == "recording.record"
    ]
    read = {(dataset["namespace"], dataset["name"]) for dataset in ended["inputs"]}
    assert read == {("hospital://source", "ed_visit"), ("hospital://source", "bed_stay")}
    (written,) = ended["outputs"]
    assert (written["namespace"], written["name"]) == ("hospital://warehouse", "observation")
