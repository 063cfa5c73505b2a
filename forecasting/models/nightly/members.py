"""Who is in the ensemble of a target: models that are trained and kept, and those fitted anew each night."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from forecasting.config import Settings
from forecasting.models.baseline import Climatology
from forecasting.models.counts import smooth_forecast
from forecasting.models.flow import Flow, Flows
from forecasting.models.glm import Glm
from forecasting.models.interface import Forecaster
from forecasting.schema import Target

NETWORK = "tft"
TREES = "gbm"

KnownFlows = Callable[[datetime], Flows]
"""The flow of patients as it was known at an issue time; none where it is not known."""

REFITTED = frozenset({Climatology.name, Glm.name, Flow.name})
"""Members that are fitted at each issue time, on that panel: it takes seconds, and nothing need be kept."""

MEMBERS: Mapping[Target, tuple[str, ...]] = {
    Target.ED_ARRIVALS: (Glm.name, TREES, NETWORK),
    Target.BED_CENSUS: (Glm.name, TREES, NETWORK, Flow.name),
}

IN_WORDS: Mapping[str, str] = {
    Climatology.name: "the usual week",
    Glm.name: "the regression",
    TREES: "the boosted trees",
    NETWORK: "the neural network",
    Flow.name: "the flow of patients",
}
"""The members as a nurse manager may read of them."""


@dataclass(frozen=True)
class Refitted:
    """A model that is fitted at each issue time on the panel it then forecasts."""

    kind: type[Climatology | Glm | Flow]
    settings: Settings
    target: Target
    flows: KnownFlows

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
        return self._fitted(panel, issued_at).predict(panel, issued_at)

    def smooth(self, panel: pd.DataFrame, issued_at: datetime) -> pd.DataFrame:
        """See :class:`forecasting.models.counts.Smooth`."""
        return smooth_forecast(self._fitted(panel, issued_at), panel, issued_at)

    def _fitted(self, panel: pd.DataFrame, issued_at: datetime) -> Forecaster:
        if issubclass(self.kind, Flow):
            return self.kind.fit(panel, self.flows(issued_at), self.settings, issued_at, self.target)
        return self.kind.fit(panel, self.settings, issued_at, self.target)


def no_flows(issued_at: datetime) -> Flows:
    """What is known where no source is asked."""
    return Flows.none()


def refitted(name: str, target: Target, settings: Settings, flows: KnownFlows = no_flows) -> Refitted:
    """A model that is fitted at each issue time, by its name."""
    kinds: tuple[type[Climatology | Glm | Flow], ...] = (Climatology, Glm, Flow)
    return Refitted(next(kind for kind in kinds if kind.name == name), settings, target, flows)


def fit_once(
    name: str, panel: pd.DataFrame, settings: Settings, issued_at: datetime, target: Target
) -> Forecaster:
    """The regression or the boosted trees, fitted on the panel's hours before ``issued_at``."""
    from forecasting.models.gbm import Gbm

    kind = Gbm if name == TREES else Glm
    return kind.fit(panel, settings, issued_at, target)
