"""The weighted sum of gated residual networks, one network a variable, for all variables at once.

This is nearly all the work of a temporal fusion transformer's variable selection: Lim et al. (2021), Temporal
fusion transformers, International Journal of Forecasting 37(4), equations 2 to 8. Each variable is one number
an hour, so all that stands before its network's first activation is a straight line in that number.
"""

from __future__ import annotations

from itertools import islice
from typing import Any, NamedTuple

import torch
from torch.nn import functional

from forecasting.models.tft.transformer.dropout import dropout, keepers

NUMBERS_IN_A_BLOCK = 6144
"""Rows times variables."""


class Networks(NamedTuple):
    """The parameters of V networks of ``width`` inner and H outer numbers, to be multiplied from the left.

    ``entry`` (V, 2, width): slope and offset before the activation. ``inner`` (V, width + 1, width) and
    ``value``, ``gate`` (V, width + 1, H): weights, then bias. ``skip`` (V, K, H): of the residual. ``scale``,
    ``shift`` (V, H): of the last normalization.
    """

    entry: torch.Tensor
    inner: torch.Tensor
    value: torch.Tensor
    gate: torch.Tensor
    skip: torch.Tensor
    scale: torch.Tensor
    shift: torch.Tensor


def gated_sum(
    line: torch.Tensor,
    skipped: torch.Tensor,
    weight: torch.Tensor,
    networks: Networks,
    share: float,
    epsilon: float,
) -> torch.Tensor:
    """What the networks say of each row's variables, weighted and summed.

    Args:
        line: each variable's number and a 1 (V, rows, 2).
        skipped: what the residual is a linear function of (V, rows, K).
        weight: of each variable (V, rows).
        networks: the parameters.
        share: of the inner numbers to drop; 0 outside training.
        epsilon: added to the variance of the last normalization.

    Returns:
        (rows, H).
    """
    plain_floats = weight.dtype == torch.float32 and not torch.is_autocast_enabled("cpu")
    if line.device.type == "cpu" and plain_floats:
        summed: torch.Tensor = _InBlocks.apply(line, skipped, weight, *networks, share, epsilon)  # type: ignore[no-untyped-call]
        return summed
    return whole_gated_sum(line, skipped, weight, networks, share, epsilon)


def whole_gated_sum(
    line: torch.Tensor,
    skipped: torch.Tensor,
    weight: torch.Tensor,
    networks: Networks,
    share: float,
    epsilon: float,
) -> torch.Tensor:
    """:func:`gated_sum` in a few large operations, as a GPU likes them."""
    entry, inner, value, gate, skip, scale, shift = networks
    hidden = functional.elu(torch.bmm(line, entry))
    hidden = torch.baddbmm(inner[:, -1:], hidden, inner[:, :-1])
    hidden = dropout(hidden, share, training=share > 0)
    opening = torch.sigmoid(torch.baddbmm(gate[:, -1:], hidden, gate[:, :-1]))
    gated = torch.baddbmm(value[:, -1:], hidden, value[:, :-1]) * opening
    standard = functional.layer_norm(torch.baddbmm(gated, skipped, skip), scale.shape[-1:], eps=epsilon)
    scaled: torch.Tensor = (standard * (weight[..., None] * scale[:, None])).sum(dim=0) + weight.t() @ shift
    return scaled


def _carrying_one(networks: Networks) -> Networks:
    """The same networks with a 1 carried beside the inner numbers, so that biases are weights like any other.

    The gate's are turned round: 1 / (1 + exp(x)) opens where x is low.
    """
    width = networks.inner.shape[-1]
    one = functional.one_hot(torch.tensor(width), width + 1).to(networks.entry.dtype)
    return networks._replace(
        entry=functional.pad(networks.entry, (0, 1)) + one * torch.tensor([[0.0], [1.0]]),
        inner=functional.pad(networks.inner, (0, 1)) + one * one[:, None],
        gate=-networks.gate,
    )


def gated_each(line: torch.Tensor, skipped: torch.Tensor, networks: Networks, epsilon: float) -> torch.Tensor:
    """What each network says of each row, without weights, sum or dropout (V, rows, H)."""
    walked = _block(line, skipped, None, _carrying_one(networks), epsilon)
    scaled = walked.standard.mul_(networks.scale[:, None])
    return scaled.add_(networks.shift[:, None])


class _Block(NamedTuple):
    """What one block of rows passes through; all (V, rows, ·), ``keep`` only where numbers are dropped."""

    keep: torch.Tensor | None
    activated: torch.Tensor
    hidden: torch.Tensor
    opening: torch.Tensor
    gated: torch.Tensor
    standard: torch.Tensor
    rate: torch.Tensor


def _block(
    line: torch.Tensor,
    skipped: torch.Tensor,
    keep: torch.Tensor | None,
    networks: Networks,
    epsilon: float,
) -> _Block:
    """Walk a block of rows, small enough to stay in a processor's cache, up to the last scale and shift."""
    raw = torch.bmm(line, networks.entry)
    # As ELU does, at a third of its cost: what exp(x) - 1 loses near 0 is lost in the sums' rounding anyway.
    activated = raw.clamp(max=0.0).exp_().sub_(1.0).add_(raw.clamp_(min=0.0))
    hidden = torch.bmm(activated, networks.inner)
    if keep is not None:
        hidden[..., :-1].mul_(keep)
    opening = torch.bmm(hidden, networks.gate).exp_().add_(1.0).reciprocal_()
    gated = torch.bmm(hidden, networks.value).mul_(opening)
    mixed = torch.bmm(skipped, networks.skip).add_(gated)
    # Sums and norms, divided: PyTorch's mean of a short axis takes twice the time of its sum.
    outer = mixed.shape[-1]
    centred = mixed.sub_(mixed.sum(dim=-1, keepdim=True).div_(outer))
    norm = torch.linalg.vector_norm(centred, dim=-1, keepdim=True)
    rate = norm.square_().div_(outer).add_(epsilon).rsqrt_()
    return _Block(keep, activated, hidden, opening, gated, centred.mul_(rate), rate)


class _InBlocks(torch.autograd.Function):
    """:func:`gated_sum` block by block of rows.

    The way back reads what each block passed through: to make it anew takes longer than to keep it.
    """

    @staticmethod
    def forward(ctx: Any, *arguments: Any) -> torch.Tensor:
        line, skipped, weight, *parameters, share, epsilon = arguments
        networks = Networks(*parameters)
        carrying = _carrying_one(networks)
        variables, width = len(networks.inner), networks.inner.shape[-1]
        learning = any(ctx.needs_input_grad)
        passed: list[torch.Tensor | None] = []
        summed: torch.Tensor = weight.t() @ networks.shift
        for block in _blocks(line):
            rows = line[:, block]
            keep = keepers((variables, rows.shape[1], width), share) if share > 0 else None
            walked = _block(rows, skipped[:, block], keep, carrying, epsilon)
            spoken = (walked.standard * networks.scale[:, None]).mul_(weight[:, block, None])
            summed[block] += spoken.sum(dim=0)
            passed += walked if learning else ()
        ctx.save_for_backward(line, skipped, weight, *networks, *passed)
        return summed

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        line, skipped, weight, *saved = ctx.saved_tensors
        networks, passed = Networks(*saved[:_PARAMETERS]), iter(saved[_PARAMETERS:])
        to = Networks(*(torch.zeros_like(parameter) for parameter in networks))
        gradient = gradients[0].contiguous()
        to.shift.copy_(weight @ gradient)
        to_weight = (gradient @ networks.shift.t()).t().contiguous()
        to_skipped = torch.empty_like(skipped)
        for block in _blocks(line):
            walked = _Block(*islice(passed, len(_Block._fields)))
            to_mixed = _through_normalization(
                walked, gradient[block], weight[:, block, None], networks, to, to_weight[:, block]
            )
            to_skipped[:, block] = torch.bmm(to_mixed, networks.skip.transpose(1, 2))
            to.skip.baddbmm_(skipped[:, block].transpose(1, 2), to_mixed)
            _through_network(walked, to_mixed, line[:, block], networks, to)
        return None, to_skipped, to_weight, *to, None, None


_PARAMETERS = len(Networks._fields)


def _blocks(line: torch.Tensor) -> list[slice]:
    variables, rows, _ = line.shape
    size = max(1, NUMBERS_IN_A_BLOCK // variables)
    return [slice(first, min(first + size, rows)) for first in range(0, rows, size)]


def _through_normalization(
    walked: _Block,
    gradient: torch.Tensor,
    weight: torch.Tensor,
    networks: Networks,
    to: Networks,
    to_weight: torch.Tensor,
) -> torch.Tensor:
    """The gradient that reaches what is normalized; those of scale and weight are added on the way."""
    scale = networks.scale
    outer = scale.shape[-1]
    felt = walked.standard * gradient
    to.scale.add_(torch.bmm(weight.transpose(1, 2), felt)[:, 0])
    along = torch.bmm(felt, scale[:, :, None])
    to_weight.add_(along[..., 0])
    mean = (gradient @ scale.t()).t()[..., None] / outer
    arriving: torch.Tensor = torch.addcmul(-mean, gradient, scale[:, None], out=felt)
    arriving.addcmul_(walked.standard, along, value=-1.0 / outer)
    arriving.mul_(weight * walked.rate)
    return arriving


def _through_network(
    walked: _Block, to_mixed: torch.Tensor, line: torch.Tensor, networks: Networks, to: Networks
) -> None:
    """Add the gradients of the gate, the inner layer and the entry."""
    to_value = to_mixed * walked.opening
    opened = to_mixed.mul_(walked.gated)
    to_gate = torch.addcmul(opened, opened, walked.opening, value=-1.0)
    hidden = walked.hidden.transpose(1, 2)
    to.value.baddbmm_(hidden, to_value)
    to.gate.baddbmm_(hidden, to_gate)
    to_inner = torch.bmm(to_value, networks.value[:, :-1].transpose(1, 2))
    to_inner.baddbmm_(to_gate, networks.gate[:, :-1].transpose(1, 2))
    if walked.keep is not None:
        to_inner.mul_(walked.keep)
    to.inner.baddbmm_(walked.activated.transpose(1, 2), to_inner)
    to_activated = torch.bmm(to_inner, networks.inner[:, :-1].transpose(1, 2))
    to_raw = torch.ops.aten.elu_backward(to_activated, 1.0, 1, 1, True, walked.activated[..., :-1])
    to.entry.baddbmm_(line.transpose(1, 2), to_raw)
