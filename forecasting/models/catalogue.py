"""Every model that can be asked for by name, and how it is fitted; nothing of a model loads before that."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pandas as pd

from forecasting.config import Settings
from forecasting.models.flow.flows import Flows
from forecasting.models.interface import Forecaster
from forecasting.schema import Target

if TYPE_CHECKING:
    from forecasting.models.tft import TrainedTFT
    from forecasting.models.tft.interpretation import Interpretation

Fit = Callable[[pd.DataFrame, Settings, datetime, Target, Path, Flows], Forecaster]
"""(panel, settings, issued_at, target, folder, flows) -> a model that has seen nothing from ``issued_at`` on.

The folder is the fit's own, for files that it needs while it lasts. The flows are those known at
``issued_at``; none where the model does not ask for them.
"""

Interpret = Callable[[Forecaster, pd.DataFrame, datetime], "Interpretation"]
"""(model, panel, issued_at) -> what the model looks at."""

REFERENCE = "climatology"
"""The model that skill is measured against, and that speaks where another can't."""


@dataclass(frozen=True)
class CataloguedModel:
    """A model as a person asks for it."""

    fit: Fit
    seeded: bool = False
    """Whether ``settings.training.seed`` decides what is learned: then several seeds tell its noise."""
    targets: tuple[Target, ...] = tuple(Target)
    """What it can forecast."""
    of_flows: bool = False
    """Whether it is fitted on the flow of patients, which is known anew at every issue time."""
    interpret: Interpret | None = None
    """How it tells what it looks at, if it can."""


def _of_class(home: str) -> Fit:
    """The fit of a class that stands in this room as ``module:Class``."""
    module, _, name = home.partition(":")

    def fit(
        panel: pd.DataFrame,
        settings: Settings,
        issued_at: datetime,
        target: Target,
        folder: Path,
        flows: Flows,
    ) -> Forecaster:
        fitted: Forecaster = getattr(import_module(f"forecasting.models.{module}"), name).fit(
            panel, settings, issued_at, target
        )
        return fitted

    return fit


def _fit_flow(
    panel: pd.DataFrame, settings: Settings, issued_at: datetime, target: Target, folder: Path, flows: Flows
) -> Forecaster:
    from forecasting.models.flow import Flow

    return Flow.fit(panel, flows, settings, issued_at, target)


def _train_tft(
    panel: pd.DataFrame, settings: Settings, issued_at: datetime, target: Target, folder: Path, flows: Flows
) -> Forecaster:
    from forecasting.models import tft

    return tft.train(panel, settings, issued_at, target, folder)


def _interpret_tft(model: Forecaster, panel: pd.DataFrame, issued_at: datetime) -> Interpretation:
    from forecasting.models.tft.interpretation import interpret

    return interpret(cast("TrainedTFT", model), panel, issued_at)


CATALOGUE: Mapping[str, CataloguedModel] = {
    REFERENCE: CataloguedModel(_of_class("baseline:Climatology")),
    "seasonal_naive": CataloguedModel(_of_class("seasonal_naive:SeasonalNaive")),
    "glm": CataloguedModel(_of_class("glm:Glm")),
    "gbm": CataloguedModel(_of_class("gbm:Gbm")),
    "ensemble": CataloguedModel(_of_class("ensemble:Ensemble")),
    "flow": CataloguedModel(_fit_flow, targets=(Target.BED_CENSUS,), of_flows=True),
    "tft": CataloguedModel(_train_tft, seeded=True, interpret=_interpret_tft),
}
