"""What a data set's normalizers make of each window: centres and scales, fitted once when a table is made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from pytorch_forecasting import EncoderNormalizer, MultiNormalizer, TimeSeriesDataSet
from torch import Tensor

from forecasting.models.tft.windows.grid import Grid, Windows, stretches

ELEMENTS_AT_ONCE = 2**22


@dataclass(frozen=True)
class Scales:
    """Centre and scale of each window, and the columns of the reals that they change."""

    target: tuple[Tensor, ...]
    """What undoes each target's normalization (windows, 2)."""
    columns: tuple[tuple[int, Tensor], ...]
    """Columns to centre and scale window by window: the column, and (windows, 2)."""
    constants: tuple[tuple[int, Tensor], ...]
    """Columns that hold one value all through a window: the column, and (windows,)."""

    def to(self, device: torch.device | str) -> Scales:
        """The same scales in that device's memory."""
        return Scales(
            tuple(scale.to(device) for scale in self.target),
            tuple((column, scale.to(device)) for column, scale in self.columns),
            tuple((column, value.to(device)) for column, value in self.constants),
        )


def fit_scales(dataset: TimeSeriesDataSet, grid: Grid, windows: Windows) -> Scales:
    """Fit each encoder normalizer on each window's encoder, and look up the other normalizers' scales.

    Columns that are scaled window by window are left in the grid as their normalizer's transformation (log
    and the like) makes them: being the same in every window, it is done here, in place.

    Raises:
        ValueError: an encoder normalizer stands where it cannot be fitted on the grid.
    """
    normalizers = _encoder_normalizers(dataset, windows)
    fitted = {name: _fit_variable(dataset, name, grid, windows) for name in normalizers}
    # As in the data set, a lagged variable is scaled by what its normalizer was fitted on last.
    last_fitted = {id(normalizer): fitted[name] for name, normalizer in normalizers.items()}
    columns = []
    for column, name in enumerate(dataset.reals):
        normalizer = dataset.get_transformer(name)
        if isinstance(normalizer, EncoderNormalizer):
            columns.append((column, fitted[name] if name in fitted else last_fitted[id(normalizer)]))
            grid.reals[:, column] = normalizer.preprocess(_values(dataset, name, grid))
    by_series = _scales_by_series(dataset, grid, windows)
    return Scales(
        tuple(fitted.get(name, scale) for name, scale in zip(dataset.target_names, by_series, strict=True)),
        tuple(columns),
        tuple(_constants(dataset, fitted, windows)),
    )


def _encoder_normalizers(dataset: TimeSeriesDataSet, windows: Windows) -> dict[str, EncoderNormalizer]:
    """The normalizers to be fitted on each window by their variables, in the data set's order."""
    targets = dict(zip(dataset.target_names, dataset.target_normalizers, strict=True))
    reals = {name: dataset.get_transformer(name) for name in dataset.reals if name not in targets}
    fitted = {
        name: normalizer
        for name, normalizer in (targets | reals).items()
        if isinstance(normalizer, EncoderNormalizer) and name not in dataset.lagged_variables
    }
    made_anew = _made_anew(dataset, windows, [name for name in targets if name in fitted])
    for name, normalizer in fitted.items():
        if isinstance(normalizer.transformation, dict):
            raise ValueError(  # noqa: TRY004
                f"the EncoderNormalizer of {name!r} transforms by functions of its own, which may look at a "
                "whole window: name one of pytorch-forecasting's transformations instead"
            )
        if name in made_anew:
            raise ValueError(
                f"{name!r} is made anew in each window and has an EncoderNormalizer: give it another scaler"
            )
    return fitted


def _made_anew(dataset: TimeSeriesDataSet, windows: Windows, targets: list[str]) -> set[str]:
    """Reals that a window does not take from the grid; ``targets`` are those fitted window by window."""
    made = {f"{name}_{feature}" for name in targets for feature in ("center", "scale")}
    made = made if dataset.add_target_scales else set()
    made |= {"relative_time_idx"} if dataset.add_relative_time_idx else set()
    made |= {"encoder_length"} if dataset.add_encoder_length else set()
    return made | ({dataset.time_idx} if windows.gaps.any() else set())


def _values(dataset: TimeSeriesDataSet, name: str, grid: Grid) -> Tensor:
    """What a variable's encoder normalizer is given (rows,): a target's own values, or one of the reals."""
    if name in dataset.target_names:
        values: Tensor = grid.targets[dataset.target_names.index(name)]
        return values
    return grid.reals[:, dataset.reals.index(name)].contiguous()


def _scales_by_series(dataset: TimeSeriesDataSet, grid: Grid, windows: Windows) -> list[Tensor]:
    """Each target's scale as its normalizer gives it for the window's series (windows, 2)."""
    parameters = [
        dataset.target_normalizer.get_parameters(groups, dataset.group_ids) for groups in grid.groups
    ]
    if not isinstance(dataset.target_normalizer, MultiNormalizer):
        parameters = [[scale] for scale in parameters]
    return [_stack(scales)[windows.series] for scales in zip(*parameters, strict=True)]


def _stack(scales: tuple[Tensor, ...] | tuple[np.ndarray, ...]) -> Tensor:
    """Stack as the data set's collate function does: tensors keep their type, arrays become float32."""
    if isinstance(scales[0], Tensor):
        return torch.stack(scales)
    return torch.from_numpy(np.array(scales, dtype=np.float32))


def _constants(
    dataset: TimeSeriesDataSet, fitted: dict[str, Tensor], windows: Windows
) -> Iterator[tuple[int, Tensor]]:
    """Columns that hold one value all through a window, with that of each (windows,)."""
    if dataset.add_encoder_length:
        longest = dataset.max_encoder_length
        scaled = (windows.encoder_length.double() - 0.5 * longest) / longest * 2.0
        yield dataset.reals.index("encoder_length"), scaled.float()
    if dataset.add_target_scales:
        for target in set(dataset.target_names).intersection(fitted):
            features = zip((f"{target}_center", f"{target}_scale"), fitted[target].unbind(1), strict=True)
            for name, values in features:
                scaled = torch.as_tensor(dataset.transform_values(name, values.contiguous()))
                yield dataset.reals.index(name), scaled.float()


def _fit_variable(dataset: TimeSeriesDataSet, name: str, grid: Grid, windows: Windows) -> Tensor:
    """Centre and scale of a variable over each window's encoder (windows, 2).

    Float32 sums depend on how numbers lie in memory. The data set keeps its reals column by column, as pandas
    does, but has a window row by row once it has filled its gaps.
    """
    alone = _values(dataset, name, grid)[:, None]
    if name in dataset.target_names:
        return _fit(dataset.target_normalizers[dataset.target_names.index(name)], alone, 0, windows)
    by_row = windows.gaps | (dataset.data["reals"].stride(0) != 1)
    scales = torch.empty(len(windows), 2)
    for values, column, alike in ((alone, 0, ~by_row), (grid.reals, dataset.reals.index(name), by_row)):
        some = windows.take(alike.nonzero().squeeze(1))
        scales[alike] = _fit(dataset.get_transformer(name), values, column, some)
    return scales


def _fit(normalizer: EncoderNormalizer, values: Tensor, column: int, windows: Windows) -> Tensor:
    """Centre and scale of a column over each window's encoder (windows, 2).

    Windows of one encoder length are fitted together.
    """
    many = _ManyEncodersNormalizer(**normalizer.get_params())
    scales = torch.empty(len(windows), 2)
    for length in torch.unique(windows.encoder_length).tolist():
        alike = (windows.encoder_length == length).nonzero().squeeze(1)
        for some in alike.split(max(1, ELEMENTS_AT_ONCE // max(1, length * values.shape[1]))):
            encoder = stretches(values, windows.start[some], length)[..., column]
            scales[some] = many.fit(encoder).get_parameters()
    return scales


class _ManyEncodersNormalizer(EncoderNormalizer):  # type: ignore[misc]
    """Fits many encoders at once (encoders, length), each as if it were alone, to the last bit."""

    def _set_parameters(self, y_center: Tensor, y_scale: Tensor) -> None:
        super()._set_parameters(y_center, y_scale)
        if self.method == "standard":
            # torch.std takes a lone row's deviations from the row's float32 mean, and those of many rows
            # from exact means. Over a constant row the first is not quite 0, and divides all that follows.
            deviation = y_scale.double() - y_scale.mean(dim=-1, keepdim=True)
            variance = deviation.square().sum(dim=-1) / (y_scale.shape[-1] - 1)
            self.scale_ = variance.sqrt().to(y_scale.dtype) + torch.finfo(y_scale.dtype).eps
