"""What a training tells of itself: a line an epoch, with its losses, its speed and its memory."""

from __future__ import annotations

import resource
import time
from typing import Any

import lightning.pytorch as pl
import structlog
import torch
from lightning.pytorch.callbacks import Callback

from forecasting.schema import Target

log = structlog.get_logger()


class Journal(Callback):
    """Keeps the learning curve, tells it line by line, and ends a training that diverged."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.curve: list[dict[str, float]] = []
        self._began = self._trained = time.monotonic()
        self._windows = 0

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock."""
        self._began = time.monotonic()
        self._windows = 0

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Count the windows; at the last batch of an epoch, stop the clock of its training."""
        self._windows += len(batch["value"])
        if batch_idx + 1 == trainer.num_training_batches:
            if pl_module.device.type == "cuda":
                torch.cuda.synchronize(pl_module.device)
            self._trained = time.monotonic()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write the epoch down; where its loss is not finite, there is no other."""
        row = {
            "epoch": float(trainer.current_epoch),
            "train_loss": float(trainer.callback_metrics["train_loss"]),
            "validation_loss": float(trainer.callback_metrics["validation_loss"]),
            "seconds": round(time.monotonic() - self._began, 1),
            "windows_per_second": round(
                trainer.world_size * self._windows / max(self._trained - self._began, 1e-9), 1
            ),
            "peak_memory_mib": round(_peak_memory(pl_module.device) / 2**20),
        }
        self.curve.append(row)
        if trainer.is_global_zero:
            log.info("epoch", stage="train", target_name=self.target.value, **row)
        if diverged(row):
            trainer.should_stop = True
        for name in ("windows_per_second", "peak_memory_mib"):
            pl_module.log(name, row[name], sync_dist=True)

    def state_dict(self) -> dict[str, Any]:
        """The curve, for a checkpoint."""
        return {"curve": self.curve}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """The curve so far, from a checkpoint."""
        self.curve = list(state_dict["curve"])


def diverged(row: dict[str, float]) -> bool:
    """Whether a loss of this epoch is not a number, or without bound."""
    losses = torch.tensor([row["train_loss"], row["validation_loss"]])
    return not bool(torch.isfinite(losses).all())


def _peak_memory(device: torch.device) -> int:
    """The most memory held so far, in bytes: the device's, or this process's."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
