"""One part of a backtest: fit once, then forecast from each issue time with what was known then."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import structlog

from forecasting.config import Settings, Site
from forecasting.features import build_panel
from forecasting.models import Climatology, Flows, Forecaster
from forecasting.models.catalogue import CATALOGUE, REFERENCE
from forecasting.models.dependence import dependence
from forecasting.models.paths import sample_paths
from forecasting.models.periods import period_forecast
from forecasting.outcome import TrainingFailed
from forecasting.pipeline.backtest.history import known_at
from forecasting.pipeline.backtest.periods import block_periods
from forecasting.pipeline.backtest.protocol import Contender, Part
from forecasting.schema import BACKTEST_FORECAST, FORECAST

if TYPE_CHECKING:
    from forecasting.models.tft.interpretation import Interpretation

log = structlog.get_logger()

SERIES = ["site_id", "unit_id"]


@dataclass(frozen=True)
class Rolled:
    """What came of a part."""

    forecast: pd.DataFrame
    """Rows of BACKTEST_FORECAST."""
    interpretation: Interpretation | None
    """What the model looks at, at the part's first issue time; None where it can't tell, or there is none."""


def rolling_forecast(
    versions: pd.DataFrame,
    part: Part,
    settings: Settings,
    sites: Sequence[Site],
    folder: Path,
    flows_at: Callable[[date], Flows],
    weather: pd.DataFrame | None = None,
) -> Rolled:
    """The forecasts of a part, none of which depends on an hour at or after its issue time.

    A model that can't be fitted, or says nothing or no number of a series, is stood in for by the climatology
    that was fitted when it was, or that night where a series is newer; ``note`` says why. A series that was
    never observed before a night has no row of it.

    Args:
        versions: OBSERVATION_VERSION rows.
        part: the contender, its nights and the target.
        settings: gives the issue hour, the horizon and how models are trained.
        sites: whose units are forecast, and fitted on.
        folder: for the fit's own files; it is gone afterwards.
        flows_at: the flow of patients known at a night's issue time, asked for where the model is made of it:
            such a model is fitted at every issue time.
        weather: WEATHER rows, of which those told by an issue time enter its forecast; None without weather.
    """
    settings = _alone(settings, part.contender)
    history = versions[versions["target"] == part.target]
    issue_times = [settings.issued_at(night) for night in part.nights]

    def panel_at(issued_at: datetime) -> pd.DataFrame:
        known = known_at(history, issued_at)
        since = issued_at - timedelta(days=settings.source.history_days)
        return build_panel(
            known[known["valid_at"] >= since], part.target, settings, issued_at, sites, weather
        )

    panel = panel_at(issue_times[0])
    of_flows = CATALOGUE[part.contender.model].of_flows
    reference = Climatology.fit(panel, settings, issue_times[0], part.target)
    frames = []
    interpretation = None
    for night, issued_at in zip(part.nights, issue_times, strict=True):
        first = night == part.nights[0]
        panel = panel if first else panel_at(issued_at)
        if first or of_flows:
            model = _fitted(panel, part, settings, night, folder, flows_at)
            begun = set(_keys(panel))
        if first:
            interpretation = _interpreted(model, panel, issued_at, part.contender)
        stand_in = reference.predict(panel, issued_at)
        if set(_keys(panel)) - set(_keys(stand_in)):
            tonight = Climatology.fit(panel, settings, issued_at, part.target).predict(panel, issued_at)
            newer = tonight[~_keys(tonight).isin(list(_keys(stand_in)))]
            stand_in = pd.concat([stand_in, newer], ignore_index=True)
        spoken, why = _spoken(model, panel, issued_at, part.contender)
        hourly = _filled(spoken, stand_in, part.contender, why, begun)
        frames += [hourly, _blocks(hourly, known_at(history, issued_at), settings)]
    return Rolled(BACKTEST_FORECAST.conform(pd.concat(frames, ignore_index=True)), interpretation)


def _alone(settings: Settings, contender: Contender) -> Settings:
    """Each part has one process: the processors are shared by parts, not within one."""
    change: dict[str, int] = {"devices": 1, "nodes": 1}
    if contender.seed is not None:
        change["seed"] = contender.seed
    return settings.model_copy(update={"training": settings.training.model_copy(update=change)})


def _fitted(
    panel: pd.DataFrame,
    part: Part,
    settings: Settings,
    night: date,
    folder: Path,
    flows_at: Callable[[date], Flows],
) -> Forecaster | str:
    """The model, or why there is none."""
    # What an interrupted fit left would be gone on from, and need not end in the same numbers.
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        model = CATALOGUE[part.contender.model]
        flows = flows_at(night) if model.of_flows else Flows.none()
        return model.fit(panel, settings, settings.issued_at(night), part.target, folder, flows)
    except TrainingFailed as reason:
        return str(reason)
    except Exception as error:
        # Whatever breaks one model must not keep the others from being compared; the summary tells it.
        log.exception("a model could not be fitted", model=part.contender.name, night=str(night))
        return f"{part.contender.model} could not be fitted ({type(error).__name__}: {error})"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _interpreted(
    model: Forecaster | str, panel: pd.DataFrame, issued_at: datetime, contender: Contender
) -> Interpretation | None:
    interpret = CATALOGUE[contender.model].interpret
    if interpret is None or isinstance(model, str):
        return None
    try:
        return interpret(model, panel, issued_at)
    except Exception:
        # The forecast stands without it; the plots are what is missing.
        log.exception("a model could not be interpreted", model=contender.name, issued_at=str(issued_at))
        return None


def _spoken(
    model: Forecaster | str, panel: pd.DataFrame, issued_at: datetime, contender: Contender
) -> tuple[pd.DataFrame, str]:
    """What the model says, and why it is silent where it is."""
    if isinstance(model, str):
        return BACKTEST_FORECAST.empty(), model
    try:
        return model.predict(panel, issued_at), f"{contender.model} gives no forecast of this series"
    except Exception as error:
        log.exception("a model could not forecast", model=contender.name, issued_at=str(issued_at))
        why = f"{contender.model} could not forecast ({type(error).__name__}: {error})"
        return BACKTEST_FORECAST.empty(), why


def _filled(
    spoken: pd.DataFrame,
    stand_in: pd.DataFrame,
    contender: Contender,
    why: str,
    begun: Collection[tuple[str, str]],
) -> pd.DataFrame:
    """The contender's rows, and the stand-in's for each series of which it does not give every number.

    ``begun`` are the series that were observed when the model was fitted: of others it could learn nothing.
    """
    finite = spoken.assign(finite=np.isfinite(spoken["value"])).groupby(SERIES)["finite"].all()
    heard = set(finite[finite].index)
    own = spoken[_keys(spoken).isin(list(heard))]
    silent = stand_in[~_keys(stand_in).isin(list(heard))]
    version = REFERENCE + " " + silent["model_version"]
    reasons = np.where(_keys(silent).isin(list(begun)), why, f"it began after {contender.model} was fitted")
    silent = silent.assign(model_version=version, note=reasons)
    return pd.concat([own, silent], ignore_index=True).assign(model=contender.name)


def _blocks(hourly: pd.DataFrame, known: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Forecasts of shifts and days: hours go together as they did in past weeks that were known then.

    Only past weeks, and not the contender's own errors, so that no part waits for another.
    """
    if hourly.empty:
        return hourly
    template = dependence(hourly, FORECAST.empty(), known, settings)
    return period_forecast(sample_paths(hourly, template), settings, block_periods(settings))


def _keys(frame: pd.DataFrame) -> pd.Index:
    return pd.MultiIndex.from_frame(frame[SERIES]).to_flat_index()
