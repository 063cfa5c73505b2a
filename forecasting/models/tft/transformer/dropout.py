"""Dropout whose random numbers cost little where there is no GPU."""

from __future__ import annotations

import torch
from torch.nn import functional

_LEVELS = 2**16
_DRAWS_IN_A_WORD = 4


def dropout(values: torch.Tensor, share: float, *, training: bool) -> torch.Tensor:
    """Set a random ``share`` of the values to zero while training, and raise the rest to keep their mean."""
    if not training or share == 0.0:
        return values
    if values.device.type != "cpu":
        return functional.dropout(values, share)
    return values * keepers(tuple(values.shape), share)


def keepers(shape: tuple[int, ...], share: float) -> torch.Tensor:
    """What to multiply values with: 0 for a ``share`` of them, to the nearest 1/65536, 1 / (1 - share) else.

    Four draws are read from each random 64-bit word; PyTorch's own mask takes a word for each.
    """
    drop = round(share * _LEVELS)
    count = int(torch.Size(shape).numel())
    words = torch.empty(-(-count // _DRAWS_IN_A_WORD), dtype=torch.int64).random_(-(2**63), None)
    draws = words.view(torch.int16)[:count].view(shape)
    # In place: PyTorch compares into numbers faster than into booleans.
    return draws.ge_(drop - _LEVELS // 2).to(torch.float32).mul_(_LEVELS / (_LEVELS - drop))
