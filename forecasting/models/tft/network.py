"""The temporal fusion transformer, built from plain numbers."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from pytorch_forecasting.data.encoders import TorchNormalizer

from forecasting.config import Likelihood
from forecasting.models.tft.heads import Head, head_of
from forecasting.models.tft.hours import STATIC_CATEGORIES
from forecasting.models.tft.scenes import (
    DECODER_REALS,
    ENCODER_REALS,
    REALS,
    STATIC_REALS,
    WEATHER_REALS,
    Scene,
)
from forecasting.models.tft.transformer.fast import FastTransformer

UNLEARNED_SHARE = 0.1
LARGEST_EMBEDDING = 8


@dataclass(frozen=True)
class Shape:
    """Everything needed to build the same network again."""

    levels: tuple[float, ...]
    categories: dict[str, int]
    encoder_hours: int
    hidden_size: int
    attention_heads: int
    dropout: float
    likelihood: Likelihood = Likelihood.QUANTILE
    weather: bool = False
    """Whether it is shown the temperature of the hours ahead."""

    @classmethod
    def read(cls, described: dict[str, Any]) -> Self:
        """What ``dataclasses.asdict`` and JSON made of a shape; before there was a choice, of quantiles."""
        likelihood = Likelihood(described.get("likelihood", Likelihood.QUANTILE))
        return cls(**{**described, "levels": tuple(described["levels"]), "likelihood": likelihood})


def build_network(shape: Shape) -> Any:
    """A network that, before it has learned anything, changes little of what the climate expects.

    Its output (batch, lead_hours, outputs) is what its head reads: see :mod:`forecasting.models.tft.heads`.
    """
    head = head_of(shape.likelihood, shape.levels)
    with warnings.catch_warnings():
        # It warns of its own loss being among its own parameters.
        warnings.filterwarnings("ignore", message="Attribute .* is an instance of `nn.Module`")
        network = _transformer(shape, head)
    network.head = head
    network.whole_windows = True
    network.explains = False
    # Kept where the network lies: making them anew each step would wait for the device.
    network.register_buffer("levels", torch.tensor(shape.levels), persistent=False)
    network.register_buffer("no_scale", torch.tensor([0.0, 1.0]), persistent=False)
    with torch.no_grad():
        network.output_layer.weight.mul_(UNLEARNED_SHARE)
        network.output_layer.bias.zero_()
    return network


def _transformer(shape: Shape, head: Head) -> Any:
    weather = WEATHER_REALS if shape.weather else ()
    sizes = {name: (size, min(size, LARGEST_EMBEDDING)) for name, size in shape.categories.items()}
    return FastTransformer(
        hidden_size=shape.hidden_size,
        hidden_continuous_size=max(4, shape.hidden_size // 2),
        attention_head_size=shape.attention_heads,
        dropout=shape.dropout,
        output_size=head.outputs,
        loss=head.stock,
        logging_metrics=torch.nn.ModuleList(),
        max_encoder_length=shape.encoder_hours,
        static_categoricals=list(STATIC_CATEGORIES),
        static_reals=list(STATIC_REALS),
        time_varying_reals_encoder=list(ENCODER_REALS),
        time_varying_reals_decoder=[*DECODER_REALS, *weather],
        x_categoricals=list(STATIC_CATEGORIES),
        x_reals=[*REALS, *weather],
        embedding_sizes=sizes,
        output_transformer=TorchNormalizer(method="identity", center=False),
    )


def tensors(scene: Scene, jitter: np.ndarray | None = None) -> dict[str, torch.Tensor]:
    """A scene as tensors, with what came, whether it is known, and in how many hours it is.

    With ``jitter`` (batch, lead_hours), even between -0.5 and 0.5, what came is spread over its whole number,
    so that quantiles of counts can be learned smoothly and rounded: Machado and Santos Silva (2005),
    Quantiles for counts, JASA 100(472).
    """
    known = ~np.isnan(scene.value)
    value = np.where(known, scene.value, 0.0)
    if jitter is not None:
        value = value + jitter
    arrays = {
        "encoder": scene.encoder,
        "decoder": scene.decoder,
        "centre": scene.centre,
        "unit": scene.unit,
        "start": scene.start,
        "value": value,
        "known": known,
    }
    return {
        "categories": torch.from_numpy(scene.categories).long(),
        "hours_known": torch.tensor(max(float(known.sum()), 1.0)),
        **{name: torch.from_numpy(array).float() for name, array in arrays.items()},
    }


def answer(network: Any, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """Quantiles in patients, neither rounded nor in order (batch, lead_hours, levels)."""
    patients: torch.Tensor = network.head.quantiles(_numbers(network, batch), batch, network.levels)
    return patients


def lost(network: Any, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """What the network learns to lower."""
    loss: torch.Tensor = network.head.lost(_numbers(network, batch), batch, network.levels)
    return loss


def _numbers(network: Any, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    numbers: torch.Tensor = output(network, batch)["prediction"].float()
    return numbers


def output(network: Any, batch: dict[str, torch.Tensor]) -> Any:
    """All that the network gives, as pytorch-forecasting names it; its prediction is what its head reads."""
    size, encoder_hours, _ = batch["encoder"].shape
    lead_hours = batch["decoder"].shape[1]
    categories = batch["categories"][:, None, :]
    return network(
        {
            "encoder_cat": categories.expand(-1, encoder_hours, -1),
            "decoder_cat": categories.expand(-1, lead_hours, -1),
            "encoder_cont": batch["encoder"],
            "decoder_cont": batch["decoder"],
            "encoder_lengths": torch.full((size,), encoder_hours, device=categories.device),
            "decoder_lengths": torch.full((size,), lead_hours, device=categories.device),
            "target_scale": network.no_scale.expand(size, 2),
        }
    )


def in_order(patients: torch.Tensor) -> torch.Tensor:
    """Quantiles that rise with their level and are not negative, between the counts."""
    return patients.sort(dim=-1).values.clamp(min=0.0)


def whole_patients(patients: torch.Tensor) -> torch.Tensor:
    """Quantiles in order, not negative, whole."""
    return in_order(patients).round()
