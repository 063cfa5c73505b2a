"""Lightning's trainer, set up for the processors that are there."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import Logger
from lightning.pytorch.strategies import DDPStrategy

from forecasting.config import Training

LARGEST_GRADIENT = 1.0


def build_trainer(
    training: Training, folder: Path, logger: Logger | None, callbacks: list[Callback], parts: int = 1
) -> pl.Trainer:
    """A trainer on the GPUs where there are some, else on the processor.

    On a GPU the network multiplies in bfloat16 and TF32. With several devices or nodes each device has a
    process of its own (without a GPU, each process its share of the cores), and their gradients are averaged.
    A step is taken after so many ``parts`` of a batch.
    """
    on_gpu = torch.cuda.is_available()
    if on_gpu:
        torch.set_float32_matmul_precision("high")
    several = training.devices * training.nodes > 1
    return pl.Trainer(
        accelerator="gpu" if on_gpu else "cpu",
        devices=training.devices,
        num_nodes=training.nodes,
        strategy=shared_steps() if several else "auto",
        precision="bf16-mixed" if on_gpu else "32-true",
        max_epochs=training.max_epochs,
        accumulate_grad_batches=parts,
        gradient_clip_val=LARGEST_GRADIENT,
        reload_dataloaders_every_n_epochs=1,
        use_distributed_sampler=False,
        callbacks=callbacks,
        logger=logger if logger is not None else False,
        log_every_n_steps=1,
        default_root_dir=folder,
        num_sanity_val_steps=0,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


def shared_steps() -> DDPStrategy:
    """A process a device, which average their gradients; every step uses the same parameters."""
    # Spawned, not forked: CUDA can't be used again after a fork.
    return DDPStrategy(start_method="spawn", gradient_as_bucket_view=True, static_graph=True)


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Lightning's announcements, tips and advice are for people at a terminal."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="lightning")
        for logger in loggers:
            logger.setLevel(logging.WARNING)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
