"""The house as its users run it: commands in processes of their own, a real Airflow, a real browser."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from forecasting.deployment import Deployment

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "tests" / "hospital.toml"


@dataclass(frozen=True)
class Installation:
    """A configuration, a folder of its own, and the command that runs over them."""

    var: Path

    @property
    def place(self) -> Deployment:
        return Deployment(config=CONFIG, var=self.var)

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "HOSPITAL_CONFIG": str(CONFIG), "HOSPITAL_VAR": str(self.var)}

    def forecasting(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "forecasting", *arguments]
        return subprocess.run(
            command,
            env=self.environment,
            cwd=self.var.parent,
            capture_output=True,
            text=True,
            check=False,
            timeout=800,
        )

    def processes(self) -> list[psutil.Process]:
        """Every process that was started over this folder."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("HOSPITAL_VAR") == str(self.var):
                    found.append(process)
            except (psutil.AccessDenied, psutil.NoSuchProcess):
                continue
        return found


@dataclass(frozen=True)
class Servers:
    """What ``forecasting up`` printed."""

    process: subprocess.Popen[str]
    airflow: str
    mlflow: str
    user: str
    password: str


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    made = Installation(tmp_path_factory.mktemp("installation") / "var")
    yield made
    for process in made.processes():
        process.kill()


@pytest.fixture(scope="session")
def first_run(installation: Installation) -> subprocess.CompletedProcess[str]:
    """What the first ``forecasting run`` on an empty folder printed."""
    done = installation.forecasting("run", "--port", "8090")
    logs = installation.var / "airflow" / "logs"
    assert done.returncode == 0, done.stdout + done.stderr + _last_logs(logs)
    return done


@pytest.fixture(scope="session")
def servers(installation: Installation, first_run: subprocess.CompletedProcess[str]) -> Iterator[Servers]:
    """Airflow and MLflow, as ``forecasting up`` keeps them."""
    command = [sys.executable, "-m", "forecasting", "up", "--port", "8091", "--mlflow-port", "5091"]
    process = subprocess.Popen(
        command, env=installation.environment, cwd=installation.var.parent, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    said = ""
    deadline = time.monotonic() + 240
    while "Ctrl-C" not in said and time.monotonic() < deadline:
        line = process.stdout.readline()
        assert line or process.poll() is None, f"`up` ended: {said}"
        said += line
    airflow = re.search(r"Airflow\s+(\S+)\s+login (\S+) / (\S+)", said)
    mlflow = re.search(r"MLflow\s+(\S+)", said)
    assert airflow, said
    assert mlflow, said
    yield Servers(process, airflow[1], mlflow[1], airflow[2], airflow[3])
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's path."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert found, "no Chromium: install Debian's package chromium"
    return found


def _last_logs(folder: Path) -> str:
    files = sorted(folder.rglob("*.log"), key=lambda path: path.stat().st_mtime)[-3:]
    return "\n".join(f"--- {path}\n{path.read_text()[-3000:]}" for path in files)
