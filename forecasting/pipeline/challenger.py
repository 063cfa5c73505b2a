"""A challenger: members that have seen nothing of the held-out nights, and what was said there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import structlog

from forecasting.config import Settings
from forecasting.models import Climatology, Flow, Forecaster, holdout_issue_times, holdout_start
from forecasting.models.counts import past_forecasts, stated_hours
from forecasting.models.ensemble import Ensemble, Learnt
from forecasting.models.nightly.cross_fit import cross_fitted
from forecasting.models.nightly.members import (
    MEMBERS,
    NETWORK,
    REFITTED,
    KnownFlows,
    fit_once,
    refitted,
)
from forecasting.models.nightly.trained import TrainedEnsemble
from forecasting.models.quantile_table import hours_long, hours_wide
from forecasting.outcome import TrainingFailed
from forecasting.schema import FORECAST, Target

if TYPE_CHECKING:
    from forecasting.models.tft import TrainedTFT

log = structlog.get_logger()

CHAMPION = "champion"
SERIES = ["site_id", "unit_id"]

Past = dict[str, pd.DataFrame]
"""By model, rows of FORECAST issued on the held-out nights, between the counts."""


@dataclass(frozen=True)
class Challenge:
    """Who would speak, and what it and its rivals said of the held-out nights."""

    model: TrainedEnsemble
    spoken: pd.DataFrame
    """Rows of FORECAST as stated, by ``model``: the ensemble, each member, climatology, and the champion.

    Of hours on which one is silent, climatology's stand in, so that all are judged on the same ones.
    """
    missing: dict[str, str]
    """Members that could not take part, and why."""


def challenge(
    panel: pd.DataFrame,
    settings: Settings,
    issued_at: datetime,
    target: Target,
    network: TrainedTFT | TrainingFailed,
    standing: TrainedEnsemble | None,
    flows: KnownFlows,
) -> Challenge:
    """Make an ensemble around a trained network, and hear it and its rivals on the held-out nights.

    What it says of a night there is weighted and corrected by what other nights taught; what is kept has
    learnt from all of them.

    Args:
        panel: of the target, built at ``issued_at``.
        settings: gives the holdout, the levels and the sites.
        issued_at: the issue time.
        target: what is forecast.
        network: trained on hours before the holdout, or why that failed: then the others form the ensemble.
        standing: who speaks now; None for climatology.
        flows: what is told of the flow of patients at an issue time.

    Raises:
        TrainingFailed: no member that is trained and kept can speak.
    """
    nights = holdout_issue_times(settings, issued_at)
    fitted, unfitted = _fitted(panel, settings, issued_at, target, network, flows)
    heard, silent = _past_of(fitted, panel, nights)
    past = {name: heard[name] for name in MEMBERS[target] if name in heard}
    missing = unfitted | silent
    if not past.keys() - REFITTED:
        told = "; ".join(f"{name}: {why}" for name, why in missing.items())
        raise (
            network
            if isinstance(network, TrainingFailed)
            else TrainingFailed(f"{target.value}: no trained member can forecast the held-out nights: {told}")
        )
    levels = settings.horizon.quantile_levels
    said = {name: hours_wide(forecast) for name, forecast in heard.items()}
    said[Ensemble.name] = cross_fitted(past, panel, levels, issued_at, target)
    if standing is not None:
        said[CHAMPION] = _as_spoken(standing, heard, panel, nights, issued_at)
    spoken = [
        hours_long(stated_hours(_filled(wide, said[Climatology.name])), target.value, name, "")
        for name, wide in said.items()
    ]
    model = TrainedEnsemble(
        target,
        {
            name: refitted(name, target, settings, flows) if name in REFITTED else fitted[name]
            for name in past
        },
        Learnt.from_past(past, panel, levels, issued_at, target),
        issued_at,
    )
    return Challenge(model, pd.concat(spoken, ignore_index=True), missing)


def _fitted(
    panel: pd.DataFrame,
    settings: Settings,
    issued_at: datetime,
    target: Target,
    network: TrainedTFT | TrainingFailed,
    flows: KnownFlows,
) -> tuple[dict[str, Forecaster], dict[str, str]]:
    """Climatology, and each member as fitted before the holdout; and why others could not be.

    One fit of the regression stands for those of all the nights: it follows the level by itself, and
    fitting it is slow. Climatology and the flow are fitted each night, as where they speak.
    """
    before = holdout_start(settings, issued_at)
    fitted: dict[str, Forecaster] = {
        name: refitted(name, target, settings, flows)
        for name in (Climatology.name, Flow.name)
        if name == Climatology.name or name in MEMBERS[target]
    }
    failed = {}
    if isinstance(network, TrainingFailed):
        failed[NETWORK] = str(network)
    else:
        fitted[NETWORK] = network
    for name in MEMBERS[target]:
        if name != NETWORK and name not in fitted:
            try:
                fitted[name] = fit_once(name, panel, settings, before, target)
            except Exception as error:
                # One broken member must not keep the others from becoming better.
                log.exception("a member can't be fitted", member=name, target_name=target, stage="train")
                failed[name] = f"{type(error).__name__}: {error}"
    return fitted, failed


def _past_of(
    members: Mapping[str, Forecaster], panel: pd.DataFrame, nights: Sequence[datetime]
) -> tuple[Past, dict[str, str]]:
    """What each member would have said on the nights, and why others are silent."""
    heard, silent = {}, {}
    for name, member in members.items():
        try:
            forecast = past_forecasts(member, panel, nights)
        except Exception as error:
            log.exception("a member can't forecast", member=name, stage="train")
            silent[name] = f"{type(error).__name__}: {error}"
            continue
        if len(forecast):
            heard[name] = forecast
        else:
            silent[name] = "no series has the history that it needs"
    return heard, silent


def _as_spoken(
    standing: TrainedEnsemble,
    heard: Past,
    panel: pd.DataFrame,
    nights: Sequence[datetime],
    issued_at: datetime,
) -> pd.DataFrame:
    """What the champion would have said of the nights, as :func:`~.quantile_table.hours_wide` has it.

    A night from which it has learnt is spoken of by what the other nights teach, as its challenger does; a
    later one by what it has learnt.
    """
    own = {name: member for name, member in standing.members.items() if name not in REFITTED}
    past = {name: heard[name] for name in standing.members if name in heard and name in REFITTED}
    past |= _past_of(own, panel, nights)[0]
    said = {name: hours_wide(past.get(name, FORECAST.empty())) for name in standing.learnt.weights.members}
    levels = standing.learnt.calibration.levels
    others = cross_fitted(past, panel, levels, issued_at, standing.target)
    learnt = standing.learnt.combine(said)
    wide = pd.concat([others[~_from(others, standing)], learnt[_from(learnt, standing)]])
    climatology = hours_wide(heard[Climatology.name])
    return pd.concat([wide[~_lost(wide, standing)], climatology[_lost(climatology, standing)]]).sort_index()


def _filled(wide: pd.DataFrame, climatology: pd.DataFrame) -> pd.DataFrame:
    """The forecast, and climatology's of the hours that it leaves out."""
    return pd.concat([wide, climatology[~climatology.index.isin(wide.index)]])


def _from(wide: pd.DataFrame, standing: TrainedEnsemble) -> np.ndarray:
    """Whether each row is of a night of which the champion has learnt nothing (n,)."""
    return np.asarray(wide.index.get_level_values("issued_at") >= pd.Timestamp(standing.learnt_before))


def _lost(wide: pd.DataFrame, standing: TrainedEnsemble) -> np.ndarray:
    """Whether each row is of a series on which the champion is silent (n,)."""
    series = pd.MultiIndex.from_arrays([wide.index.get_level_values(name) for name in SERIES])
    return np.asarray(series.isin(list(standing.silenced)))
