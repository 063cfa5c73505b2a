"""What the network is shown: the windows of each epoch, in batches, shared among processes."""

from __future__ import annotations

from collections.abc import Iterator

import lightning.pytorch as pl
import numpy as np
import torch

from forecasting.config import Training
from forecasting.models.tft.heads import Batch
from forecasting.models.tft.network import tensors
from forecasting.models.tft.scenes import Scenery, Windows
from forecasting.models.tft.windows.draw import stratified

VALIDATION_BATCH = 128
UNKNOWN_SHARES = (0.125, 0.2, 0.05)
"""Of the windows, those shown without their site, their unit and their type; the rarer are among the others.
A new unit of a known site, a new site and a type never seen shall be forecast too."""


class Lessons(pl.LightningDataModule):
    """Each epoch's windows, drawn anew by seed and epoch; the validation windows are always the same.

    Args:
        scenery: makes scenes of the windows.
        windows: to learn from.
        validation: to say when to stop.
        training: how many windows, in which batches, by which seed.
        jittered: whether what came is spread over its whole number, see :func:`~.network.tensors`.
    """

    def __init__(
        self,
        scenery: Scenery,
        windows: Windows,
        validation: Windows,
        training: Training,
        jittered: bool = True,
    ) -> None:
        super().__init__()
        self.scenery = scenery
        self.windows = windows
        self.validation = validation
        self.training = training
        self.jittered = jittered
        self.parts = 1
        """In how many parts each batch is shown, where a device can't hold it."""

    def train_dataloader(self) -> Batches:
        """The windows of the coming epoch, as many of each series."""
        epoch = self.trainer.current_epoch if self.trainer else 0
        seed = (self.training.seed, epoch)
        drawn = stratified(self.windows.series, self.training.windows_per_epoch, seed)
        random = np.random.default_rng(seed)
        rank, world_size = self._process()
        return Batches(
            self.scenery,
            self.windows.take(drawn),
            -(-self.training.batch_size // self.parts),
            random,
            rank,
            world_size,
            self.jittered,
        )

    def val_dataloader(self) -> Batches:
        """The validation windows."""
        return Batches(self.scenery, self.validation, VALIDATION_BATCH, None, *self._process())

    def _process(self) -> tuple[int, int]:
        return (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)


class Batches:
    """Windows gathered batch by batch; each process gathers its part of every batch.

    With ``random``, what came is jittered if it should be, and shares of the windows are shown as of an
    unknown unit, site or type. The numbers are drawn for the whole batch, so that many processes learn what
    one would.
    """

    def __init__(
        self,
        scenery: Scenery,
        windows: Windows,
        batch_size: int,
        random: np.random.Generator | None,
        rank: int = 0,
        world_size: int = 1,
        jittered: bool = True,
    ) -> None:
        self.scenery = scenery
        self.windows = windows
        self.batch_size = batch_size
        self.random = random
        self.rank = rank
        self.world_size = world_size
        self.jittered = jittered

    def __len__(self) -> int:
        return -(-len(self.windows) // self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        """This process's part of each batch."""
        for first in range(0, len(self.windows), self.batch_size):
            which = np.arange(first, min(first + self.batch_size, len(self.windows)))
            yield self._part(self.windows.take(which))

    def _part(self, batch: Windows) -> Batch:
        shape = (len(batch), self.scenery.lead_hours)
        mine = np.arange(self.rank, len(batch), self.world_size)
        # Every process must take every step: one without a window looks at another's and learns nothing.
        idle = not len(mine)
        if idle:
            mine = np.zeros(1, dtype=np.int64)
        jitter = None
        if self.random is not None and self.jittered:
            jitter = self.random.uniform(-0.5, 0.5, shape)[mine]
        part = tensors(self.scenery.scene(batch.take(mine)), jitter)
        if self.random is not None:
            drawn = torch.from_numpy(self.random.random(len(batch))[mine])
            part["categories"][drawn[:, None] < torch.tensor(UNKNOWN_SHARES)] = 0
        if idle:
            part["known"].zero_()
        part["windows"] = torch.tensor(float(len(batch)))
        part["hours_known"] = torch.tensor(max(self.scenery.hours_known(batch), 1) / self.world_size)
        return part
