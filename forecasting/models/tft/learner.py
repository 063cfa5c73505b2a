"""How the network learns: its loss and its learning rate."""

from __future__ import annotations

from typing import Any

import lightning.pytorch as pl
import torch

from forecasting.config import Training
from forecasting.models.tft.heads import Batch, pinball
from forecasting.models.tft.heap import keep_freed_memory
from forecasting.models.tft.network import answer, lost, whole_patients

WEIGHT_DECAY = 0.01
WARM_UP_SHARE = 0.2


class Learner(pl.LightningModule):
    """Lowers what the network's head loses; validates by the pinball loss, in patients, of its quantiles.

    Losses are summed where the network lies and are read once an epoch: reading one waits for the device.
    """

    def __init__(self, network: Any, training: Training) -> None:
        super().__init__()
        self.network = network
        self.training_settings = training
        self._losses = _Mean()

    def setup(self, stage: str) -> None:
        """In each process, before its first step."""
        keep_freed_memory()

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Seed each epoch and each process apart, so that a resumed training goes on as if never cut."""
        # Not at the epoch's start: Lightning leaves that hook out where it resumes.
        if batch_idx == 0:
            self._losses = _Mean()
            torch.manual_seed(
                (self.training_settings.seed * 1000 + self.current_epoch) * 1000 + self.global_rank
            )

    def training_step(self, batch: Batch, batch_index: int) -> torch.Tensor:
        """Loss of what lies between the counts."""
        loss = lost(self.network, batch)
        self._losses.add(loss.detach(), batch["windows"])
        return loss

    def on_validation_epoch_start(self) -> None:
        """Tell the mean of the training losses, which has ended when validation begins."""
        self.log("train_loss", self._losses.value, on_step=False, on_epoch=True, sync_dist=True)
        self._losses = _Mean()

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        """Loss of the quantiles as whole counts, which is what comes."""
        patients = whole_patients(answer(self.network, batch))
        self._losses.add(pinball(patients, batch, self.network.levels), batch["windows"])

    def on_validation_epoch_end(self) -> None:
        """Tell the mean of the validation losses."""
        self.log("validation_loss", self._losses.value, sync_dist=True)

    def configure_optimizers(self) -> Any:
        """AdamW under one cycle of the learning rate: Smith and Topin (2019), Super-convergence."""
        rate = self.training_settings.learning_rate
        optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=rate, weight_decay=WEIGHT_DECAY, fused=True
        )
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer,
            rate,
            total_steps=int(self.trainer.estimated_stepping_batches),
            pct_start=WARM_UP_SHARE,
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


class _Mean:
    """The mean of batches' losses, by their windows."""

    def __init__(self) -> None:
        self._sum: torch.Tensor | float = 0.0
        self._windows: torch.Tensor | float = 0.0

    def add(self, loss: torch.Tensor, windows: torch.Tensor) -> None:
        self._sum = self._sum + loss * windows
        self._windows = self._windows + windows

    @property
    def value(self) -> torch.Tensor | float:
        return self._sum / self._windows
