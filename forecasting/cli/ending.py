"""How a command ends: with its exit code, and in words where a person can mend it."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from rich.console import Console

from forecasting import outcome, standalone
from forecasting.cli.app import console
from forecasting.config import ConfigError
from forecasting.load import LoadRefused
from forecasting.simulate import SourceInUseError
from forecasting.warehouse import WarehouseError

SKIPPED = 99
"""The exit code by which Airflow's bash operator marks its task skipped."""

INTERRUPTED = 130
"""The exit code of a command that Ctrl-C ended before its work was done, as shells have it."""

REFUSED = 2
"""The exit code where what was asked makes no sense, as of an option that does not exist."""

MENDABLE = (
    ConfigError,
    LoadRefused,
    SourceInUseError,
    WarehouseError,
    outcome.SiteBlocked,
    outcome.SourceLost,
    outcome.NightIncomplete,
    outcome.NightNotCome,
    outcome.NothingToDecide,
    outcome.PlanReplaced,
    standalone.StandaloneError,
)
"""What a person can mend by what the message says."""


@contextmanager
def plain_errors() -> Iterator[None]:
    """Say what a person can mend in words; a fault of ours keeps its traceback."""
    try:
        yield
    except (outcome.BacktestRefused, outcome.WhatIfRefused, outcome.MonitorRefused) as error:
        _fail(error, REFUSED)
    except MENDABLE as error:
        _fail(error)


def _fail(error: Exception, code: int = 1) -> None:
    Console(stderr=True, highlight=False).print(f"[red]{type(error).__name__}[/]: ", end="")
    print(error, file=sys.stderr)
    raise typer.Exit(code) from error


@contextmanager
def ended_by_signal(code: int) -> Iterator[None]:
    """Let Ctrl-C, a closed terminal and a polite kill end the servers too, and then exit with the code."""

    def end(*_: Any) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)
    try:
        yield
    except KeyboardInterrupt:
        console.print("stopped")
        raise typer.Exit(code) from None
