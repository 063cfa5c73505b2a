"""The columns of a window that tell its time, and differ from window to window over the same rows."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from pytorch_forecasting import TimeSeriesDataSet
from torch import Tensor

from forecasting.models.tft.windows.grid import Grid, Windows, stretches


@dataclass(frozen=True)
class Clock:
    """Sets the time columns of a data set's windows."""

    relative_column: int | None
    relative: Tensor
    """Steps from the forecast's start over ``max_encoder_length``, from ``-before`` on."""
    before: int
    index_column: int | None
    """The real that is the time index; None too where no window has gaps, for the grid has it right then."""

    @classmethod
    def of(cls, dataset: TimeSeriesDataSet, windows: Windows) -> Clock:
        """The time columns of a data set's windows."""
        before, after = int(windows.encoder_length.max()), int(windows.decoder_length.max())
        steps = torch.arange(-before, max(before, after), dtype=dataset.data["reals"].dtype)
        drawn_anew = dataset.time_idx in dataset.reals and bool(windows.gaps.any())
        return cls(
            dataset.reals.index("relative_time_idx") if dataset.add_relative_time_idx else None,
            (steps / dataset.max_encoder_length).to(steps.dtype),
            before,
            dataset.reals.index(dataset.time_idx) if drawn_anew else None,
        )

    def to(self, device: torch.device | str) -> Clock:
        """The same clock in that device's memory."""
        return Clock(self.relative_column, self.relative.to(device), self.before, self.index_column)

    def set(self, reals: Tensor, grid: Grid, windows: Windows, offset: Tensor) -> None:
        """Set the time columns of a part of each window, in place.

        Args:
            reals: rows of each window (batch, length, reals).
            grid: where the windows lie.
            windows: the batch's windows.
            offset: steps from each window's first row to the part's first (batch,).
        """
        length = reals.shape[1]
        if self.index_column is not None:
            column = reals[..., self.index_column]
            ends = grid.reals[:, self.index_column]
            evenly = _line(ends, windows, offset[:, None] + torch.arange(length, device=offset.device))
            column.copy_(torch.where(windows.gaps[:, None], evenly, column))
        if self.relative_column is not None:
            first = self.before - windows.encoder_length + offset
            reals[..., self.relative_column] = stretches(self.relative, first, length)


def _line(ends: Tensor, windows: Windows, step: Tensor) -> Tensor:
    """The straight line from each window's first row to its last, at some steps (batch, length).

    As ``torch.linspace`` draws it: from the nearer end, multiplied and added in one rounding.
    """
    steps = (windows.encoder_length + windows.decoder_length)[:, None]
    first = ends.index_select(0, windows.start)[:, None]
    last = ends.index_select(0, windows.start + steps[:, 0] - 1)[:, None]
    rise = last - first if ends.is_floating_point() else (last - first).double()
    slope = (rise / (steps - 1)).double()
    from_first = first.double() + slope * step
    from_last = last.double() - slope * (steps - 1 - step)
    return torch.where(step < steps // 2, from_first, from_last).to(ends.dtype)
