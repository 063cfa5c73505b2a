"""Who is in the ensemble of a target: models that are trained and kept, and those fitted anew each night."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import pandas as pd

from forecasting.config import Settings
from forecasting.models.baseline import Climatology
from forecasting.models.counts import smooth_forecast
from forecasting.models.glm import Glm
from forecasting.models.interface import Forecaster
from forecasting.schema import Target

if TYPE_CHECKING:
    from forecasting.models.ensemble import Fits

NETWORK = "tft"
TREES = "gbm"

REFITTED: Mapping[str, type[Fits]] = {Climatology.name: Climatology, Glm.name: Glm}
"""Members that are fitted at each issue time, on that panel: it takes seconds, and nothing need be kept."""

MEMBERS: Mapping[Target, tuple[str, ...]] = {
    Target.ED_ARRIVALS: (Glm.name, TREES, NETWORK),
    Target.BED_CENSUS: (Climatology.name, Glm.name, TREES, NETWORK),
}

IN_WORDS: Mapping[str, str] = {
    Climatology.name: "the usual week",
    Glm.name: "the regression",
    TREES: "the boosted trees",
    NETWORK: "the neural network",
}
"""The members as a nurse manager may read of them."""


@dataclass(frozen=True)
class Refitted:
    """A model that is fitted at each issue time on the panel it then forecasts."""

    kind: type[Fits]
    settings: Settings
    target: Target

    @property
    def name(self) -> str:
        """The name of the model that is fitted."""
        return self.kind.name

    @property
    def version(self) -> str:
        """Its version."""
        return self.kind.version

    def predict(self, panel: pd.DataFrame, issued_at: datetime) -> pd.DataFrame:
        """See :meth:`forecasting.models.interface.Forecaster.predict`."""
        forecast: pd.DataFrame = self._fitted(panel, issued_at).predict(panel, issued_at)
        return forecast

    def smooth(self, panel: pd.DataFrame, issued_at: datetime) -> pd.DataFrame:
        """See :class:`forecasting.models.counts.Smooth`."""
        return smooth_forecast(self._fitted(panel, issued_at), panel, issued_at)

    def _fitted(self, panel: pd.DataFrame, issued_at: datetime) -> Forecaster:
        fitted: Forecaster = self.kind.fit(panel, self.settings, issued_at, self.target)
        return fitted


def refitted_members(target: Target, settings: Settings) -> dict[str, Forecaster]:
    """The members of the target's ensemble of which nothing is kept, by name."""
    return {name: Refitted(REFITTED[name], settings, target) for name in MEMBERS[target] if name in REFITTED}


def fit_member(
    name: str, panel: pd.DataFrame, settings: Settings, issued_at: datetime, target: Target
) -> Forecaster:
    """A member other than the network, fitted on the panel's hours before ``issued_at``."""
    from forecasting.models.gbm import Gbm

    kind: type[Fits] = Gbm if name == TREES else REFITTED[name]
    fitted: Forecaster = kind.fit(panel, settings, issued_at, target)
    return fitted
