"""Which model may speak for a target."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecasting.evaluate.scores import ALL
from forecasting.schema import Target


@dataclass(frozen=True)
class Verdict:
    """Whether the challenger may speak, and why in a sentence."""

    better: bool
    why: str


def better(
    scores: pd.DataFrame, target: Target, challenger: str = "tft", champion: str = "climatology"
) -> Verdict:
    """Whether the challenger's held-out WQL over all series of the target is lower than the champion's.

    Args:
        scores: what :func:`forecasting.evaluate.scores.score` returns, of both models on the same hours.
        target: the target they forecast.
        challenger: name of the model that would speak.
        champion: name of the model it must beat.
    """
    wql = {name: _overall_wql(scores, target, name) for name in (challenger, champion)}
    unscored = [name for name, value in wql.items() if not np.isfinite(value)]
    if unscored:
        return Verdict(False, f"no held-out score of {', '.join(unscored)} for {target.value}")
    lower = wql[challenger] < wql[champion]
    comparison = "below" if lower else "not below"
    return Verdict(
        lower,
        f"held-out WQL of {challenger} {wql[challenger]:.4f} is {comparison} "
        f"{champion}'s {wql[champion]:.4f} for {target.value}",
    )


def _overall_wql(scores: pd.DataFrame, target: Target, model: str) -> float:
    row = scores[(scores["model"] == model) & (scores["target"] == target.value) & (scores["site_id"] == ALL)]
    return float(row["wql"].iloc[0]) if len(row) else float("nan")
