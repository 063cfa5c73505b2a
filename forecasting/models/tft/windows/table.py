"""Every window of a data set from one table, as fast as memory can be copied.

pytorch-forecasting's ``TimeSeriesDataSet`` builds a batch window by window. A table keeps the same rows, in
host or device memory, on a gap-free grid (:mod:`forecasting.models.tft.windows.grid`); a batch is a few
copies of whole stretches of it, and equal to the data set's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from pytorch_forecasting import TimeSeriesDataSet
from torch import Tensor

from forecasting.models.tft.windows.clock import Clock
from forecasting.models.tft.windows.grid import Grid, Windows, lay_out, stretches
from forecasting.models.tft.windows.scales import Scales, fit_scales

Values = Tensor | list[Tensor]
Batch = tuple[dict[str, Values], tuple[Values, Tensor | None]]


@dataclass(frozen=True)
class WindowTable:
    """Rows and windows of a data set as tensors on one device. Make it with :meth:`of`."""

    grid: Grid
    windows: Windows
    scales: Scales
    clock: Clock
    lengths: tuple[int, int] | None
    """Encoder and decoder length, where all windows have the same."""
    multi_target: bool

    @classmethod
    def of(cls, dataset: TimeSeriesDataSet, device: torch.device | str = "cpu") -> WindowTable:
        """Lay a data set out as a table.

        Args:
            dataset: its encoders and scalers are used as they are; what changes in it later is not seen.
            device: where the table lies and batches are made.

        Raises:
            ValueError: the data set has a setting whose windows cannot be had from a table.
            KeyError: ``constant_fill_strategy`` names a variable that the data set does not have.
        """
        _refuse_windows_that_change(dataset)
        grid, windows = lay_out(dataset)
        scales = fit_scales(dataset, grid, windows)
        return cls(
            grid.to(device),
            windows.to(device),
            scales.to(device),
            Clock.of(dataset, windows).to(device),
            _common_lengths(windows),
            dataset.multi_target,
        )

    def __len__(self) -> int:
        """Windows."""
        return len(self.windows)

    @property
    def device(self) -> torch.device:
        """Where batches are made."""
        return self.grid.reals.device

    @property
    def series(self) -> np.ndarray:
        """The series of each window (windows,), numbered in the data set's order."""
        return self.windows.series.cpu().numpy()

    @property
    def nbytes(self) -> int:
        """Memory that the rows take, and what is kept of each window."""
        grid, windows, scales = self.grid, vars(self.windows).values(), self.scales
        kept = [grid.reals, grid.categoricals, *grid.targets, grid.groups, *windows, *scales.target]
        kept += [] if grid.weight is None else [grid.weight]
        kept += [values for _, values in (*scales.columns, *scales.constants)]
        return sum({tensor.data_ptr(): tensor.nbytes for tensor in kept}.values())

    def batch(self, which: Tensor) -> Batch:
        """The batch of some windows, as the data set and its collate function give it.

        Where all windows of the table have the same lengths, nothing waits for the device.

        Args:
            which: numbers of windows (batch,), int64, on any device.

        Returns:
            ``(x, (target, weight))``; :meth:`TimeSeriesDataSet.to_dataloader` tells the keys and shapes.
        """
        windows = self.windows.take(which := which.to(self.device))
        encoder, decoder = self._parts(windows)
        target = [decoder.rows(values) for values in self.grid.targets]
        target_scale = [scale.index_select(0, which) for scale in self.scales.target]
        first_step = windows.time + windows.encoder_length
        inputs: dict[str, Values] = {
            "encoder_cat": encoder.rows(self.grid.categoricals),
            "encoder_cont": self._reals(encoder, which, windows),
            "encoder_target": self._by_target([encoder.rows(values) for values in self.grid.targets]),
            "encoder_lengths": windows.encoder_length,
            "decoder_cat": decoder.rows(self.grid.categoricals),
            "decoder_cont": self._reals(decoder, which, windows),
            "decoder_target": self._by_target(target),
            "decoder_lengths": windows.decoder_length,
            "decoder_time_idx": first_step[:, None] + torch.arange(decoder.longest, device=self.device),
            "groups": self.grid.groups.index_select(0, windows.series),
            "target_scale": self._by_target(target_scale),
        }
        weight = None if self.grid.weight is None else decoder.rows(self.grid.weight)
        return inputs, (inputs["decoder_target"], weight)

    def _parts(self, windows: Windows) -> tuple[_Part, _Part]:
        at_start, ahead = torch.zeros_like(windows.start), windows.encoder_length
        if self.lengths:
            encoder, decoder = self.lengths
            return _Part(windows.start, at_start, encoder), _Part(windows.start + ahead, ahead, decoder)
        return (
            _Part.padded(windows.start, at_start, windows.encoder_length),
            _Part.padded(windows.start + ahead, ahead, windows.decoder_length),
        )

    def _reals(self, part: _Part, which: Tensor, windows: Windows) -> Tensor:
        """The reals of a part of each window, with the columns that are each window's own."""
        reals = stretches(self.grid.reals, part.first, part.longest)
        self.clock.set(reals, self.grid, windows, part.offset)
        for column, values in self.scales.constants:
            reals[..., column] = values.index_select(0, which)[:, None]
        for column, values in self.scales.columns:
            centre, scale = values.index_select(0, which).unbind(1)
            reals[..., column].sub_(centre[:, None]).div_(scale[:, None])
        return part.pad(reals)

    def _by_target(self, values: list[Tensor]) -> Values:
        return values if self.multi_target else values[0]


@dataclass(frozen=True)
class _Part:
    """The encoders, or the decoders, of a batch of windows."""

    first: Tensor
    """Row of the grid that each begins at (batch,)."""
    offset: Tensor
    """Steps from each window's first row (batch,)."""
    longest: int
    beyond: Tensor | None = None
    """Where a part has ended before the longest (batch, longest); None if all are as long."""

    @classmethod
    def padded(cls, first: Tensor, offset: Tensor, lengths: Tensor) -> _Part:
        longest = int(lengths.max())
        return cls(first, offset, longest, torch.arange(longest, device=first.device) >= lengths[:, None])

    def rows(self, values: Tensor) -> Tensor:
        """The rows of each part (batch, longest) or (batch, longest, columns), zero where it has ended."""
        return self.pad(stretches(values, self.first, self.longest))

    def pad(self, values: Tensor) -> Tensor:
        if self.beyond is None:
            return values
        return values.masked_fill_(self.beyond.view(*self.beyond.shape, *[1] * (values.ndim - 2)), 0)


def _common_lengths(windows: Windows) -> tuple[int, int] | None:
    """The one encoder and the one decoder length of all windows, or None."""
    lengths = torch.unique(torch.stack([windows.encoder_length, windows.decoder_length]), dim=1)
    return (int(lengths[0]), int(lengths[1])) if lengths.shape[1] == 1 else None


def _refuse_windows_that_change(dataset: TimeSeriesDataSet) -> None:
    if dataset.randomize_length is not None:
        raise ValueError(
            f"randomize_length={dataset.randomize_length} draws a window's lengths anew each time: build the "
            "data set with randomize_length=None, or from_dataset(..., stop_randomization=True)"
        )
    if dataset._overwrite_values is not None:
        raise ValueError(
            f"values of {dataset._overwrite_values['variable']!r} are overwritten: call "
            "dataset.reset_overwrite_values(), and set the values in the data instead"
        )
