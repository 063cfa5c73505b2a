"""Batches of a table's windows, drawn anew each epoch; for Lightning's trainer as any loader is."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from forecasting.models.tft.windows.draw import share, stratified
from forecasting.models.tft.windows.table import Batch, WindowTable


class WindowLoader:
    """Iterates over batches of windows, without worker processes.

    Shuffled, an epoch is a stratified draw from its seed and number alone, so that a training taken up again
    sees the same batches; each process gets an equal share of it. In order, every window comes once, and
    processes' shares may differ by one window.

    Args:
        table: where the windows come from.
        batch_size: windows of a batch, on each process.
        windows_per_epoch: windows that all processes together are shown in an epoch; None for as many as
            there are. Only of a shuffled loader.
        seed: of the draws.
        shuffle: False for the table's order, to validate or predict.
        drop_last: leave a last, smaller batch out; None for the data set's own way: when shuffled, and there
            is more than one batch.
        rank: this process, from 0.
        world_size: processes in all.

    Raises:
        ValueError: a size is not positive, there is no such rank, or only some windows are wanted in order.
    """

    batch_sampler = None
    """As of a loader without one: Lightning asks for it of every loader that has a sampler."""

    def __init__(
        self,
        table: WindowTable,
        batch_size: int,
        *,
        windows_per_epoch: int | None = None,
        seed: int = 0,
        shuffle: bool = True,
        drop_last: bool | None = None,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        if batch_size < 1:
            raise ValueError(f"batch_size={batch_size}: give a positive number of windows")
        if windows_per_epoch is not None and windows_per_epoch < 1:
            raise ValueError(
                f"windows_per_epoch={windows_per_epoch}: give a positive number of windows, or None"
            )
        if windows_per_epoch is not None and not shuffle:
            raise ValueError(
                f"windows_per_epoch={windows_per_epoch} of a loader that does not shuffle: leave it out, or "
                "filter the data set"
            )
        if not 0 <= rank < world_size:
            raise ValueError(f"rank {rank} is not one of {world_size} processes: count ranks from 0")
        self.table = table
        self.batch_size = batch_size
        self.windows_per_epoch = len(table) if windows_per_epoch is None else windows_per_epoch
        self.seed = seed
        self.shuffle = shuffle
        self.rank = rank
        self.world_size = world_size
        self.epoch = 0
        self._series = table.series
        self.drop_last = shuffle and self._windows > batch_size if drop_last is None else drop_last

    @property
    def sampler(self) -> WindowLoader:
        """Itself: Lightning tells the epoch's number to a loader's sampler."""
        return self

    def set_epoch(self, epoch: int) -> None:
        """Number of the next epoch, whose windows are drawn when its first batch is asked for."""
        self.epoch = epoch

    def order(self) -> np.ndarray:
        """The windows of this process in this epoch, in the order of its batches (windows,)."""
        if not self.shuffle:
            return np.arange(self.rank, len(self.table), self.world_size)
        drawn = stratified(self._series, self.windows_per_epoch, (self.seed, self.epoch))
        return share(drawn, self.rank, self.world_size)

    def __len__(self) -> int:
        """Batches of an epoch."""
        whole, rest = divmod(self._windows, self.batch_size)
        return whole + bool(rest and not self.drop_last)

    def __iter__(self) -> Iterator[Batch]:
        """The batches of this epoch."""
        order = torch.from_numpy(self.order()).to(self.table.device)
        for first in range(0, len(self) * self.batch_size, self.batch_size):
            yield self.table.batch(order[first : first + self.batch_size])

    @property
    def _windows(self) -> int:
        """Windows of this process in an epoch."""
        if self.shuffle:
            return self.windows_per_epoch // self.world_size
        return len(range(self.rank, len(self.table), self.world_size))
