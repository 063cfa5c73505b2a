"""Makes what a prediction starts from: rows to forecast from, and a network that fits them."""

from __future__ import annotations

import logging
import sys
import warnings
from pathlib import Path

import lightning.pytorch as pl
import numpy as np
import torch

from benchmarks.contenders.job import Job
from benchmarks.contenders.panel import long_frame, panel_of
from benchmarks.contenders.prediction_job import (
    NETWORK_FILE,
    ROWS_FILE,
    PredictionJob,
    read_prediction_job,
)
from benchmarks.contenders.stock import build, training_set


def set_up(job: PredictionJob, folder: Path) -> None:
    """Write both into the folder. The network is untrained: what it has learned doesn't change its speed."""
    history = max(job.history_hours, job.encoder_hours + job.lead_hours)
    training = Job(
        device="cpu",
        series=job.series,
        train_hours=history,
        held_out_hours=job.lead_hours,
        encoder_hours=job.encoder_hours,
        lead_hours=job.lead_hours,
        hidden_size=job.hidden_size,
        hidden_continuous_size=job.hidden_continuous_size,
        attention_heads=job.attention_heads,
        batch_size=1,
        steps=1,
        warm_up_steps=1,
        snapshots=1,
        levels=job.levels,
        seed=job.seed,
    )
    panel = panel_of(training)
    pl.seed_everything(job.seed, verbose=False)
    torch.save(build(training_set(panel, training), training), folder / NETWORK_FILE)
    rows = long_frame(panel)
    rows.loc[rows["hour"] >= history, "count"] = np.float32("nan")
    rows[rows["hour"] >= history - job.history_hours].to_parquet(folder / ROWS_FILE, index=False)


if __name__ == "__main__":
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore")
    path = Path(sys.argv[1])
    set_up(read_prediction_job(path), path)
