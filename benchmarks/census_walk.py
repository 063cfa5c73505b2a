"""A census forecast night after night, by each model from what was known then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from forecasting.config import Settings
from forecasting.models import Climatology
from forecasting.models.counts import smooth_forecast
from forecasting.models.ensemble import Ensemble, Learnt
from forecasting.models.flow import Flow, Flows
from forecasting.models.gbm import Gbm
from forecasting.models.holdout import as_known_at
from forecasting.models.interface import Forecaster, forecast_frame, series_of
from forecasting.schema import Target

NIGHTS_BETWEEN_FITS = 9
"""Issue times after which LightGBM is fitted anew."""
REMEMBERED = 20
"""Issue times from whose forecasts the ensemble learns weights and corrections."""
CENSUS = Target.BED_CENSUS


def census_walk(
    panel: pd.DataFrame,
    flows: Mapping[datetime, Flows],
    settings: Settings,
    issue_times: Sequence[datetime],
    learnt_from: int,
) -> pd.DataFrame:
    """What each model says at the issue times, the first ``learnt_from`` aside, of which the ensemble learns.

    The ensemble is of the flow and climatology. LightGBM learns from how past origins stood (lags, levels and
    departures).

    Args:
        panel: of the census; values from an issue time on are not shown to a model.
        flows: by issue time.
        settings: the configuration.
        issue_times: rising.
        learnt_from: how many of them are not to be told.

    Returns:
        Rows of :data:`forecasting.schema.FORECAST` of all models.
    """
    told: list[pd.DataFrame] = []
    past: dict[str, list[pd.DataFrame]] = {Flow.name: [], Climatology.name: []}
    levels = settings.horizon.quantile_levels
    boosted: Gbm | None = None
    for number, issued_at in enumerate(issue_times):
        until = issued_at + timedelta(hours=settings.lead_hours)
        known = as_known_at(panel[panel["valid_at"] < until], issued_at)
        members: dict[str, Forecaster] = {
            Flow.name: Flow.fit(known, flows[issued_at], settings, issued_at, CENSUS),
            Climatology.name: Climatology.fit(known, settings, issued_at, CENSUS),
        }
        if number >= learnt_from:
            if boosted is None or (number - learnt_from) % NIGHTS_BETWEEN_FITS == 0:
                boosted = Gbm.fit(known, settings, issued_at, CENSUS)
            remembered = {name: pd.concat(said[-REMEMBERED:]) for name, said in past.items()}
            learnt = Learnt.from_past(remembered, known, levels, issued_at, CENSUS)
            ensemble = Ensemble(CENSUS, levels, members, learnt)
            told.append(persistence(known, settings, issued_at))
            told += [model.predict(known, issued_at) for model in (*members.values(), boosted, ensemble)]
        for name, model in members.items():
            past[name].append(smooth_forecast(model, known, issued_at))
    return pd.concat(told, ignore_index=True)


def persistence(panel: pd.DataFrame, settings: Settings, issued_at: datetime) -> pd.DataFrame:
    """The last census observed, for every hour and level."""
    levels, leads = settings.horizon.quantile_levels, settings.lead_hours
    last = {key: rows["value"].dropna().to_numpy() for key, rows in series_of(panel)}
    values = {key: np.full((leads, len(levels)), seen[-1]) for key, seen in last.items() if len(seen)}
    return forecast_frame(values, levels, issued_at, CENSUS, "persistence", "1")
