"""Components that end are begun again, and leave nobody behind."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from forecasting import standalone

pytestmark = pytest.mark.integration

KEEP = "import sys; from forecasting.components import keep; keep([sys.argv[1:]], pause=0.1)"
# A server whose worker shares its session, and whose training has one of its own, as Airflow's do.
SERVER = """
import subprocess, sys, time
sleeping = [sys.executable, "-c", "import time; time.sleep(600)"]
worker, training = subprocess.Popen(sleeping), subprocess.Popen(sleeping, start_new_session=True)
with open(sys.argv[1], "a") as pids:
    print(worker.pid, training.pid, file=pids)
time.sleep(600)
"""


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that keeps one server."""
    command = [sys.executable, "-c", KEEP, sys.executable, "-c", SERVER, str(tmp_path / "pids")]
    with standalone.running(command, os.environ, tmp_path / "log") as process:
        yield process


def test_a_server_that_is_killed_is_begun_again_and_what_it_left_is_ended(
    kept: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    (first,) = _started(tmp_path, 1)
    _server(kept).kill()
    _, second = _started(tmp_path, 2)
    assert [_runs(pid) for pid in first] == [False, False]
    assert [_runs(pid) for pid in second] == [True, True]
    assert "ended with -9 and is begun again" in (tmp_path / "log").read_text()


def test_stopping_it_ends_all_of_it(kept: subprocess.Popen[bytes], tmp_path: Path) -> None:
    (started,) = _started(tmp_path, 1)
    server = _server(kept).pid
    standalone.stop_whole(kept)
    assert [_runs(pid) for pid in (kept.pid, server, *started)] == [False] * 4


def _started(folder: Path, starts: int) -> list[list[int]]:
    """What the server started, each time it began; waits until that is so often."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        pids = folder / "pids"
        lines = pids.read_text().splitlines() if pids.exists() else []
        if len(lines) >= starts:
            return [[int(pid) for pid in line.split()] for line in lines]
        time.sleep(0.05)
    raise TimeoutError(f"the server did not begin {starts} times")


def _server(kept: subprocess.Popen[bytes]) -> psutil.Process:
    (server,) = psutil.Process(kept.pid).children()
    return server


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
