"""What a trained transformer looks at: the weights of its variables, and of the hours it attends to."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import torch

from forecasting.models.climate import HOURS_PER_DAY
from forecasting.models.tft.network import output
from forecasting.models.tft.trained import TrainedTFT

WORDS = {
    "site": "which site",
    "unit": "which unit",
    "unit_type": "type of unit",
    "log_beds": "beds",
    "log_level": "level of the last four weeks",
    "last_day": "departure of the last day",
    "last_week": "departure of the last week",
    "last_month": "departure of the last four weeks",
    "departure": "departure from what was expected",
    "observed": "whether the hour was observed",
    "day_sin": "hour of the day",
    "day_cos": "hour of the day",
    "week_sin": "day of the week",
    "week_cos": "day of the week",
    "holiday": "public holiday",
    "day_before_holiday": "day before a holiday",
    "day_after_holiday": "day after a holiday",
    "lead": "lead",
    "pull": "what is left of the last departure",
    "weekly_mean": "same hour of the weeks before",
    "log_unit": "spread of past errors",
    "log_expected": "expected value",
    "headroom": "free beds",
    "temperature": "temperature",
}
"""The variables by name; those of the same words are told as one."""
PARTS = ("static", "encoder", "decoder")
SERIES_AT_ONCE = 32


@dataclass(frozen=True)
class Interpretation:
    """What the networks weighed at one issue time, mean over the series and the networks."""

    variables: pd.DataFrame
    """part ("static", "encoder": of the hours before the issue time, "decoder": of those forecast), variable
    in words, importance: share of its part's weight, which sums to 1; the largest of each part first."""
    attention: pd.DataFrame
    """lead: hours from the issue time to the hour forecast; hour: of the encoder, -1 for the last before the
    issue time; attention: share of the look at that hour. What is missing to 1 lies on forecast hours."""


def interpret(trained: TrainedTFT, panel: pd.DataFrame, issued_at: datetime) -> Interpretation:
    """Importance of the variables, and attention of the first hour of each day ahead.

    Lim and others (2021), Temporal fusion transformers, International Journal of Forecasting 37(4), sections
    4.2 and 7; by pytorch-forecasting's ``interpret_output``.

    Args:
        trained: the model.
        panel: of its target; the part of it that is of one site or unit tells of that alone.
        issued_at: the issue time; nothing from there on is looked at.

    Raises:
        ValueError: no series of the panel was observed before the issue time.
    """
    leads = range(0, trained.lead_hours, HOURS_PER_DAY)
    explaining = [_explaining(network) for network in trained.networks]
    weights: dict[str, Any] = dict.fromkeys(PARTS, 0.0)
    attention, series = np.zeros((len(leads), trained.shape.encoder_hours)), 0
    for keys, batch in trained.shown(panel, issued_at, SERIES_AT_ONCE):
        series += len(keys)
        for network in explaining:
            with torch.no_grad():
                out = output(network, batch)
                told = [network.interpret_output(out, attention_prediction_horizon=lead) for lead in leads]
            for part in PARTS:
                weights[part] = weights[part] + told[0][f"{part}_variables"].sum(dim=0).double().numpy()
            looks = torch.stack([one["attention"].sum(dim=0)[: attention.shape[1]] for one in told])
            attention += looks.double().numpy()
    if not series:
        raise ValueError(f"{trained.target.value}: no series of the panel has an hour before {issued_at}")
    names = {part: getattr(explaining[0], f"{part}_variables") for part in PARTS}
    variables = [_importance(part, names[part], weights[part]) for part in PARTS]
    return Interpretation(
        variables=pd.concat(variables, ignore_index=True),
        attention=pd.DataFrame(
            {
                "lead": np.repeat(leads, attention.shape[1]),
                "hour": np.tile(np.arange(-attention.shape[1], 0), len(leads)),
                "attention": attention.ravel() / (series * len(explaining)),
            }
        ),
    )


def _explaining(network: Any) -> Any:
    """The network, sharing its weights, that gives the weights of its attention too."""
    other = copy(network).eval()
    other.explains = True
    return other


def _importance(part: str, names: list[str], weights: np.ndarray) -> pd.DataFrame:
    words = pd.Series(weights / weights.sum(), [WORDS[name] for name in names])
    shares = words.groupby(level=0).sum().sort_values(ascending=False)
    return pd.DataFrame({"part": part, "variable": shares.index, "importance": shares.to_numpy()})
