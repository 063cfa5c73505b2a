"""What our figures have in common: page, header, quiet axes, days, and colours that every eye tells apart."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import pandas as pd

from forecasting.config import Site
from forecasting.schema import Target

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MEASURE = {
    Target.BED_CENSUS: "Patients present",
    Target.ED_ARRIVALS: "Arrivals an hour",
}
HEADER = 0.9
"""Inches at the top for title, subtitle and legend."""

OBSERVED = "#252525"
MEDIAN = "#08306b"
QUIET = "#6b6b6b"
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c510a", "#5e3c99")
"""Okabe and Ito's palette (2008), Color universal design, with two more."""


def page(width: float, height: float) -> Figure:
    """An empty page of that many inches, with room for a header."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    body = ConstrainedLayoutEngine(rect=(0.005, 0.01, 0.99, 0.99 - HEADER / height))
    return Figure(figsize=(width, height), layout=body)


def write(figure: Figure, below_top: float, text: str, **style: Any) -> None:
    """A line of the header, so many inches below the top."""
    figure.text(0.012, 1 - below_top / figure.get_figheight(), text, va="top", **style)


def quieten(axes: Axes) -> None:
    """Grid lines instead of a frame."""
    axes.tick_params(axis="x", which="minor", length=0, labelsize=8)
    axes.tick_params(axis="x", which="major", length=4, color="#c8c8c8")
    axes.tick_params(axis="y", labelsize=8, length=0)
    axes.grid(axis="both", which="major", color="#e4e4e4", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color("#c8c8c8")


def head(figure: Figure, title: str, subtitle: str, *, legend: bool = True) -> None:
    """Title, subtitle, and the legend of the first panel in one line."""
    write(figure, 0.1, title, fontsize=13, fontweight="bold")
    write(figure, 0.4, subtitle, fontsize=9, color=QUIET)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    if legend and handles:
        figure.legend(
            handles,
            labels,
            loc="upper left",
            bbox_to_anchor=(0, 1 - 0.55 / figure.get_figheight()),
            ncols=len(labels),
            fontsize=8.5,
            frameon=False,
        )


def mark_days(axes: Axes, site: Site, begin: datetime, end: datetime) -> None:
    """A line at each local midnight that is drawn, and the day's name half a day later."""
    from matplotlib.dates import date2num

    axes.set_xlim(*map(float, date2num([begin, end])))  # type: ignore[no-untyped-call]
    first, last = (pd.Timestamp(edge).tz_convert(site.zone) for edge in (begin, end))
    midnights = pd.date_range(first.normalize(), last, freq="D")
    noons = midnights + pd.Timedelta(hours=12)
    midnights, noons = midnights[midnights >= first], noons[(noons >= first) & (noons <= last)]
    axes.set_xticks(midnights, labels=[""] * len(midnights))
    axes.set_xticks(noons, labels=[f"{noon:%a}\n{noon.day} {noon:%b}" for noon in noons], minor=True)
