"""What the demo's night costs, from an empty folder to the printed plan: seconds, and memory at its peak.

Installation is not counted; the simulation, Airflow's start and both trainings are. Memory is the sum of the
proportional set sizes of all processes, sampled every two seconds, so that what they share counts once.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.footprint import watch

LIMIT_SECONDS = 600.0
LIMIT_GIB = 4.0


@dataclass(frozen=True)
class Cost:
    """What one night took."""

    seconds: float
    peak_gib: float
    processes_at_peak: int

    @property
    def within(self) -> bool:
        """Whether both limits hold."""
        return self.seconds <= LIMIT_SECONDS and self.peak_gib <= LIMIT_GIB


def measure(var: Path) -> Cost:
    """Run the night over an empty folder and watch every process that it starts.

    Raises:
        subprocess.CalledProcessError: the night did not end well.
    """
    command = [sys.executable, "-m", "forecasting", "run", "--port", "8099"]
    began = time.monotonic()
    with subprocess.Popen(command, env={**os.environ, "HOSPITAL_VAR": str(var)}, stdout=sys.stderr) as night:
        peak = watch(lambda: night.poll() is not None, lambda: _of_this_night(var))
    if night.returncode:
        raise subprocess.CalledProcessError(night.returncode, command)
    return Cost(round(time.monotonic() - began, 1), peak.gib, peak.processes)


def _of_this_night(var: Path) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        with suppress(psutil.AccessDenied, psutil.NoSuchProcess):
            if process.environ().get("HOSPITAL_VAR") == str(var):
                yield process


def main() -> None:
    """Print a table, and exit with 1 where a limit is passed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures there too")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cost = measure(Path(folder) / "var")
    table = Table("", "measured", "limit")
    table.add_row("wall seconds", f"{cost.seconds:.0f}", f"{LIMIT_SECONDS:.0f}")
    table.add_row("peak memory, GiB", f"{cost.peak_gib:.2f}", f"{LIMIT_GIB:.2f}")
    table.add_row("processes at the peak", str(cost.processes_at_peak), "")
    table.add_row("processor cores", str(os.cpu_count()), "")
    Console().print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps({**asdict(cost), "cores": os.cpu_count()}) + "\n")
    bar = f"{LIMIT_SECONDS:.0f} s, {LIMIT_GIB:.0f} GiB"
    print(f"night: {cost.seconds:.0f} s, {cost.peak_gib:.2f} GiB ({bar})")
    sys.exit(0 if cost.within else 1)


if __name__ == "__main__":
    main()
