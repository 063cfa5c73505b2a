"""pytorch-forecasting as its tutorial trains it: its loader, its network, Lightning's trainer."""

from __future__ import annotations

import logging
import os
import tempfile
import time
import warnings
from importlib.metadata import version
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from pytorch_forecasting import TemporalFusionTransformer, TimeSeriesDataSet
from pytorch_forecasting.data import GroupNormalizer
from pytorch_forecasting.metrics import QuantileLoss

from benchmarks.contenders.job import Curve, Job, work
from benchmarks.contenders.panel import KNOWN, STATIC, Panel, held_out, long_frame, panel_of
from benchmarks.contenders.panel import weighted_quantile_loss as wql
from benchmarks.contenders.recorder import Recorder

TRIAL_WARM_UP = 2
TRIAL_STEPS = 6
SCORING_BATCH = 256


def train(job: Job) -> Curve:
    """Train with the number of loader workers that a short trial finds the fastest."""
    panel = panel_of(job)
    data = training_set(panel, job)
    rates = {workers: _trial(data, job, workers) for workers in _worker_counts()}
    workers = max(rates, key=lambda count: rates[count])

    pl.seed_everything(job.seed, verbose=False)
    network = build(data, job)
    recorder = Recorder(job, network)
    _fit(network, data, job, workers, job.steps, _Clock(recorder))
    network.to(job.device).eval()
    windows = held_out_set(data, panel, job)
    outcomes = held_out(panel.counts, job)
    return recorder.curve(
        lambda: wql(outcomes, forecast(network, windows, job), job.levels),
        {
            "version": f"pytorch-forecasting {version('pytorch-forecasting')}",
            "num_workers": str(workers),
            "trial windows/s": ", ".join(f"{count}: {rate:.0f}" for count, rate in rates.items()),
            "parameters": str(sum(weights.numel() for weights in network.parameters())),
        },
    )


def training_set(panel: Panel, job: Job) -> Any:
    """Every whole window of the hours that may be learned from."""
    frame = long_frame(panel)
    return TimeSeriesDataSet(
        frame[frame["hour"] < job.train_hours],
        time_idx="hour",
        target="count",
        group_ids=["series"],
        min_encoder_length=job.encoder_hours,
        max_encoder_length=job.encoder_hours,
        min_prediction_length=job.lead_hours,
        max_prediction_length=job.lead_hours,
        static_categoricals=list(STATIC),
        time_varying_known_reals=list(KNOWN),
        time_varying_unknown_reals=["count"],
        target_normalizer=GroupNormalizer(groups=["series"], transformation="softplus"),
        add_relative_time_idx=True,
        add_target_scales=True,
    )


def build(data: Any, job: Job) -> Any:
    """The network of the job's size."""
    return TemporalFusionTransformer.from_dataset(
        data,
        learning_rate=job.learning_rate,
        hidden_size=job.hidden_size,
        hidden_continuous_size=job.hidden_continuous_size,
        attention_head_size=job.attention_heads,
        dropout=job.dropout,
        loss=QuantileLoss(list(job.levels)),
    )


def held_out_set(data: Any, panel: Panel, job: Job) -> Any:
    """The held-out windows, encoded as the training's are."""
    first = job.train_hours - job.encoder_hours
    frame = long_frame(panel)
    later = TimeSeriesDataSet.from_dataset(data, frame[frame["hour"] >= first], stop_randomization=True)
    return later.filter(lambda index: index["time_idx_first_prediction"].isin(job.origins))


def forecast(network: Any, windows: Any, job: Job) -> np.ndarray:
    """Quantiles of each held-out window (series, origins, lead_hours, levels)."""
    place = {origin: number for number, origin in enumerate(job.origins)}
    shape = (job.series, len(job.origins), job.lead_hours, len(job.levels))
    forecasts = np.full(shape, np.nan)
    with torch.no_grad():
        for x, _ in windows.to_dataloader(train=False, batch_size=SCORING_BATCH):
            index = windows.x_to_index(x)
            moved = {name: value.to(job.device) for name, value in x.items()}
            series = index["series"].astype(int).to_numpy()
            origin = index["hour"].map(place).to_numpy()
            forecasts[series, origin] = network(moved)["prediction"].cpu().numpy()
    return forecasts


class _Clock(pl.Callback):
    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.recorder.start()

    def on_train_batch_end(self, *_: Any) -> None:
        self.recorder.step_done()


def _fit(network: Any, data: Any, job: Job, workers: int, steps: int, callback: pl.Callback) -> None:
    with tempfile.TemporaryDirectory() as folder:
        trainer = pl.Trainer(
            accelerator="gpu" if job.device == "cuda" else "cpu",
            devices=1,
            max_epochs=-1,
            max_steps=steps,
            gradient_clip_val=job.largest_gradient,
            callbacks=[callback],
            default_root_dir=folder,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(network, data.to_dataloader(train=True, batch_size=job.batch_size, num_workers=workers))


def _worker_counts() -> list[int]:
    return sorted({0, 2, max(2, (os.cpu_count() or 1) // 2)})


class _TrialClock(pl.Callback):
    """Times the steps after the warm-up."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def on_train_batch_end(self, *_: Any) -> None:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.ends.append(time.perf_counter())


def _trial(data: Any, job: Job, workers: int) -> float:
    """Windows per second of a few steps."""
    clock = _TrialClock()
    _fit(build(data, job), data, job, workers, TRIAL_WARM_UP + TRIAL_STEPS, clock)
    return TRIAL_STEPS * job.batch_size / (clock.ends[-1] - clock.ends[TRIAL_WARM_UP - 1])


if __name__ == "__main__":
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore")
    work(train)
