"""A forecast as a fan: its central intervals, the widest lightest, and its median."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from forecasting.report.style import MEDIAN

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_fan(axes: Axes, forecast: pd.DataFrame) -> None:
    """Draw FORECAST rows of one series and one issue time."""
    from matplotlib import colormaps

    fan = forecast.pivot_table(index="valid_at", columns="quantile", values="value")
    pairs = _pairs([float(level) for level in fan.columns])
    for (low, high), shade in zip(pairs, np.linspace(0.18, 0.5, len(pairs)), strict=True):
        axes.fill_between(
            fan.index,
            fan[low],
            fan[high],
            color=colormaps["Blues"](shade),
            linewidth=0,
            label=f"{100 * (high - low):.0f} % of outcomes",
        )
    if 0.5 in fan.columns:
        axes.plot(fan.index, fan[0.5], color=MEDIAN, linewidth=1.5, label="median forecast")


def _pairs(levels: Sequence[float]) -> list[tuple[float, float]]:
    """The levels that lie as far below the median as others lie above it, the widest pair first."""
    return [(low, high) for low in levels for high in levels if low < high and abs(low + high - 1) < 1e-9]
