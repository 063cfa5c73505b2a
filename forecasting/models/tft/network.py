"""The temporal fusion transformer, built from plain numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from pytorch_forecasting import TemporalFusionTransformer
from pytorch_forecasting.data.encoders import TorchNormalizer
from pytorch_forecasting.metrics import QuantileLoss

from forecasting.models.tft.windows import (
    DECODER_REALS,
    ENCODER_REALS,
    REALS,
    STATIC_CATEGORIES,
    STATIC_REALS,
    Scene,
)


@dataclass(frozen=True)
class Shape:
    """Everything needed to build the same network again."""

    levels: tuple[float, ...]
    categories: dict[str, int]
    encoder_hours: int
    hidden_size: int
    attention_heads: int
    dropout: float


def build_network(shape: Shape) -> Any:
    """A network that, before it has learned anything, changes little of what the climate expects.

    Its output (batch, lead_hours, levels) is on the scale of :class:`~forecasting.models.tft.windows.Scene`.
    """
    network = TemporalFusionTransformer(
        hidden_size=shape.hidden_size,
        hidden_continuous_size=max(4, shape.hidden_size // 2),
        attention_head_size=shape.attention_heads,
        dropout=shape.dropout,
        output_size=len(shape.levels),
        loss=QuantileLoss(list(shape.levels)),
        logging_metrics=torch.nn.ModuleList(),
        max_encoder_length=shape.encoder_hours,
        static_categoricals=list(STATIC_CATEGORIES),
        static_reals=list(STATIC_REALS),
        time_varying_reals_encoder=list(ENCODER_REALS),
        time_varying_reals_decoder=list(DECODER_REALS),
        x_categoricals=list(STATIC_CATEGORIES),
        x_reals=list(REALS),
        embedding_sizes={name: (size, min(size, 8)) for name, size in shape.categories.items()},
        output_transformer=TorchNormalizer(method="identity", center=False),
    )
    with torch.no_grad():
        network.output_layer.weight.mul_(0.1)
        network.output_layer.bias.zero_()
    return network


def _inputs(scene: Scene) -> dict[str, torch.Tensor]:
    """A scene as the network's forward pass reads it."""
    batch, encoder_hours, _ = scene.encoder.shape
    lead_hours = scene.decoder.shape[1]
    categories = torch.from_numpy(scene.categories).long()[:, None, :]
    return {
        "encoder_cat": categories.expand(-1, encoder_hours, -1),
        "decoder_cat": categories.expand(-1, lead_hours, -1),
        "encoder_cont": torch.from_numpy(scene.encoder),
        "decoder_cont": torch.from_numpy(scene.decoder),
        "encoder_lengths": torch.full((batch,), encoder_hours),
        "decoder_lengths": torch.full((batch,), lead_hours),
        "target_scale": torch.tensor([0.0, 1.0]).expand(batch, 2),
    }


def pinball(network: Any, scene: Scene, value: np.ndarray) -> torch.Tensor:
    """Twice the mean pinball loss of a batch, in patients, over the hours where ``value`` is known.

    Args:
        network: as :func:`build_network` made it.
        scene: the batch.
        value: what came, in patients (batch, lead_hours); NaN where not known.
    """
    device = next(network.parameters()).device
    known = ~np.isnan(value)
    outcome = np.where(known, (value - scene.centre) / scene.unit, 0.0)
    weight = torch.from_numpy(np.where(known, scene.unit, 0.0)).float().to(device)
    answer = _answer(network, scene, device)
    losses: torch.Tensor = network.loss.loss(answer, torch.from_numpy(outcome).float().to(device))
    return (losses.mean(dim=-1) * weight).sum() / max(1, int(known.sum()))


def quantiles(network: Any, scene: Scene) -> np.ndarray:
    """Quantiles in whole patients (batch, lead_hours, levels)."""
    device = next(network.parameters()).device
    network.eval()
    with torch.no_grad():
        answer = _answer(network, scene, device).double().cpu().numpy()
    return np.rint(np.maximum(scene.centre[..., None] + scene.unit[..., None] * np.sort(answer, axis=-1), 0.0))


def _answer(network: Any, scene: Scene, device: torch.device) -> torch.Tensor:
    read = {name: tensor.to(device) for name, tensor in _inputs(scene).items()}
    correction: torch.Tensor = network(read)["prediction"]
    return correction.float() + torch.from_numpy(scene.start).float().to(device)
