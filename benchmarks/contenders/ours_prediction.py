"""This project's forecasts: from the panels of some sites to the rows of the forecast table, streamed."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

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
from forecasting.schema import FORECAST
from forecasting.staging import Stage


def predict(job: PredictionJob, folder: Path) -> Prediction:
    """Forecast every series, a file of panels after the other."""
    model = load(folder / MODEL_FOLDER)
    issued_at = datetime.fromisoformat(ISSUED_AT)
    reading = _Clock()
    began = time.perf_counter()
    panels = reading.timed(pd.read_parquet(file) for file in sorted((folder / PANEL_FOLDER).iterdir()))
    stage = Stage(folder.as_uri(), issued_at.astimezone(UTC).date())
    medians = _Medians()
    rows = stage.write_stream(FORECAST, medians.seen(model.stream(panels, issued_at)))
    seconds = time.perf_counter() - began
    expected = job.series * job.lead_hours * len(job.levels)
    if rows != expected:
        raise RuntimeError(f"{rows} rows of the forecast were written, not {expected}")
    parts = {"reading": reading.seconds, "forecast and writing": seconds - reading.seconds}
    return Prediction(seconds, parts, medians.mean)


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
    """The mean of the medians that pass by."""

    def __init__(self) -> None:
        self._sum = 0.0
        self._count = 0

    def seen(self, frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for frame in frames:
            medians = frame.loc[frame["quantile"] == 0.5, "value"]
            self._sum += float(medians.sum())
            self._count += len(medians)
            yield frame

    @property
    def mean(self) -> float:
        return self._sum / self._count


if __name__ == "__main__":
    path = Path(sys.argv[1])
    write_prediction(predict(read_prediction_job(path), path), path)
