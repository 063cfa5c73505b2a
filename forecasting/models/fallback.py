"""Who speaks for each series: the champion where it can, the baseline where it can't, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import numpy as np
import pandas as pd
import structlog

from forecasting.config import Settings
from forecasting.models.baseline import Climatology
from forecasting.models.interface import Forecaster, hours_before, series_of
from forecasting.schema import FORECAST, Target

log = structlog.get_logger()

HOURS_PER_DAY = 24
SERIES = ["site_id", "unit_id"]
IN_STEAD = "The usual pattern of past weeks speaks here: {}."


class Champion(Forecaster, Protocol):
    """A trained model that knows where climatology does better."""

    @property
    def silenced(self) -> Mapping[tuple[str, str], str]:
        """By (site_id, unit_id), why climatology should speak: a clause that a nurse manager may read."""
        ...


@dataclass(frozen=True)
class Voices:
    """Who speaks for each series, and who was not let speak; both rows of FORECAST."""

    forecast: pd.DataFrame
    """Of every series; where the baseline speaks instead of the champion, ``note`` says why, as it says what
    a champion that speaks was short of."""
    shadow: pd.DataFrame
    """What the champion would have said of the series that it lost, by which it is judged whether it may
    speak again."""


def speak(
    panel: pd.DataFrame,
    target: Target,
    settings: Settings,
    issued_at: datetime,
    champion: Callable[[], Champion] | None,
    version: str,
    why_none: str,
    fallen: Mapping[tuple[str, str], str] | None = None,
) -> Voices:
    """The forecast of every series of the panel, each from the best model that can speak for it.

    Args:
        panel: of one target.
        target: what is forecast.
        settings: gives the minimum history and the levels.
        issued_at: the issue time.
        champion: loads the champion, or None where there is none.
        version: the version under which the champion is registered.
        why_none: why there is none, a clause that a nurse manager may read.
        fallen: by (site_id, unit_id), why the champion may not speak though its training did not say so: such
            clauses, too.
    """
    baseline = Climatology.fit(panel, settings, issued_at, target).predict(panel, issued_at)
    if champion is None:
        return Voices(baseline.assign(note=IN_STEAD.format(why_none)), FORECAST.empty())
    try:
        speaker = champion()
        spoken = speaker.predict(panel, issued_at).assign(model_version=version)
    except Exception:
        # Whatever breaks a model must not leave a hospital without its plan.
        log.exception("the champion failed", target_name=target, stage="forecast")
        failed = IN_STEAD.format("the trained model failed tonight, and the log says how")
        return Voices(baseline.assign(note=failed), FORECAST.empty())
    silent = _silent(panel, settings, issued_at, spoken)
    silenced = {**speaker.silenced, **(fallen or {}), **silent}
    reasons = pd.Series(_keys(baseline).map(silenced), index=baseline.index).dropna()
    from_baseline = baseline.loc[reasons.index].assign(note=reasons.map(IN_STEAD.format))
    from_champion = spoken[~_keys(spoken).isin(list(silenced))]
    lost = _keys(spoken).isin([key for key in silenced if key not in silent])
    return Voices(
        FORECAST.conform(pd.concat([from_champion, from_baseline], ignore_index=True)),
        FORECAST.conform(spoken[lost]),
    )


def _silent(
    panel: pd.DataFrame, settings: Settings, issued_at: datetime, spoken: pd.DataFrame
) -> dict[tuple[str, str], str]:
    """The series of which the champion can say nothing, with the reason."""
    needed = settings.training.minimum_history_days
    finite = spoken.assign(finite=np.isfinite(spoken["value"])).groupby(SERIES)["finite"].all()
    reasons = {}
    for key, rows in series_of(panel):
        days = hours_before(rows, issued_at) // HOURS_PER_DAY
        if days < needed:
            reasons[key] = f"{days} days of it are known, and the trained model needs {needed}"
        elif not finite.get(key, False):
            reasons[key] = "the trained model gave no number"
    return reasons


def _keys(frame: pd.DataFrame) -> pd.Index:
    return pd.MultiIndex.from_frame(frame[SERIES]).to_flat_index()
