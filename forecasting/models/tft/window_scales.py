"""What a data set's normalizers make of each window: centres and scales, fitted once when a table is made."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from pytorch_forecasting import EncoderNormalizer, MultiNormalizer, TimeSeriesDataSet
from torch import Tensor

from forecasting.models.tft.window_grid import Grid, Windows, stretches

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
    _refuse_what_cannot_be_fitted(dataset, windows)
    target = _scales_by_series(dataset, grid, windows)
    columns: dict[int, Tensor] = {}
    constants: dict[int, Tensor] = {}
    # A normalizer transforms lagged variables with what it was last fitted on, as in the data set.
    fitted: dict[int, Tensor] = {}
    if dataset.add_encoder_length:
        constants[dataset.reals.index("encoder_length")] = _scaled_encoder_length(dataset, windows)

    for number, (name, normalizer) in enumerate(
        zip(dataset.target_names, dataset.target_normalizers, strict=True)
    ):
        if isinstance(normalizer, EncoderNormalizer):
            values = grid.targets[number]
            target[number] = fitted[id(normalizer)] = _fit(normalizer, values[:, None], 0, windows)
            if name in dataset.reals:
                columns[dataset.reals.index(name)] = target[number]
                grid.reals[:, dataset.reals.index(name)] = normalizer.preprocess(values)
            if dataset.add_target_scales:
                constants |= _scale_features(dataset, name, target[number])

    for name in _covariates(dataset):
        normalizer = dataset.get_transformer(name)
        if isinstance(normalizer, EncoderNormalizer):
            column = dataset.reals.index(name)
            if name not in dataset.lagged_variables:
                fitted[id(normalizer)] = _fit_covariate(dataset, column, grid, windows)
            columns[column] = fitted[id(normalizer)]
            grid.reals[:, column] = normalizer.preprocess(grid.reals[:, column].contiguous())
    return Scales(tuple(target), tuple(columns.items()), tuple(constants.items()))


def _refuse_what_cannot_be_fitted(dataset: TimeSeriesDataSet, windows: Windows) -> None:
    rewritten = {
        "relative_time_idx": dataset.add_relative_time_idx,
        "encoder_length": dataset.add_encoder_length,
        dataset.time_idx: bool(windows.gaps.any()),
    }
    for name, normalizer in zip(dataset.target_names, dataset.target_normalizers, strict=True):
        features = dataset.add_target_scales and isinstance(normalizer, EncoderNormalizer)
        rewritten |= {f"{name}_center": features, f"{name}_scale": features}

    for name in dict.fromkeys([*dataset.target_names, *dataset.reals]):
        normalizer = dataset.get_transformer(name)
        if not isinstance(normalizer, EncoderNormalizer):
            continue
        if isinstance(normalizer.transformation, dict):
            raise ValueError(  # noqa: TRY004
                f"the EncoderNormalizer of {name!r} transforms by functions of its own, which may look at a "
                "whole window: name one of pytorch-forecasting's transformations instead"
            )
        if rewritten.get(name, False):
            raise ValueError(
                f"{name!r} is made anew in each window and has an EncoderNormalizer: give it another scaler"
            )


def _covariates(dataset: TimeSeriesDataSet) -> list[str]:
    """Reals that are no target, lagged ones last."""
    names = [name for name in dataset.reals if name not in dataset.target_names]
    return sorted(names, key=lambda name: name in dataset.lagged_variables)


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


def _scaled_encoder_length(dataset: TimeSeriesDataSet, windows: Windows) -> Tensor:
    longest = dataset.max_encoder_length
    scaled: Tensor = (windows.encoder_length.double() - 0.5 * longest) / longest * 2.0
    return scaled


def _scale_features(dataset: TimeSeriesDataSet, target: str, scales: Tensor) -> dict[int, Tensor]:
    """The target's centre and scale as features, by column."""
    features = {}
    for feature, values in zip((f"{target}_center", f"{target}_scale"), scales.unbind(1), strict=True):
        scaled = dataset.transform_values(feature, values.contiguous())
        features[dataset.reals.index(feature)] = torch.as_tensor(scaled)
    return features


def _fit_covariate(dataset: TimeSeriesDataSet, column: int, grid: Grid, windows: Windows) -> Tensor:
    """Centre and scale of one of the reals over each window's encoder (windows, 2).

    Float32 sums depend on how numbers lie in memory. The data set keeps its reals column by column, as pandas
    does, but has a window row by row once it has filled its gaps.
    """
    normalizer = dataset.get_transformer(dataset.reals[column])
    by_row = windows.gaps | (dataset.data["reals"].stride(0) != 1)
    scales = torch.empty(len(windows), 2)
    for values, at, alike in ((grid.reals[:, [column]], 0, ~by_row), (grid.reals, column, by_row)):
        scales[alike] = _fit(normalizer, values, at, windows.take(alike.nonzero().squeeze(1)))
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
