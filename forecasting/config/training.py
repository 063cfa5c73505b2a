"""How the transformer learns."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from forecasting.config.fields import Days, Positive, Rate
from forecasting.config.table import Table


class Likelihood(StrEnum):
    """What the transformer of arrivals learns by: pinball loss, or the law of a count."""

    QUANTILE = "quantile"
    NEGATIVE_BINOMIAL = "negative_binomial"


class Training(Table):
    """When the temporal fusion transformer is trained, on what, and how large it is."""

    retrain_after_days: Days = 7
    refresh_epochs: Annotated[int, Field(ge=0)] = 2
    minimum_history_days: Annotated[Days, Field(ge=28)] = 84
    holdout_days: Annotated[Days, Field(ge=7)] = 28
    encoder_hours: Annotated[int, Field(ge=24, le=1344)] = 168
    hidden_size: Annotated[int, Field(ge=4)] = 16
    attention_heads: Positive = 2
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    learning_rate: Rate = 0.005
    batch_size: Positive = 64
    windows_per_epoch: Positive = 2048
    max_epochs: Positive = 8
    patience: Positive = 3
    likelihood: Likelihood = Likelihood.QUANTILE
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 7
    seeds: Positive = 1
    threads: Positive = 1
    devices: Positive = 1
    nodes: Positive = 1
