"""pytorch-forecasting's ``predict`` from a long data frame, as its tutorial calls it."""

from __future__ import annotations

import logging
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from lightning.pytorch.profilers import SimpleProfiler
from pytorch_forecasting import TimeSeriesDataSet

from benchmarks.contenders.prediction_job import (
    NETWORK_FILE,
    ROWS_FILE,
    Prediction,
    PredictionJob,
    read_prediction_job,
    write_prediction,
)

PARTS = {
    "loader": "[_PredictionLoop].predict_next",
    "forward": "Strategy.predict_step",
    "callback": "[Callback]PredictCallback",
}
"""What the names under which Lightning's profiler keeps them have in them."""


def predict(job: PredictionJob, folder: Path) -> Prediction:
    """Forecast every series; ``predict(rows)`` in its two steps, so that the first can be timed apart."""
    network = torch.load(folder / NETWORK_FILE, weights_only=False)
    profiler = SimpleProfiler()
    began = time.perf_counter()
    rows = pd.read_parquet(folder / ROWS_FILE).fillna({"count": 0.0})
    data = TimeSeriesDataSet.from_parameters(network.dataset_parameters, rows, predict=True)
    built = time.perf_counter()
    # Without a logger and a trainer that speaks, as is kind to it.
    trainer = {"accelerator": "cpu", "logger": False, "enable_model_summary": False, "profiler": profiler}
    quantiles = network.predict(data, mode="quantiles", trainer_kwargs=trainer)
    ended = time.perf_counter()
    parts = {"dataset": built - began} | {name: _seconds(profiler, key) for name, key in PARTS.items()}
    parts["rest"] = ended - began - sum(parts.values())
    expected = (job.series, job.lead_hours, len(job.levels))
    if quantiles.shape != expected:
        raise RuntimeError(f"forecast {tuple(quantiles.shape)}, not {expected}")
    return Prediction(ended - began, parts, float(quantiles[..., len(job.levels) // 2].mean()))


def _seconds(profiler: Any, key: str) -> float:
    durations = [sum(spent) for name, spent in profiler.recorded_durations.items() if key in name]
    if not durations:
        raise KeyError(f"{key}: not among {sorted(profiler.recorded_durations)}")
    return float(sum(durations))


if __name__ == "__main__":
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore")
    path = Path(sys.argv[1])
    write_prediction(predict(read_prediction_job(path), path), path)
