"""How the network learns: its batches, its loss, and its learning rate."""

from __future__ import annotations

from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from forecasting.config import Training
from forecasting.models.tft.network import answer, pinball, tensors, whole_patients
from forecasting.models.tft.scenes import Scenery, Windows

Batch = dict[str, torch.Tensor]

VALIDATION_BATCH = 128
UNKNOWN_SHARE = 0.2
WEIGHT_DECAY = 0.01
WARM_UP_SHARE = 0.2


class Learner(pl.LightningModule):
    """Lowers the pinball loss, in patients, of the network's quantiles."""

    def __init__(self, network: Any, training: Training) -> None:
        super().__init__()
        self.network = network
        self.training_settings = training

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Seed each epoch apart, so that a resumed training goes on as if never cut."""
        # Not at the epoch's start: Lightning leaves that hook out where it resumes.
        if batch_idx == 0:
            torch.manual_seed(self.training_settings.seed * 1000 + self.current_epoch)

    def training_step(self, batch: Batch, batch_index: int) -> torch.Tensor:
        """Loss of the smooth quantiles."""
        loss = pinball(self.network, answer(self.network, batch), batch)
        self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=len(batch["value"]))
        return loss

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        """Loss of the quantiles as they would be published."""
        patients = whole_patients(answer(self.network, batch))
        loss = pinball(self.network, patients, batch)
        self.log("validation_loss", loss, on_step=False, on_epoch=True, batch_size=len(batch["value"]))

    def configure_optimizers(self) -> Any:
        """AdamW under one cycle of the learning rate: Smith and Topin (2019), Super-convergence."""
        rate = self.training_settings.learning_rate
        optimizer = torch.optim.AdamW(self.network.parameters(), lr=rate, weight_decay=WEIGHT_DECAY)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer,
            rate,
            total_steps=int(self.trainer.estimated_stepping_batches),
            pct_start=WARM_UP_SHARE,
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


class Lessons(pl.LightningDataModule):
    """Each epoch's windows, drawn anew by seed and epoch; the validation windows are always the same."""

    def __init__(self, scenery: Scenery, windows: Windows, validation: Windows, training: Training) -> None:
        super().__init__()
        self.scenery = scenery
        self.windows = windows
        self.validation = validation
        self.training = training

    def train_dataloader(self) -> DataLoader[Batch]:
        """The windows of the coming epoch."""
        epoch = self.trainer.current_epoch if self.trainer else 0
        random = np.random.default_rng([self.training.seed, epoch])
        wanted = self.training.windows_per_epoch
        drawn = random.choice(len(self.windows), wanted, replace=len(self.windows) < wanted)
        return _loader(Batches(self.scenery, self.windows.take(drawn), self.training.batch_size, random))

    def val_dataloader(self) -> DataLoader[Batch]:
        """The validation windows."""
        return _loader(Batches(self.scenery, self.validation, VALIDATION_BATCH, None))


class Batches(Dataset[Batch]):
    """Windows gathered batch by batch.

    With ``random``, what came is jittered, and a share of the windows is shown as of an unknown unit.
    """

    def __init__(
        self, scenery: Scenery, windows: Windows, batch_size: int, random: np.random.Generator | None
    ) -> None:
        self.scenery = scenery
        self.windows = windows
        self.batch_size = batch_size
        self.random = random

    def __len__(self) -> int:
        return -(-len(self.windows) // self.batch_size)

    def __getitem__(self, number: int) -> Batch:
        if number >= len(self):
            raise IndexError(number)
        which = np.arange(number * self.batch_size, min((number + 1) * self.batch_size, len(self.windows)))
        batch = tensors(self.scenery.scene(self.windows.take(which)), self.random)
        if self.random is not None:
            unknown = torch.from_numpy(self.random.random(len(which)) < UNKNOWN_SHARE)
            batch["categories"][unknown] = 0
        return batch


def _loader(batches: Batches) -> DataLoader[Batch]:
    return DataLoader(batches, batch_size=None, shuffle=False, num_workers=0)
