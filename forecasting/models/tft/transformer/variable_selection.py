"""Variable selection of a temporal fusion transformer, for all variables at once.

It reads the parameters of pytorch-forecasting's own module and gives what that module gives.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import torch
from torch.nn import functional

from forecasting.models.tft.transformer.gated_sum import Networks, gated_each, gated_sum
from forecasting.models.tft.transformer.gating import gate_add_norm


def can_select(selection: Any, reals: Sequence[str]) -> bool:
    """Whether :func:`select` knows the module: two or more variables, all of them reals of one width."""
    names = list(selection.input_sizes)
    same_width = len(set(selection.input_sizes.values())) == 1
    return len(names) > 1 and same_width and set(names) <= set(reals)


def select(selection: Any, values: torch.Tensor, context: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The variables' networks weighted by what the context makes of them.

    Where nothing is learned, what all windows share is worked out once.

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
    share = selection.dropout if selection.training else 0.0
    shared = _shared(values) if not torch.is_grad_enabled() and not share else []
    own = [number for number in range(variables) if number not in shared]
    selected = values.new_zeros(())
    if own:
        summed = _own_sum(grns, embedding, values, weights, own, share)
        selected = selected + summed.view(batch, hours, -1)
    if shared:
        selected = selected + _shared_sum(grns, embedding, values, weights, shared)
    return selected, weights.unsqueeze(-2)


def _shared(values: torch.Tensor) -> list[int]:
    """Which variables are the same in all windows, as the calendar is where all start at one hour."""
    if values.device.type != "cpu" or len(values) == 1:
        return []
    same = (values == values[:1]).flatten(0, 1).all(dim=0)
    return [number for number, shared in enumerate(same.tolist()) if shared]


def _own_sum(
    grns: Sequence[Any],
    embedding: torch.Tensor,
    values: torch.Tensor,
    weights: torch.Tensor,
    numbers: list[int],
    share: float,
) -> torch.Tensor:
    """The weighted sum over variables that differ from window to window (batch x hours, hidden)."""
    networks, line, skipped = _prepared(grns, embedding, values.flatten(0, 1), numbers)
    weight = weights.flatten(0, 1)[:, numbers].t().contiguous()
    return gated_sum(line, skipped, weight, networks, share, _epsilon(grns))


def _shared_sum(
    grns: Sequence[Any],
    embedding: torch.Tensor,
    values: torch.Tensor,
    weights: torch.Tensor,
    numbers: list[int],
) -> torch.Tensor:
    """The weighted sum over variables that all windows share (batch, hours, hidden)."""
    networks, line, skipped = _prepared(grns, embedding, values[0], numbers)
    said = gated_each(line, skipped, networks, _epsilon(grns))
    return torch.einsum("bhv,vho->bho", weights[..., numbers], said)


def _prepared(
    grns: Sequence[Any], embedding: torch.Tensor, values: torch.Tensor, numbers: list[int]
) -> tuple[Networks, torch.Tensor, torch.Tensor]:
    """The networks of some variables, and what they are given of the values (rows, variables)."""
    chosen = [grns[number] for number in numbers]
    rows = values[:, numbers].t().contiguous()
    line = torch.stack([rows, torch.ones_like(rows)], dim=-1)
    skipped, skip = _residual(chosen, rows, line, embedding[numbers])
    return _networks(chosen, embedding[numbers], skip), line, skipped


def _epsilon(grns: Sequence[Any]) -> float:
    return float(grns[0].gate_norm.add_norm.norm.eps)


def _networks(grns: Sequence[Any], embedding: torch.Tensor, skip: torch.Tensor) -> Networks:
    entry = embedding @ _stacked(grns, lambda grn: grn.fc1.weight).transpose(1, 2)
    offset = _stacked(grns, lambda grn: grn.fc1.bias)
    values, gates = _weights_and_biases([grn.gate_norm.glu.fc for grn in grns]).chunk(2, dim=-1)
    return Networks(
        entry=torch.stack([entry[:, 0], entry[:, 1] + offset], dim=1),
        inner=_weights_and_biases([grn.fc2 for grn in grns]),
        value=values,
        gate=gates,
        skip=skip,
        scale=_stacked(grns, lambda grn: grn.gate_norm.add_norm.norm.weight),
        shift=_stacked(grns, lambda grn: grn.gate_norm.add_norm.norm.bias),
    )


def _stacked(grns: Sequence[Any], part: Callable[[Any], torch.Tensor]) -> torch.Tensor:
    return torch.stack([part(grn) for grn in grns])


def _weights_and_biases(layers: Sequence[torch.nn.Linear]) -> torch.Tensor:
    """(layers, inputs + 1, outputs)."""
    weights = torch.stack([layer.weight for layer in layers]).transpose(1, 2)
    return torch.cat([weights, torch.stack([layer.bias for layer in layers])[:, None]], dim=1)


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
    return _softmax(gate_add_norm(grn.gate_norm, hidden, residual))


def _softmax(values: torch.Tensor) -> torch.Tensor:
    """Along the last axis; PyTorch's own is ten times slower where that is short and no multiple of 16."""
    exponential = (values - values.detach().amax(dim=-1, keepdim=True)).exp()
    return exponential / exponential.sum(dim=-1, keepdim=True)


def _opened(mask: torch.Tensor) -> torch.Tensor:
    return 2.0 * torch.sigmoid(mask)


# Kept for later steps: a tensor made while validating could not be learned through.
@cache
@torch.inference_mode(mode=False)
def _stretch(width: int, wider: int, device: torch.device) -> torch.Tensor:
    """Linear interpolation from ``width`` to ``wider`` numbers, as a matrix."""
    each = torch.eye(width, device=device)[:, None]
    return functional.interpolate(each, wider, mode="linear", align_corners=True)[:, 0]
