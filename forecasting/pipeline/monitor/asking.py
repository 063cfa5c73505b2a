"""Whether a target's model should be trained from nothing, and why."""

from __future__ import annotations

import pandas as pd

from forecasting import warehouse
from forecasting.deployment import Deployment
from forecasting.level_change import LEVEL_MOVED
from forecasting.pipeline.monitor.opening import MonitorKey
from forecasting.schema import SeriesState


def reasons_to_train(verdicts: pd.DataFrame, loss: pd.DataFrame, share: float) -> list[str]:
    """Why a training is due, a clause each; none where it is not.

    Args:
        verdicts: SERIES_VERDICT rows of a target.
        loss: how the champion's loss over climatology's, of all its series together, has drifted: change and
            drifted; a row at most.
        share: of the series; if more have fallen back, or changed their level, a training is due.
    """
    if verdicts.empty:
        return []
    reasons = []
    fallen = int((verdicts["state"] == SeriesState.FALLBACK).sum())
    moved = int((verdicts["level_change"].abs() >= LEVEL_MOVED).sum())
    if fallen > share * len(verdicts):
        reasons.append(f"{fallen} of {len(verdicts)} series have fallen back to climatology")
    if moved > share * len(verdicts):
        reasons.append(f"{moved} of {len(verdicts)} series have changed their level")
    reasons += [
        f"the loss against climatology's has grown by {row.change:.0%} of it"
        for row in loss[loss["drifted"]].itertuples()
    ]
    return reasons


def asked_trainings(place: Deployment, key: MonitorKey) -> dict[str, str]:
    """By target of which a training was asked for as of the night, why."""
    requests = warehouse.training_requests(warehouse.connect(place.warehouse), key.night)
    return dict(zip(requests["target"], requests["why"], strict=True))
