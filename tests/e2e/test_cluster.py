"""A night on Celery: two workers that share no disk, one of them killed in the middle."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import fsspec
import httpx
import pytest
from e2e.installation import CONFIG
from night_rows import assert_same_rows
from s3 import BUCKET, s3_server

from benchmarks.cluster import (
    Machine,
    Shared,
    kill,
    mlflow_server,
    new_database,
    redis_server,
    wait_for,
)
from forecasting import pipeline, warehouse
from forecasting.config import Settings
from forecasting.deployment import Deployment
from forecasting.standalone import DAG_ID, Airflow, free_port

pytestmark = pytest.mark.e2e

NIGHT = date(2026, 6, 10)
SITE = "north"
RUN = "on_celery"
PATIENCE = 600
"""Seconds that a night may take on a busy machine."""
IMPATIENT = {
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "20",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_SEC": "3",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
}
"""A task whose worker is silent for so long is given up; Airflow's default is 300 seconds."""


@dataclass(frozen=True)
class Night:
    """How the night ended, and where things are."""

    state: str
    tries: dict[str, int]
    """How often each task was begun."""
    workers: dict[str, Path]
    """The folder of each worker's machine."""
    cluster: Deployment

    def tasks_of(self, worker: str) -> set[str]:
        """The tasks that a worker began: those whose logs lie on its machine."""
        logs = (self.workers[worker] / "airflow" / "logs").glob(f"dag_id={DAG_ID}/run_id={RUN}/task_id=*")
        return {folder.name.removeprefix("task_id=") for folder in logs}


@pytest.fixture(scope="module")
def night(
    postgres_server: str, blank_mlflow: Path, tmp_path_factory: pytest.TempPathFactory, settings: Settings
) -> Iterator[Night]:
    """A night of one site; the worker that extracts it loses its power, and another takes its place."""
    folder = tmp_path_factory.mktemp("cluster")
    with ExitStack() as stack:
        databases = {
            name: new_database(postgres_server, f"cluster_{name}")
            for name in ("airflow", "source", "warehouse")
        }
        s3 = stack.enter_context(s3_server())
        mlflow = stack.enter_context(
            mlflow_server(folder / "mlflow", f"s3://{BUCKET}/mlflow", s3, blank_mlflow)
        )
        place = Deployment(
            config=CONFIG,
            var=folder / "nowhere",
            source_url=databases["source"],
            warehouse_url=databases["warehouse"],
            mlflow_url=mlflow,
            staging_url=f"s3://{BUCKET}/staging",
            pages_url=f"s3://{BUCKET}/pages",
            data_docs_url=f"s3://{BUCKET}/data_docs",
            training_queue="gpu",
        )
        told = place.model_dump(exclude={"var"})
        hospital = {f"HOSPITAL_{name.upper()}": str(value) for name, value in told.items()}
        redis = stack.enter_context(redis_server(folder / "redis"))
        shared = Shared(databases["airflow"], redis, free_port(0), {**hospital, **s3}, IMPATIENT)
        airflow = stack.enter_context(Machine(folder / "main", shared).serves_airflow())
        workers = {name: Machine(folder / name, shared) for name in ("first", "gpu", "second")}
        first = stack.enter_context(workers["first"].worker("default"))
        stack.enter_context(workers["gpu"].worker("gpu"))

        issued_at = settings.issued_at(NIGHT)
        start = issued_at - timedelta(days=settings.source.history_days)
        pipeline.simulate_source(place, start, issued_at, seed=5)
        pipeline.migrate(place)
        airflow.wait_until_ready(DAG_ID, lambda: True, PATIENCE)
        wait_for(lambda: httpx.get(f"{mlflow}/health").is_success, PATIENCE)
        airflow.trigger(DAG_ID, RUN, {"issue_date": str(NIGHT), "retrain": "never", "sites": SITE})
        wait_for(lambda: _task(airflow, "ingest.extract").get("state") == "running", PATIENCE)
        kill(first)
        stack.enter_context(workers["second"].worker("default"))
        wait_for(lambda: airflow.state(DAG_ID, RUN) in ("success", "failed"), PATIENCE)
        tries = {task["task_id"]: task["try_number"] for task in _tasks(airflow)}
        folders = {name: machine.folder for name, machine in workers.items()}
        with pytest.MonkeyPatch.context() as patch:
            for name, value in s3.items():
                patch.setenv(name, value)
            yield Night(airflow.state(DAG_ID, RUN), tries, folders, place)
    fsspec.get_filesystem_class("s3").clear_instance_cache()


def test_the_night_ends_whole_though_a_worker_was_killed(night: Night) -> None:
    assert night.state == "success"
    assert night.tries["ingest.extract"] == 2
    found = warehouse.find_night(warehouse.connect(night.cluster.warehouse), SITE, NIGHT)
    assert found is not None
    assert found.state == "published"


def test_the_rows_are_those_of_a_night_in_one_process_on_a_local_disk(night: Night, tmp_path: Path) -> None:
    alone = Deployment(config=CONFIG, var=tmp_path, source_url=night.cluster.source_url)
    pipeline.migrate(alone)
    pipeline.walk(alone, NIGHT, [SITE], RUN, "never")
    assert_same_rows(night.cluster, alone, NIGHT, [SITE])


def test_trainings_alone_run_where_the_gpu_is(night: Night) -> None:
    assert night.tasks_of("gpu") == {"train"}
    assert "ingest.extract" in night.tasks_of("first") & night.tasks_of("second")
    assert "plan.publish" in night.tasks_of("second")
    assert "train" not in night.tasks_of("first") | night.tasks_of("second")


def test_no_machine_keeps_anything_but_logs(night: Night) -> None:
    for folder in night.workers.values():
        assert list((folder / "var").rglob("*")) == []
    assert len(pipeline.pages(night.cluster, NIGHT)) == 1


def _tasks(airflow: Airflow) -> list[dict[str, Any]]:
    found = airflow._call("GET", f"dags/{DAG_ID}/dagRuns/{RUN}/taskInstances?limit=100")
    return list(found["task_instances"])


def _task(airflow: Airflow, task_id: str) -> dict[str, Any]:
    return next((task for task in _tasks(airflow) if task["task_id"] == task_id), {})
