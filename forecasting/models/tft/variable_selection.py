"""Variable selection of a temporal fusion transformer, for all variables at once.

It reads the parameters of pytorch-forecasting's own module and gives what that module gives.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import torch
from torch.nn import functional

from forecasting.models.tft.gated_sum import Networks, gated_sum
from forecasting.models.tft.gating import gate_add_norm


def can_select(selection: Any, reals: Sequence[str]) -> bool:
    """Whether :func:`select` knows the module: two or more variables, all of them reals of one width."""
    names = list(selection.input_sizes)
    same_width = len(set(selection.input_sizes.values())) == 1
    return len(names) > 1 and same_width and set(names) <= set(reals)


def select(selection: Any, values: torch.Tensor, context: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The variables' networks weighted by what the context makes of them.

    Args:
        selection: pytorch-forecasting's ``VariableSelectionNetwork``.
        values: of its variables, in its order (batch, hours, variables).
        context: the static context (batch, hidden).

    Returns:
        The selected embedding (batch, hours, hidden), and the weights (batch, hours, 1, variables).
    """
    batch, hours, variables = values.shape
    names = list(selection.input_sizes)
    grns = [selection.single_variable_grns[name] for name in names]
    scalers = [selection.prescalers[name] for name in names]
    slopes = torch.stack([scaler.weight[:, 0] for scaler in scalers])
    embedding = torch.stack([slopes, torch.stack([scaler.bias for scaler in scalers])], dim=1)

    weights = _weights(selection.flattened_grn, values, embedding, context)
    rows = values.reshape(-1, variables).t().contiguous()
    line = torch.stack([rows, torch.ones_like(rows)], dim=-1)
    skipped, skip = _residual(grns, rows, line, embedding)
    selected = gated_sum(
        line,
        skipped,
        weights.reshape(-1, variables).t().contiguous(),
        _networks(grns, embedding, skip),
        share=selection.dropout if selection.training else 0.0,
        epsilon=grns[0].gate_norm.add_norm.norm.eps,
    )
    return selected.view(batch, hours, -1), weights.unsqueeze(-2)


def _networks(grns: Sequence[Any], embedding: torch.Tensor, skip: torch.Tensor) -> Networks:
    entry = embedding @ _stacked(grns, lambda grn: grn.fc1.weight.t())
    offset = _stacked(grns, lambda grn: grn.fc1.bias)
    values, gates = _stacked(grns, lambda grn: _weights_and_bias(grn.gate_norm.glu.fc)).chunk(2, dim=-1)
    return Networks(
        entry=torch.stack([entry[:, 0], entry[:, 1] + offset], dim=1),
        inner=_stacked(grns, lambda grn: _weights_and_bias(grn.fc2)),
        value=values,
        gate=gates,
        skip=skip,
        scale=_stacked(grns, lambda grn: grn.gate_norm.add_norm.norm.weight),
        shift=_stacked(grns, lambda grn: grn.gate_norm.add_norm.norm.bias),
    )


def _stacked(grns: Sequence[Any], part: Callable[[Any], torch.Tensor]) -> torch.Tensor:
    return torch.stack([part(grn) for grn in grns])


def _weights_and_bias(linear: torch.nn.Linear) -> torch.Tensor:
    return torch.cat([linear.weight.t(), linear.bias[None]])


def _residual(
    grns: Sequence[Any], rows: torch.Tensor, line: torch.Tensor, embedding: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """The networks' residuals, as what they are linear in (V, rows, K) and the coefficients (V, K, hidden).

    A residual is the embedding itself, or the embedding stretched to the hidden size and normalized.
    Stretched, it is still a straight line in its variable, so that its mean and variance over the hidden size
    are known without it being made.
    """
    width, hidden = grns[0].input_size, grns[0].output_size
    if width == hidden:
        return line, embedding
    stretched = embedding @ _stretch(width, hidden, embedding.device)
    if grns[0].resample_norm.trainable_add:
        stretched = stretched * _opened(_stacked(grns, lambda grn: grn.resample_norm.mask))[:, None]
    centred = stretched - stretched.mean(dim=-1, keepdim=True)
    slope, offset = centred.unbind(dim=1)
    spread = (slope * slope).mean(-1)[:, None] * rows.square() + (offset * offset).mean(-1)[:, None]
    variance = spread + 2 * (slope * offset).mean(-1)[:, None] * rows
    rate = torch.rsqrt(variance + grns[0].resample_norm.norm.eps)
    scale = _stacked(grns, lambda grn: grn.resample_norm.norm.weight)
    shift = _stacked(grns, lambda grn: grn.resample_norm.norm.bias)
    skipped = torch.stack([rows * rate, rate, torch.ones_like(rows)], dim=-1)
    return skipped, torch.stack([slope * scale, offset * scale, shift], dim=1)


def _weights(grn: Any, values: torch.Tensor, embedding: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
    """Softmax of the network that reads all embeddings side by side (batch, hours, variables).

    It never sees the embeddings: what it does first with them is linear, so it is done to their coefficients.
    """
    variables, _, width = embedding.shape
    into = grn.fc1.weight.view(-1, variables, width)
    slope, offset = torch.einsum("hvw,vpw->pvh", into, embedding)
    hidden = values @ slope + (offset.sum(dim=0) + grn.fc1.bias)
    hidden = hidden + grn.context(context)[:, None]
    hidden = grn.fc2(functional.elu(hidden))
    if grn.input_size == grn.output_size:
        residual = (values[..., None] * embedding[:, 0] + embedding[:, 1]).flatten(start_dim=2)
    else:
        stretch = _stretch(variables * width, variables, values.device).view(variables, width, variables)
        slope, offset = torch.einsum("vpw,vwo->pvo", embedding, stretch)
        residual = values @ slope + offset.sum(dim=0)
        if grn.resample_norm.trainable_add:
            residual = residual * _opened(grn.resample_norm.mask)
        residual = grn.resample_norm.norm(residual)
    return torch.softmax(gate_add_norm(grn.gate_norm, hidden, residual), dim=-1)


def _opened(mask: torch.Tensor) -> torch.Tensor:
    return 2.0 * torch.sigmoid(mask)


@cache
def _stretch(width: int, wider: int, device: torch.device) -> torch.Tensor:
    """Linear interpolation from ``width`` to ``wider`` numbers, as a matrix."""
    each = torch.eye(width, device=device)[:, None]
    return functional.interpolate(each, wider, mode="linear", align_corners=True)[:, 0]
