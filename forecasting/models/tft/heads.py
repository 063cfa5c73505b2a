"""What the network's numbers of an hour say: its quantiles, or the law of a count; and what they lose."""

from __future__ import annotations

from functools import partial
from typing import Any, Protocol

import torch
from pytorch_forecasting.metrics import NegativeBinomialDistributionLoss, QuantileLoss
from torch.distributions import NegativeBinomial

from forecasting.config import Likelihood, Training
from forecasting.models.tft.scenes import ROUNDING_VARIANCE
from forecasting.schema import Target

Batch = dict[str, torch.Tensor]

SMALLEST_EXCESS = 0.05
"""Variance over mean less 1 that a count's law begins with at least: from 0 there is no way up."""
LARGEST_LOG_FACTOR = 4.0


class Head(Protocol):
    """The end of a network: ``numbers`` are its output (batch, lead_hours, outputs)."""

    outputs: int
    """Numbers an hour."""
    stock: Any
    """The loss as pytorch-forecasting has it."""

    def quantiles(self, numbers: torch.Tensor, batch: Batch, levels: torch.Tensor) -> torch.Tensor:
        """Quantiles in patients, neither rounded nor in order (batch, lead_hours, levels)."""
        ...

    def lost(self, numbers: torch.Tensor, batch: Batch, levels: torch.Tensor) -> torch.Tensor:
        """What is lowered: mean over the hours whose value is known."""
        ...


class QuantileHead:
    """A correction of each quantile, in standard deviations; it lowers the pinball loss in patients."""

    def __init__(self, levels: tuple[float, ...]) -> None:
        self.outputs = len(levels)
        self.stock = QuantileLoss(list(levels))

    def quantiles(self, numbers: torch.Tensor, batch: Batch, levels: torch.Tensor) -> torch.Tensor:
        """See :class:`Head`."""
        standard = batch["start"] + numbers
        patients: torch.Tensor = batch["centre"][..., None] + batch["unit"][..., None] * standard
        return patients

    def lost(self, numbers: torch.Tensor, batch: Batch, levels: torch.Tensor) -> torch.Tensor:
        """See :class:`Head`."""
        return pinball(self.quantiles(numbers, batch, levels), batch, levels)


class CountHead:
    """A negative binomial count: a factor of the mean that was expected, and one of its overdispersion.

    It lowers the negative log likelihood.
    """

    outputs = 2

    def __init__(self) -> None:
        self.stock = _CountLoss()

    def law(self, numbers: torch.Tensor, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean, and variance over mean less 1, of each hour (batch, lead_hours)."""
        centre, unit = batch["centre"], batch["unit"]
        # The first number is in standard deviations, as a quantile's correction is.
        factor = (numbers[..., 0] * unit / centre).clamp(-LARGEST_LOG_FACTOR, LARGEST_LOG_FACTOR)
        expected = (unit.square() - ROUNDING_VARIANCE) / centre - 1.0
        more = numbers[..., 1].clamp(-LARGEST_LOG_FACTOR, LARGEST_LOG_FACTOR)
        return centre * factor.exp(), expected.clamp(min=SMALLEST_EXCESS) * more.exp()

    def quantiles(self, numbers: torch.Tensor, batch: Batch, levels: torch.Tensor) -> torch.Tensor:
        """See :class:`Head`."""
        return count_quantiles(*self.law(numbers, batch), levels)

    def lost(self, numbers: torch.Tensor, batch: Batch, levels: torch.Tensor) -> torch.Tensor:
        """See :class:`Head`."""
        mean, excess = self.law(numbers, batch)
        losses = self.stock.loss(torch.stack([mean, excess / mean], dim=-1), batch["value"])
        lost: torch.Tensor = (losses * batch["known"]).sum() / batch["hours_known"]
        return lost


class _CountLoss(NegativeBinomialDistributionLoss):  # type: ignore[misc]
    """The stock loss of a mean and a shape, into which :class:`CountHead` has made the numbers."""

    # Whether every value is a count would be looked up at each step, and wait for the device.
    distribution_class = staticmethod(partial(NegativeBinomial, validate_args=False))

    def rescale_parameters(self, parameters: torch.Tensor, target_scale: torch.Tensor, encoder: Any) -> Any:
        """As they are."""
        return parameters


def likelihood_of(training: Training, target: Target) -> Likelihood:
    """What a network of the target learns by; a census spreads less than counts do, so by its quantiles."""
    return training.likelihood if target is Target.ED_ARRIVALS else Likelihood.QUANTILE


def head_of(likelihood: Likelihood, levels: tuple[float, ...]) -> Head:
    """The end of a network that learns by that likelihood."""
    return CountHead() if likelihood is Likelihood.NEGATIVE_BINOMIAL else QuantileHead(levels)


def count_quantiles(mean: torch.Tensor, excess: torch.Tensor, levels: torch.Tensor) -> torch.Tensor:
    """Quantiles of negative binomial counts whose mass is spread evenly around each (..., levels).

    By the Cornish-Fisher expansion up to kurtosis: Abramowitz and Stegun (1964), Handbook of mathematical
    functions, 26.2.49; on any device, where a negative binomial's own quantiles are not at hand.

    Args:
        mean: expected counts (...).
        excess: variance over mean, less 1 (...).
        levels: quantile levels, rising.
    """
    dispersion = 1.0 + excess
    variance = dispersion * mean + ROUNDING_VARIANCE
    skewness = dispersion * (2.0 * dispersion - 1.0) * mean / variance**1.5
    # Of the whole mass; being spread evenly over an hour's count takes 1 / 120 off.
    fourth = dispersion * (1.0 + 6.0 * excess * dispersion) * mean - 1.0 / 120.0
    kurtosis = fourth / variance.square()
    normal = torch.special.ndtri(levels)
    standard = (
        normal
        + (normal**2 - 1.0) / 6.0 * skewness[..., None]
        + (normal**3 - 3.0 * normal) / 24.0 * kurtosis[..., None]
        - (2.0 * normal**3 - 5.0 * normal) / 36.0 * skewness[..., None].square()
    )
    quantiles: torch.Tensor = mean[..., None] + variance.sqrt()[..., None] * standard
    return quantiles


def pinball(patients: torch.Tensor, batch: Batch, levels: torch.Tensor) -> torch.Tensor:
    """Twice the pinball loss in patients, mean over levels and the hours whose value is known."""
    losses = pinball_loss(patients, batch["value"], levels)
    return (losses * batch["known"]).sum() / batch["hours_known"]


def pinball_loss(quantiles: torch.Tensor, came: torch.Tensor, levels: torch.Tensor) -> torch.Tensor:
    """Twice the pinball loss of quantiles (..., levels), mean over the levels (...)."""
    error = came[..., None] - quantiles
    return 2.0 * torch.maximum((levels - 1.0) * error, levels * error).mean(dim=-1)
