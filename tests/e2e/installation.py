"""An installation in a folder of its own, and the servers that `forecasting up` keeps over it."""

from __future__ import annotations

import json
import os
import shutil
import socketserver
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

import psutil
from playwright.sync_api import Page, expect

from forecasting.deployment import Deployment

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "tests" / "hospital.toml"
LOAD_KEY = "open-sesame-8842"
"""A secret, to be found nowhere."""
NURSE_MANAGER = "maria"
"""A user of Airflow beside the admin, who may answer what she is asked and little more."""


class StatsD:
    """A StatsD server, which keeps every metric that it is sent."""

    def __init__(self) -> None:
        received: list[str] = []

        class Keeper(socketserver.DatagramRequestHandler):
            def handle(self) -> None:
                received.append(self.rfile.read().decode())

        self.received = received
        self._server = socketserver.UDPServer(("127.0.0.1", 0), Keeper)
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@dataclass(frozen=True)
class Installation:
    """A configuration, a folder and a port of its own, and the command that runs over them."""

    var: Path
    port: int
    metrics: StatsD

    @property
    def config(self) -> Path:
        """A copy of the tests' configuration, which a test may change for a while."""
        copy = self.var.parent / CONFIG.name
        if not copy.exists():
            shutil.copy(CONFIG, copy)
        return copy

    @property
    def place(self) -> Deployment:
        return Deployment(config=self.config, var=self.var)

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "HOSPITAL_CONFIG": str(self.config),
            "HOSPITAL_VAR": str(self.var),
            "HOSPITAL_LOAD_KEY": LOAD_KEY,
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"admin:admin,{NURSE_MANAGER}:user",
            "AIRFLOW__METRICS__STATSD_ON": "True",
            "AIRFLOW__METRICS__STATSD_HOST": "127.0.0.1",
            "AIRFLOW__METRICS__STATSD_PORT": str(self.metrics.port),
            "AIRFLOW__METRICS__STATSD_INFLUXDB_ENABLED": "True",
        }

    def password(self, user: str) -> str:
        """Of an Airflow user, once Airflow is up."""
        written = self.var / "airflow" / "simple_auth_manager_passwords.json.generated"
        return str(json.loads(written.read_text())[user])

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

    def sign_in(self, page: Page) -> None:
        page.goto(self.airflow)
        page.locator("input").first.fill(self.user)
        page.locator("input[type=password]").fill(self.password)
        page.get_by_role("button", name="Sign in").click()
        # Going on while the sign-in still leads elsewhere would break off either.
        expect(page.get_by_role("link", name="Dags").first).to_be_visible(timeout=60_000)
