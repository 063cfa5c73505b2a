"""Features: observations -> model-ready panel."""

from forecasting.features.panel import build_panel

__all__ = ["build_panel"]
