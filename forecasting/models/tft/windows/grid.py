"""A data set's rows on a gap-free grid, and where its windows lie on it."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from pytorch_forecasting import TimeSeriesDataSet
from torch import Tensor


@dataclass(frozen=True)
class Grid:
    """Series after series, one row a time step; missing steps are filled as the data set fills them.

    Rows of zeros follow, so that a stretch as long as the longest window may begin at any row.
    """

    reals: Tensor
    """(rows, reals)"""
    categoricals: Tensor
    """(rows, categoricals)"""
    targets: tuple[Tensor, ...]
    """Unscaled, one for each target; (rows,)."""
    weight: Tensor | None
    """(rows,)"""
    groups: Tensor
    """Encoded group ids (series, ids)."""

    def to(self, device: torch.device | str) -> Grid:
        """The same grid in that device's memory."""
        return Grid(
            self.reals.to(device),
            self.categoricals.to(device),
            tuple(target.to(device) for target in self.targets),
            None if self.weight is None else self.weight.to(device),
            self.groups.to(device),
        )


@dataclass(frozen=True)
class Windows:
    """Where each window lies; all (windows,), int64 but for ``gaps``."""

    start: Tensor
    """The grid's row of its first time step."""
    encoder_length: Tensor
    decoder_length: Tensor
    time: Tensor
    """Time index of its first time step."""
    series: Tensor
    """The row of :attr:`Grid.groups`."""
    gaps: Tensor
    """Whether a time step within the window was missing; bool."""

    def __len__(self) -> int:
        return len(self.start)

    def take(self, which: Tensor) -> Windows:
        """Some of the windows, in that order."""
        return Windows(*(getattr(self, field.name).index_select(0, which) for field in fields(self)))

    def to(self, device: torch.device | str) -> Windows:
        """The same windows in that device's memory."""
        return Windows(*(getattr(self, field.name).to(device) for field in fields(self)))


def lay_out(dataset: TimeSeriesDataSet) -> tuple[Grid, Windows]:
    """Lay a data set's rows and windows out on a grid.

    Raises:
        ValueError: a series has two rows of one time step.
        KeyError: ``constant_fill_strategy`` names a variable that the data set does not have.
    """
    data = dataset.data
    groups, time = data["groups"], data["time"]
    begins = torch.cat([torch.ones(1, dtype=torch.bool), (groups[1:] != groups[:-1]).any(dim=1)])
    series = begins.cumsum(0) - 1
    repeats = _steps_to_next(time, begins)
    windows = _windows(dataset, grid_row=repeats.cumsum(0) - repeats, series=series)

    longest = int(windows.encoder_length.max()) + int(windows.decoder_length.max())
    source = torch.repeat_interleave(torch.arange(len(time)), repeats)
    filled = torch.cat([torch.zeros(1, dtype=torch.bool), source[1:] == source[:-1]])
    grid = Grid(
        reals=_spread(data["reals"], source, longest),
        categoricals=_spread(data["categoricals"], source, longest),
        targets=tuple(_spread(target, source, longest) for target in data["target"]),
        weight=None if data["weight"] is None else _spread(data["weight"], source, longest),
        groups=groups[begins],
    )
    if filled.any():
        _fill_constants(dataset, grid, filled.nonzero().squeeze(1))
    return grid, windows


def stretches(values: Tensor, first: Tensor, length: int) -> Tensor:
    """Copy a stretch of rows for each window.

    Whole stretches are copied at once: no index is made for each row.

    Args:
        values: rows, contiguous; (rows,) or (rows, columns).
        first: the first row of each stretch (windows,).
        length: rows of a stretch.

    Returns:
        (windows, length) or (windows, length, columns).
    """
    every = values.as_strided(
        (len(values) - length + 1, length, *values.shape[1:]), (values.stride(0), *values.stride())
    )
    return every.index_select(0, first)


def _steps_to_next(time: Tensor, begins: Tensor) -> Tensor:
    """Time steps from each row to the next of its series, 1 from a series' last row."""
    steps = torch.ones_like(time)
    steps[:-1] = torch.where(begins[1:], 1, time[1:] - time[:-1])
    if (steps < 1).any():
        at = int(time[steps < 1][0])
        raise ValueError(f"a series has two rows of time index {at}: give each time step one row")
    return steps


def _windows(dataset: TimeSeriesDataSet, grid_row: Tensor, series: Tensor) -> Windows:
    index = {name: torch.from_numpy(dataset.index[name].to_numpy("int64", copy=True)) for name in _INDEX}
    start, end, length = index["index_start"], index["index_end"], index["sequence_length"]
    decoder_length = torch.from_numpy(
        dataset.calculate_decoder_length(dataset.data["time"][end].numpy(), length.numpy())
    )
    return Windows(
        start=grid_row[start],
        encoder_length=length - decoder_length,
        decoder_length=decoder_length,
        time=index["time"],
        series=series[start],
        gaps=end - start + 1 < length,
    )


_INDEX = ("index_start", "index_end", "sequence_length", "time")


def _spread(values: Tensor, source: Tensor, longest: int) -> Tensor:
    """Rows by the row they repeat, and rows of zeros after them."""
    spread = values.new_zeros((len(source) + longest, *values.shape[1:]))
    torch.index_select(values, 0, source, out=spread[: len(source)])
    return spread


def _fill_constants(dataset: TimeSeriesDataSet, grid: Grid, filled: Tensor) -> None:
    """Set what the data set fills missing steps with, in place."""
    for name, value in dataset.encoded_constant_fill_strategy.items():
        target = name.removeprefix("__target__")
        if name in dataset.reals:
            grid.reals[filled, dataset.reals.index(name)] = value
        elif target != name and target in dataset.target_names:
            grid.targets[dataset.target_names.index(target)][filled] = value
        elif name in dataset.flat_categoricals:
            grid.categoricals[filled, dataset.flat_categoricals.index(name)] = value
        elif name not in dataset.target_names:
            raise KeyError(
                f"constant_fill_strategy names {name!r}, which is no real, categorical or target of the data "
                "set: leave it out"
            )
