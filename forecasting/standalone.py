"""Airflow and MLflow on one machine, started together, asked over their own addresses, and stopped whole."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import psutil

from forecasting.deployment import Deployment

ROOT = Path(__file__).resolve().parent.parent
DAG_ID = "hospital_nightly"
PRELOADED = (
    "airflow.dag_processing.dagbag",
    "airflow.providers.smtp.notifications.smtp",
    "airflow.providers.standard.operators.bash",
    "airflow.providers.standard.operators.hitl",
    "airflow.sdk.execution_time.task_runner",
    "forecasting.pipeline.preloaded",
)
"""What tasks import, for the process that they are forked from; a name that there is not is passed over."""
ENDED = frozenset({"success", "failed", "skipped", "upstream_failed", "removed"})
SIMPLE_AUTH_MANAGER = "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager"
STOP_SECONDS = 20
# On a busy machine Airflow answers late, and a run that goes on must not be given up for that.
ANSWER_SECONDS = 120


class StandaloneError(RuntimeError):
    """A server did not start, or refused what it was asked."""


@dataclass(frozen=True)
class TaskState:
    """How one task of a run stands."""

    name: str
    state: str | None
    seconds: float | None
    tries: int = 1
    """How often it was begun; 0 of one that was skipped without."""

    @property
    def ended(self) -> bool:
        """Whether it will change no more."""
        return self.state in ENDED


@dataclass(frozen=True)
class Airflow:
    """A running Airflow and its login."""

    url: str
    user: str
    password: str

    def wait_until_ready(self, dag_id: str, alive: Callable[[], bool], timeout: float = 300) -> None:
        """Return once the scheduler beats and the DAG is parsed.

        Raises:
            StandaloneError: it died, a DAG can't be imported, or it took too long.
        """
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if not alive():
                raise StandaloneError("Airflow ended while starting")
            with suppress(httpx.TransportError, httpx.HTTPStatusError):
                health = httpx.get(f"{self.url}/api/v2/monitor/health", timeout=10).json()
                if health["scheduler"]["status"] == "healthy":
                    self._refuse_import_errors()
                    self._call("GET", f"dags/{dag_id}")
                    return
            time.sleep(0.5)
        raise StandaloneError(f"Airflow at {self.url} was not ready after {timeout:.0f} s")

    def trigger(self, dag_id: str, run_id: str, params: Mapping[str, object]) -> None:
        """Start a run of the DAG with these params."""
        body = {"dag_run_id": run_id, "logical_date": None, "conf": dict(params)}
        self._call("POST", f"dags/{dag_id}/dagRuns", body)

    def state(self, dag_id: str, run_id: str) -> str:
        """The state of a run: queued, running, success, failed."""
        return str(self._call("GET", f"dags/{dag_id}/dagRuns/{run_id}")["state"])

    def tasks(self, dag_id: str, run_id: str) -> list[TaskState]:
        """Every task of a run, mapped ones by their readable index."""
        address = f"dags/{dag_id}/dagRuns/{run_id}/taskInstances?order_by=id"
        found: list[dict[str, Any]] = []
        while True:
            # Airflow gives no more at a time than its setting maximum_page_limit says.
            page = self._call("GET", f"{address}&limit=1000&offset={len(found)}")
            found += page["task_instances"]
            if not page["task_instances"] or len(found) >= page["total_entries"]:
                break
        return [
            TaskState(
                f"{task['task_id']} [{task['rendered_map_index']}]"
                if task.get("rendered_map_index")
                else task["task_id"],
                task["state"],
                task["duration"],
                task["try_number"],
            )
            for task in found
        ]

    def run_address(self, dag_id: str, run_id: str) -> str:
        """The page of a run."""
        return f"{self.url}/dags/{dag_id}/runs/{run_id}"

    @cached_property
    def _token(self) -> str:
        login = {"username": self.user, "password": self.password}
        answer = httpx.post(f"{self.url}/auth/token", json=login, timeout=ANSWER_SECONDS).raise_for_status()
        return str(answer.json()["access_token"])

    def _refuse_import_errors(self) -> None:
        errors = self._call("GET", "importErrors")["import_errors"]
        if errors:
            raise StandaloneError(
                "\n".join(f"{error['filename']}: {error['stack_trace']}" for error in errors)
            )

    def _call(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:
        answer = httpx.request(
            method,
            f"{self.url}/api/v2/{path}",
            json=body,
            headers={"Authorization": f"Bearer {self._token}"},
            timeout=ANSWER_SECONDS,
        )
        if answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY:
            raise StandaloneError(f"Airflow refused {path}: {answer.text}")
        return answer.raise_for_status().json()


@contextmanager
def airflow(place: Deployment, port: int, settings: Mapping[str, str] | None = None) -> Iterator[Airflow]:
    """An Airflow with this project's DAGs, on embedded defaults, for as long as the block lasts.

    One that already runs over the same folder is used as it is, and left running.

    Args:
        place: whose folder it runs over.
        port: where it listens.
        settings: variables that say otherwise than the defaults and the environment.
    """
    card = place.var.absolute() / "airflow" / "standalone.json"
    standing = _standing(card)
    if standing is not None:
        yield standing
        return
    environment = {**airflow_environment(place, port), **(settings or {})}
    components = [sys.executable, "-m", "forecasting.components"]
    with running(components, environment, card.parent / "standalone.log") as process:
        password = _password(card.parent, process)
        server = Airflow(f"http://localhost:{port}", "admin", password)
        server.wait_until_ready(DAG_ID, lambda: process.poll() is None)
        card.write_text(json.dumps({**asdict(server), "pid": process.pid}))
        try:
            yield server
        finally:
            card.unlink(missing_ok=True)


@contextmanager
def mlflow_ui(place: Deployment, port: int) -> Iterator[str]:
    """The MLflow pages over this installation's runs, for as long as the block lasts; gives their address."""
    command = [
        *("mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
        *("--backend-store-uri", place.mlflow, "--default-artifact-root", place.artifacts),
    ]
    environment = {**os.environ, "PATH": _path(), "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
    url = f"http://localhost:{port}"
    with running(command, environment, place.var.absolute() / "mlflow.log") as process:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise StandaloneError(f"MLflow ended while starting; see {place.var / 'mlflow.log'}")
            with suppress(httpx.TransportError):
                if httpx.get(f"{url}/health", timeout=5).is_success:
                    yield url
                    return
            time.sleep(0.5)
        raise StandaloneError(f"MLflow at {url} was not ready after 120 s")


def airflow_environment(place: Deployment, port: int) -> dict[str, str]:
    """The environment in which Airflow runs this project's DAGs over the folder ``place.var``."""
    home = place.var.absolute() / "airflow"
    home.mkdir(parents=True, exist_ok=True)
    defaults = {
        "AIRFLOW__CORE__PARALLELISM": str(max(2, os.cpu_count() or 2)),
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        # Each look at a DAG file is a second of a processor, and what it reads hardly ever changes.
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "120",
        "AIRFLOW__SCHEDULER__MP_START_METHOD": "forkserver",
        "AIRFLOW__SCHEDULER__MP_FORKSERVER_PRELOAD": ",".join(PRELOADED),
        "AIRFLOW__API__WORKERS": "1",
        # So soon a scheduler looks for tasks of one that died; by itself Airflow takes five minutes.
        "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "30",
        # A task whose API server is busy waits; after Airflow's own 5 seconds it would fail before it began.
        "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "60",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    }
    return {
        **defaults,
        **os.environ,
        "PATH": _path(),
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__AUTH_MANAGER": SIMPLE_AUTH_MANAGER,
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://localhost:{port}/execution/",
        "AIRFLOW__API__BASE_URL": f"http://localhost:{port}",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "HOSPITAL_CONFIG": str(place.config.absolute()),
        "HOSPITAL_VAR": str(place.var.absolute()),
        "HOSPITAL_MLFLOW_PAGES_URL": place.mlflow_pages,
    }


@contextmanager
def running(
    command: list[str], environment: Mapping[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """A server and all that it starts, for as long as the block lasts; what they say goes to ``log``."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as sink:
        process = subprocess.Popen(  # noqa: S603 - the command is ours
            command,
            env=dict(environment),
            stdout=sink,
            stderr=sink,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        stop_whole(process)


def free_port(wanted: int) -> int:
    """The wanted port if nobody listens there, else any free one."""
    for port in (wanted, 0):
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise StandaloneError("no free port on 127.0.0.1")


def stop_whole(process: subprocess.Popen[bytes]) -> None:
    """End a server and all that it started; what doesn't end by itself is killed."""
    # Airflow's children outlive their parent, and some lead process groups and sessions of their own.
    family = _family(process.pid)
    sessions = {process.pid, *_sessions(family)}
    for member in family:
        with suppress(psutil.NoSuchProcess):
            member.send_signal(signal.SIGTERM)
    _, alive = psutil.wait_procs(family, timeout=STOP_SECONDS)
    for member in [*alive, *members(sessions)]:
        with suppress(psutil.NoSuchProcess):
            member.kill()
    process.wait()


def members(sessions: Collection[int]) -> list[psutil.Process]:
    """Every process of these sessions, which are named by the process that began each."""
    found = []
    for process in psutil.process_iter():
        with suppress(ProcessLookupError, PermissionError):
            if os.getsid(process.pid) in sessions:
                found.append(process)
    return found


def _family(pid: int) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    return []


def _sessions(processes: Iterable[psutil.Process]) -> Iterator[int]:
    for process in processes:
        with suppress(ProcessLookupError):
            yield os.getsid(process.pid)


def _standing(card: Path) -> Airflow | None:
    if not card.exists():
        return None
    written = json.loads(card.read_text())
    if not psutil.pid_exists(written.pop("pid")):
        return None
    server = Airflow(**written)
    with suppress(httpx.TransportError):
        if httpx.get(f"{server.url}/api/v2/monitor/health", timeout=10).is_success:
            return server
    return None


def _password(home: Path, process: subprocess.Popen[bytes], timeout: float = 120) -> str:
    written = home / "simple_auth_manager_passwords.json.generated"
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        with suppress(FileNotFoundError, json.JSONDecodeError, KeyError):
            return str(json.loads(written.read_text())["admin"])
        if process.poll() is not None:
            break
        time.sleep(0.2)
    raise StandaloneError(f"Airflow did not start; see {home / 'standalone.log'}")


def _path() -> str:
    # The servers' commands lie beside this interpreter, which may not be on the caller's PATH.
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
