"""This project's forecasts: from the panels of some sites to the rows of the forecast table, streamed.

As in the nightly run, where every site is a task of its own, each core has a process that takes the next
panel when it has forecast one. The clock starts when all of them have read the model.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from threading import BrokenBarrierError
from typing import Any

import pandas as pd
import torch

from benchmarks.contenders.prediction_job import (
    ISSUED_AT,
    MODEL_FOLDER,
    PANEL_FOLDER,
    Prediction,
    PredictionJob,
    read_prediction_job,
    write_prediction,
)
from forecasting.models.tft import load
from forecasting.models.tft.hours import COLUMNS
from forecasting.schema import FORECAST
from forecasting.staging import Stage

STARTING_SECONDS = 120.0


def predict(job: PredictionJob, folder: Path) -> Prediction:
    """Forecast every series."""
    processes = os.cpu_count() or 1
    context = get_context("spawn")
    ready = context.Barrier(processes + 1)
    with ProcessPoolExecutor(processes, context, _begin, (folder, ready)) as pool:
        files = sorted((folder / PANEL_FOLDER).iterdir())
        waiting = [pool.submit(_wait) for _ in range(processes)]
        ready.wait(STARTING_SECONDS)
        began = time.perf_counter()
        written = list(pool.map(_forecast, files))
        seconds = time.perf_counter() - began
        for one in waiting:
            one.result()
    rows = sum(part["rows"] for part in written)
    expected = job.series * job.lead_hours * len(job.levels)
    if rows != expected:
        raise RuntimeError(f"{rows} rows of the forecast were written, not {expected}")
    reading = sum(part["reading"] for part in written) / processes
    medians = sum(part["medians"] for part in written) / (job.series * job.lead_hours)
    parts = {"reading": reading, "forecast and writing": seconds - reading}
    return Prediction(seconds, parts, medians)


_process: dict[str, Any] = {}


def _begin(folder: Path, ready: Any) -> None:
    torch.set_num_threads(1)
    _process.update(folder=folder, model=load(folder / MODEL_FOLDER), ready=ready)


def _wait() -> None:
    """One for each process: none takes a second before all have had their first."""
    try:
        _process["ready"].wait(STARTING_SECONDS)
    except BrokenBarrierError:
        raise RuntimeError(f"not all processes started in {STARTING_SECONDS:.0f} s") from None


def _forecast(file: Path) -> dict[str, float]:
    """Forecast a file of panels into a staged file of its own; how many rows, and the sum of the medians."""
    issued_at = datetime.fromisoformat(ISSUED_AT)
    reading = _Clock()
    panels = reading.timed(pd.read_parquet(name, columns=list(COLUMNS)) for name in [file])
    stage = Stage(_process["folder"].as_uri(), issued_at.astimezone(UTC).date(), file.stem)
    medians = _Medians()
    rows = stage.write_stream(FORECAST, medians.seen(_process["model"].stream(panels, issued_at)))
    return {"rows": rows, "reading": reading.seconds, "medians": medians.sum}


class _Clock:
    """How long an iterator takes to give what it gives."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def timed(self, frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        while True:
            began = time.perf_counter()
            frame = next(frames, None)
            self.seconds += time.perf_counter() - began
            if frame is None:
                return
            yield frame


class _Medians:
    """The sum of the medians that pass by."""

    def __init__(self) -> None:
        self.sum = 0.0

    def seen(self, frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for frame in frames:
            self.sum += float(frame.loc[frame["quantile"] == 0.5, "value"].sum())
            yield frame


if __name__ == "__main__":
    path = Path(sys.argv[1])
    write_prediction(predict(read_prediction_job(path), path), path)
