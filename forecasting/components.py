"""Airflow's components on one machine, each begun again when it ends; run as a process of its own.

``airflow standalone`` would leave its nights without a scheduler when that is killed.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn
from uuid import uuid4

import psutil

from forecasting.standalone import members

COMMANDS = (
    ("airflow", "api-server"),
    ("airflow", "scheduler"),
    ("airflow", "dag-processor"),
    ("airflow", "triggerer"),
)
MARK = "HOSPITAL_COMPONENT"
"""Variable by which everything that a component started is known; each start has a value of its own."""


@dataclass(frozen=True)
class Component:
    """A server that should be up, and the process that is it now."""

    command: Sequence[str]
    mark: str
    process: subprocess.Popen[bytes]

    @classmethod
    def begin(cls, command: Sequence[str]) -> Component:
        """Start it, in a session of its own."""
        mark = uuid4().hex
        environment = {**os.environ, MARK: mark}
        process = subprocess.Popen(command, env=environment, start_new_session=True)  # noqa: S603 - ours
        return cls(command, mark, process)

    def end_what_it_left(self) -> None:
        """Kill what it started and is still there."""
        # Airflow hides the environment of its workers from us, and begins trainings in sessions of their own.
        for process in [*members({self.process.pid}), *_marked(self.mark)]:
            with suppress(psutil.NoSuchProcess):
                process.kill()


def keep(commands: Sequence[Sequence[str]], pause: float = 2.0) -> NoReturn:
    """Run the commands, and begin one again that ended; for as long as this process lives.

    What one left running is killed first: a dead scheduler's tasks, which the next one begins anew, would
    run on beside their second try, and its idle workers for ever.

    Args:
        commands: one a component.
        pause: seconds from one look at who has ended to the next.
    """
    components = [Component.begin(command) for command in commands]
    while True:
        time.sleep(pause)
        for place, component in enumerate(components):
            if component.process.poll() is not None:
                said = f"{shlex.join(component.command)} ended with {component.process.returncode}"
                print(f"{said} and is begun again", flush=True)
                component.end_what_it_left()
                components[place] = Component.begin(component.command)


def _marked(mark: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            if process.environ().get(MARK) == mark:
                found.append(process)
    return found


if __name__ == "__main__":
    subprocess.run(("airflow", "db", "migrate"), check=True)  # noqa: S607 - as found on our PATH
    keep(COMMANDS)
