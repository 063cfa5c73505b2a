"""A fresh interpreter for each measurement, watched from outside."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
SAMPLE_SECONDS = 0.5


@dataclass(frozen=True)
class Run:
    """What a process took."""

    seconds: float
    """From its start to its end, imports counted."""
    peak_gib: float
    """Largest sum of the proportional set sizes of it and its children, sampled twice a second."""


def watch(python: Path, module: str, *arguments: Path, threads: int) -> Run:
    """Run a module of this repository to its end.

    Args:
        python: the interpreter.
        module: its dotted name.
        arguments: for its command line.
        threads: that torch may use.

    Raises:
        subprocess.CalledProcessError: it failed; its standard error went to ours.
    """
    command = [str(python), "-m", module, *map(str, arguments)]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    peak = 0
    began = time.monotonic()
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=sys.stderr) as process:
        watched = psutil.Process(process.pid)
        while process.poll() is None:
            peak = max(peak, _size(watched))
            time.sleep(SAMPLE_SECONDS)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Run(time.monotonic() - began, peak / 2**30)


def _size(process: psutil.Process) -> int:
    """Proportional set size in bytes of a process and its children."""
    total = 0
    try:
        for member in (process, *process.children(recursive=True)):
            total += member.memory_full_info().pss
    except (psutil.AccessDenied, psutil.NoSuchProcess):
        pass  # It ended while it was looked at.
    return total
