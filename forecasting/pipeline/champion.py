"""The model that speaks for a target, brought from the registry."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from forecasting.tracking import Champion, Registry

if TYPE_CHECKING:
    from forecasting.models.tft import TrainedTFT


def load_champion(registry: Registry, champion: Champion) -> TrainedTFT:
    """Read the champion's files; no code is run from them."""
    from forecasting.models import tft

    with tempfile.TemporaryDirectory() as folder:
        return tft.load(registry.download(champion, Path(folder)))
