"""The command and how it speaks."""

from __future__ import annotations

import sys
from typing import TextIO

import structlog
import typer
from rich.console import Console
from structlog.tracebacks import ExceptionDictTransformer

from forecasting.deployment import Deployment

JSON_LINES: list[structlog.typing.Processor] = [
    structlog.processors.TimeStamper(fmt="iso"),
    structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
    structlog.processors.JSONRenderer(default=str),
]

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

console = Console(width=None if sys.stdout.isatty() else 120, highlight=False)


@app.callback()
def main() -> None:
    """Hospital operations forecasting: from ER arrivals and bed census to the staffing they ask for."""
    log_to(sys.stderr)


def log_to(sink: TextIO) -> None:
    """Write what is logged from now on to ``sink``; tracebacks without local variables, which hold URLs."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            *(JSON_LINES if Deployment().json_logs else _plain_lines(sink)),
        ],
        logger_factory=structlog.PrintLoggerFactory(sink),
    )


def _plain_lines(sink: TextIO) -> list[structlog.typing.Processor]:
    return [
        structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False),
        structlog.dev.ConsoleRenderer(
            colors=sink.isatty(), exception_formatter=structlog.dev.plain_traceback
        ),
    ]
