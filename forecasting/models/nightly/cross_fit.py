"""What an ensemble would have said on past nights, had it learnt from the others only."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import pandas as pd

from forecasting.models.ensemble import Learnt
from forecasting.models.quantile_table import hours_wide
from forecasting.schema import FORECAST, Target


def cross_fitted(
    past: Mapping[str, pd.DataFrame],
    panel: pd.DataFrame,
    levels: tuple[float, ...],
    issued_at: datetime,
    target: Target,
) -> pd.DataFrame:
    """The ensemble of some members on past nights, by weights and corrections that are not learnt there.

    The nights are cut into an earlier and a later half, and each half is spoken of by what the other
    teaches. Forecasts of neighbouring nights overlap, so an hour that is spoken of teaches nothing. Of one
    night nothing can be learnt: its members count alike.

    Args:
        past: by member, see :meth:`forecasting.models.ensemble.Weights.learn`.
        panel: what came.
        levels: the quantile levels.
        issued_at: the present.
        target: what is forecast.

    Returns:
        What :func:`forecasting.models.quantile_table.hours_wide` gives, between the counts.
    """
    nights = sorted(set().union(*(forecast["issued_at"].unique() for forecast in past.values())))
    middle = len(nights) // 2
    halves = [half for half in (nights[:middle], nights[middle:]) if half]
    said = []
    for half in halves:
        here = {name: forecast[forecast["issued_at"].isin(half)] for name, forecast in past.items()}
        last = max(forecast["valid_at"].max() for forecast in here.values() if len(forecast))
        elsewhere = {
            name: forecast[~forecast["issued_at"].isin(half) & ~forecast["valid_at"].between(half[0], last)]
            for name, forecast in past.items()
        }
        learnt = Learnt.from_past(elsewhere, panel, levels, issued_at, target)
        said.append(learnt.combine({name: hours_wide(forecast) for name, forecast in here.items()}))
    return pd.concat(said) if said else hours_wide(FORECAST.empty())
