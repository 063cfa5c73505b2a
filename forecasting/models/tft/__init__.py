"""The temporal fusion transformer: one global network per target over all sites and units.

Nothing is imported until it is used: torch and Lightning take seconds to load.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from forecasting.models.tft.trained import TrainedTFT, load
    from forecasting.models.tft.training import can_refresh, train

__all__ = ["TrainedTFT", "can_refresh", "load", "train"]

_HOMES = {"TrainedTFT": "trained", "can_refresh": "training", "load": "trained", "train": "training"}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
