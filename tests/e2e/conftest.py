"""The house as its users run it: commands in processes of their own, a real Airflow, a real browser."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e.installation import Installation, Servers, StatsD
from playwright.sync_api import Browser, Page, expect, sync_playwright

from forecasting.standalone import free_port

PATIENCE = 120_000
"""Milliseconds a page has: its servers share the processors with other tests."""


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    made = Installation(tmp_path_factory.mktemp("installation") / "var", free_port(0), StatsD())
    yield made
    made.metrics.stop()
    for process in made.processes():
        process.kill()


@pytest.fixture(scope="session")
def first_run(installation: Installation) -> subprocess.CompletedProcess[str]:
    """What the first ``forecasting run`` on an empty folder printed."""
    done = installation.forecasting("run", "--port", str(installation.port))
    logs = installation.var / "airflow" / "logs"
    assert done.returncode == 0, done.stdout + done.stderr + _last_logs(logs)
    return done


@pytest.fixture(scope="session")
def servers(installation: Installation, first_run: subprocess.CompletedProcess[str]) -> Iterator[Servers]:
    """Airflow and MLflow, as ``forecasting up`` keeps them."""
    ports = ["--port", str(free_port(0)), "--mlflow-port", str(free_port(0))]
    command = [sys.executable, "-m", "forecasting", "up", *ports]
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
    mlflow = re.search(r"MLflow\s+(http\S+)", said)
    assert airflow, said
    assert mlflow, said
    yield Servers(process, airflow[1], mlflow[1], airflow[2], airflow[3])
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=180)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's path."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert found, "no Chromium: install Debian's package chromium"
    return found


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-quic"],
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    """A page that nobody has signed in on."""
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.context.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    yield page
    page.close()


def _last_logs(folder: Path) -> str:
    files = sorted(folder.rglob("*.log"), key=lambda path: path.stat().st_mtime)[-3:]
    return "\n".join(f"--- {path}\n{path.read_text()[-3000:]}" for path in files)
