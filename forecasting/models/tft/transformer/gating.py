"""The gates of a temporal fusion transformer, with the parameters of pytorch-forecasting's own modules."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional

from forecasting.models.tft.transformer.dropout import dropout


def gated_linear_unit(unit: Any, values: torch.Tensor) -> torch.Tensor:
    """What ``GatedLinearUnit`` gives."""
    if unit.dropout is not None:
        values = dropout(values, unit.dropout.p, training=unit.training)
    # Two products of contiguous halves: PyTorch's own gated unit is slow where the halves are small.
    weight, opening = unit.fc.weight.chunk(2)
    offset, opening_offset = unit.fc.bias.chunk(2)
    opened = torch.sigmoid(functional.linear(values, opening, opening_offset))
    return functional.linear(values, weight, offset) * opened


def gate_add_norm(gate: Any, values: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
    """What ``GateAddNorm`` gives."""
    normalized: torch.Tensor = gate.add_norm(gated_linear_unit(gate.glu, values), skip)
    return normalized


def gated_residual(grn: Any, values: torch.Tensor, context: torch.Tensor | None = None) -> torch.Tensor:
    """What a ``GatedResidualNetwork`` of one size gives; a window's context is not spread over its hours.

    Args:
        grn: the module.
        values: (batch, hours, hidden).
        context: (batch, hidden).
    """
    hidden = grn.fc1(values)
    if context is not None:
        hidden = hidden + grn.context(context)[:, None]
    return gate_add_norm(grn.gate_norm, grn.fc2(functional.elu(hidden)), values)
