"""This project's transformer: its window loader, its network, its training step.

On a processor each core trains in a process of its own, on its part of every batch; a GPU is one process.
"""

from __future__ import annotations

import logging
import os
import tempfile
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from pytorch_forecasting.metrics import QuantileLoss

from benchmarks.contenders.job import Curve, Job, work
from benchmarks.contenders.panel import held_out, panel_of
from benchmarks.contenders.panel import weighted_quantile_loss as wql
from benchmarks.contenders.recorder import Recorder
from benchmarks.contenders.stock import forecast, held_out_set, training_set
from forecasting.models.tft.heads import pinball_loss
from forecasting.models.tft.heap import keep_freed_memory
from forecasting.models.tft.trainer import shared_steps
from forecasting.models.tft.transformer.fast import FastTransformer
from forecasting.models.tft.windows.loader import WindowLoader
from forecasting.models.tft.windows.table import WindowTable


def train(job: Job) -> Curve:
    """Train on the same data set, without worker processes."""
    panel = panel_of(job)
    data = training_set(panel, job)
    pl.seed_everything(job.seed, verbose=False)
    network = build(data, job)
    table = WindowTable.of(data, device=job.device)
    processes = os.cpu_count() or 1 if job.device == "cpu" else 1
    recorder = Recorder(job, network)
    with tempfile.TemporaryDirectory() as folder:
        recorded = Path(folder) / "recorded.pt"
        _fit(_Learner(network, job, recorder, recorded), table, job, processes)
        recorder.take_up(torch.load(recorded, weights_only=True))
    network.to(job.device).eval()
    windows = held_out_set(data, panel, job)
    outcomes = held_out(panel.counts, job)
    return recorder.curve(
        lambda: wql(outcomes, forecast(network, windows, job), job.levels),
        {
            "version": f"on torch {version('torch')}",
            "processes": str(processes),
            "table MiB": f"{table.nbytes / 2**20:.0f}",
            "parameters": str(sum(weights.numel() for weights in network.parameters())),
        },
    )


def build(data: Any, job: Job) -> Any:
    """The stock contender's network, in fewer steps."""
    network = FastTransformer.from_dataset(
        data,
        learning_rate=job.learning_rate,
        hidden_size=job.hidden_size,
        hidden_continuous_size=job.hidden_continuous_size,
        attention_head_size=job.attention_heads,
        dropout=job.dropout,
        loss=QuantileLoss(list(job.levels)),
    )
    network.whole_windows = True
    network.explains = False
    return network


class _Learner(pl.LightningModule):
    def __init__(self, network: Any, job: Job, recorder: Recorder, recorded: Path) -> None:
        super().__init__()
        self.network = network
        self.job = job
        self.recorder = recorder
        self.recorded = recorded
        self.levels = torch.nn.Buffer(torch.tensor(job.levels))

    def training_step(self, batch: Any, batch_index: int) -> torch.Tensor:
        x, (outcomes, _) = batch
        return pinball_loss(self.network(x)["prediction"], outcomes, self.levels).mean()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.network.parameters(), lr=self.job.learning_rate, fused=True)

    def setup(self, stage: str) -> None:
        keep_freed_memory()
        torch.set_num_threads(max(1, (os.cpu_count() or 1) // self.trainer.world_size))

    def on_train_start(self) -> None:
        self.recorder.start()

    def on_train_batch_end(self, *_: Any) -> None:
        self.recorder.step_done()

    def on_train_end(self) -> None:
        if self.global_rank == 0:
            torch.save(self.recorder.state(), self.recorded)


class _Windows(pl.LightningDataModule):
    def __init__(self, table: WindowTable, job: Job) -> None:
        super().__init__()
        self.table = table
        self.job = job

    def train_dataloader(self) -> WindowLoader:
        trainer: Any = self.trainer
        return WindowLoader(
            self.table,
            self.job.batch_size // trainer.world_size,
            windows_per_epoch=self.job.steps * self.job.batch_size,
            seed=self.job.seed,
            rank=trainer.global_rank,
            world_size=trainer.world_size,
        )


def _fit(learner: _Learner, table: WindowTable, job: Job, processes: int) -> None:
    on_gpu = job.device == "cuda"
    if on_gpu:
        torch.set_float32_matmul_precision("high")
    with tempfile.TemporaryDirectory() as folder:
        trainer = pl.Trainer(
            accelerator="gpu" if on_gpu else "cpu",
            devices=processes,
            strategy=shared_steps() if processes > 1 else "auto",
            use_distributed_sampler=False,
            precision="bf16-mixed" if on_gpu else "32-true",
            max_epochs=-1,
            max_steps=job.steps,
            gradient_clip_val=job.largest_gradient,
            default_root_dir=folder,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            logger=False,
        )
        trainer.fit(learner, _Windows(table, job))


if __name__ == "__main__":
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore")
    work(train)
