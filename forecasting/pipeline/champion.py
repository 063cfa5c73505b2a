"""The model that speaks for a target, brought from the registry."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from forecasting.config import Settings
from forecasting.tracking import Champion, Registry

if TYPE_CHECKING:
    from forecasting.models.nightly.members import KnownFlows
    from forecasting.models.nightly.trained import TrainedEnsemble


def load_champion(
    registry: Registry, champion: Champion, settings: Settings, flows: KnownFlows | None = None
) -> TrainedEnsemble:
    """Read the champion's files; no code is run from them.

    Args:
        registry: holds them.
        champion: whose.
        settings: of the group, for members that are fitted anew.
        flows: what its flow model is told; without, that is silent.
    """
    from forecasting.models.nightly import trained
    from forecasting.models.nightly.members import no_flows

    with tempfile.TemporaryDirectory() as folder:
        return trained.load(registry.download(champion, Path(folder)), settings, flows or no_flows)
