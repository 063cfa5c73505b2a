"""neuralforecast's TFT. Runs in an environment of its own: see ``benchmarks/peers.txt``."""

from __future__ import annotations

import logging
import warnings
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd
import pytorch_lightning as pl
from neuralforecast.losses.pytorch import MQLoss
from neuralforecast.models import TFT
from neuralforecast.tsdataset import TimeSeriesDataset

from benchmarks.contenders.job import Curve, Job, work
from benchmarks.contenders.panel import KNOWN, Panel, held_out, panel_of
from benchmarks.contenders.panel import weighted_quantile_loss as wql
from benchmarks.contenders.recorder import Recorder

SERIES_A_STEP = 4
"""It cuts every window of a step's series before it draws the step's from them: more series, slower steps."""


class _Clock(pl.Callback):
    recorder: Recorder

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.recorder.start()

    def on_train_batch_end(self, *_: Any) -> None:
        self.recorder.step_done()


def train(job: Job) -> Curve:
    """Train on windows drawn from a few series a step; static categories come as one-hot reals."""
    panel = panel_of(job)
    one_hot = pd.get_dummies(pd.DataFrame(panel.static.astype(str)), dtype=float)
    data = _dataset(panel, one_hot)
    clock = _Clock()
    network = TFT(
        h=job.lead_hours,
        input_size=job.encoder_hours,
        futr_exog_list=list(KNOWN),
        stat_exog_list=list(one_hot),
        hidden_size=job.hidden_size,
        n_head=job.attention_heads,
        dropout=job.dropout,
        loss=MQLoss(quantiles=list(job.levels)),
        max_steps=job.steps,
        learning_rate=job.learning_rate,
        num_lr_decays=0,
        batch_size=min(SERIES_A_STEP, job.series),
        windows_batch_size=job.batch_size,
        random_seed=job.seed,
        val_check_steps=job.steps,
        accelerator="gpu" if job.device == "cuda" else "cpu",
        devices=1,
        gradient_clip_val=job.largest_gradient,
        callbacks=[clock],
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    clock.recorder = Recorder(job, network)
    network.fit(data, test_size=job.held_out_hours)
    outcomes = held_out(panel.counts, job)
    return clock.recorder.curve(
        lambda: wql(outcomes, _forecast(network, data, job), job.levels),
        {
            "version": f"neuralforecast {version('neuralforecast')}",
            "series a step": str(SERIES_A_STEP),
            "parameters": str(sum(weights.numel() for weights in network.parameters())),
        },
    )


def _dataset(panel: Panel, one_hot: pd.DataFrame) -> Any:
    series, hours = panel.counts.shape
    # It sorts series by their name, so the names are zero-padded.
    names = np.array([f"{number:06d}" for number in range(series)])
    frame = pd.DataFrame(np.tile(panel.known, (series, 1)), columns=list(KNOWN))
    frame.insert(0, "unique_id", np.repeat(names, hours))
    frame.insert(1, "ds", np.tile(np.arange(hours), series))
    frame.insert(2, "y", panel.counts.ravel())
    static = one_hot.assign(unique_id=names)[["unique_id", *one_hot]]
    return TimeSeriesDataset.from_df(frame, static)[0]


def _forecast(network: Any, data: Any, job: Job) -> np.ndarray:
    """Quantiles of each held-out window (series, origins, lead_hours, levels)."""
    flat = network.predict(data, step_size=24)
    return np.asarray(flat).reshape(job.series, len(job.origins), job.lead_hours, len(job.levels))


if __name__ == "__main__":
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore")
    work(train)
