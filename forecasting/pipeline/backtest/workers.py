"""The parts of a backtest, forecast by processes side by side; which one takes which changes no number."""

from __future__ import annotations

import logging
import multiprocessing as mp
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import structlog

from forecasting.pipeline.backtest.folder import BacktestFolder
from forecasting.pipeline.backtest.protocol import Part

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

Progress = Callable[[str, int, int], None]
"""Told (what ended, how many have, of how many)."""


def forecast_parts(root: Path, parts: Sequence[Part], jobs: int, told: Progress | None = None) -> None:
    """Forecast the parts that are not there yet, each in a process with one thread.

    A part is written whole or not at all: what is cut off here goes on where it was, the next time.
    """
    folder = BacktestFolder(root)
    missing = [part for part in parts if not folder.has(part)]
    if told:
        told("parts", len(parts) - len(missing), len(parts))
    if not missing:
        return
    # Spawned, not forked: CUDA can't be used again after a fork, and threads are counted at import.
    with (
        _one_thread_each(),
        ProcessPoolExecutor(
            min(jobs, len(missing)), mp_context=mp.get_context("spawn"), initializer=_begin_work
        ) as pool,
    ):
        work = {pool.submit(_forecast_part, root, part): part for part in missing}
        try:
            for done, future in enumerate(as_completed(work), len(parts) - len(missing) + 1):
                future.result()
                if told:
                    told(f"{work[future].target.value} {work[future].contender.name}", done, len(parts))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for worker in mp.active_children():
                worker.terminate()
            raise


def _forecast_part(root: Path, part: Part) -> None:
    from forecasting.pipeline.backtest.flows import flows_at
    from forecasting.pipeline.backtest.rolling import rolling_forecast

    folder = BacktestFolder(root)
    settings = folder.settings
    sites = [settings.site(site_id) for site_id in folder.protocol.site_ids]
    rolled = rolling_forecast(
        folder.versions,
        part,
        settings,
        sites,
        folder.scratch(part),
        partial(flows_at, folder),
        folder.weather,
    )
    if rolled.interpretation:
        folder.write_interpretation(part, rolled.interpretation)
    folder.write_part(part, rolled.forecast)


def _begin_work() -> None:
    """A worker says what went wrong and no more, and ends when whoever started it does."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            # Its tracebacks show no local variables, which hold URLs.
            structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )

    def wait() -> None:
        parent = mp.parent_process()
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


@contextmanager
def _one_thread_each() -> Iterator[None]:
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
