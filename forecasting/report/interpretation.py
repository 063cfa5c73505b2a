"""What a transformer looks at: the weight of each variable, and of each hour before the issue time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from forecasting.report.style import COLOURS, HEADER, QUIET, head, page, quieten

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PARTS = {
    "static": "of the series",
    "encoder": "of the hours before",
    "decoder": "of the hours ahead",
}
INCHES_PER_VARIABLE = 0.26
HOURS_PER_DAY = 24


def interpretation_figures(
    variables: pd.DataFrame, attention: pd.DataFrame, title: str, subtitle: str
) -> Mapping[str, Figure]:
    """Both figures of an interpretation, by the name of their file.

    Args:
        variables: part ("static", "encoder", "decoder"), variable (in words), importance (share of its part).
        attention: lead and hour (hours from the issue time), attention (share of the look at that hour).
        title: what is forecast.
        subtitle: where and when.
    """
    return {
        "variable_importance": importance_figure(variables, title, subtitle),
        "attention": attention_figure(attention, title, subtitle),
    }


def importance_figure(variables: pd.DataFrame, title: str, subtitle: str) -> Figure:
    """Which variables weigh how much, a panel for each part of the network's input.

    See :func:`interpretation_figures` for the arguments.
    """
    most = int(variables.groupby("part").size().max())
    figure = page(11, HEADER + 0.7 + INCHES_PER_VARIABLE * most)
    largest = 100 * float(variables["importance"].max())
    for axes, colour, (part, name) in zip(
        figure.subplots(1, len(PARTS)), COLOURS, PARTS.items(), strict=False
    ):
        rows = variables[variables["part"] == part].sort_values("importance")
        axes.barh(rows["variable"], 100 * rows["importance"], color=colour, alpha=0.7, height=0.7)
        axes.set_title(name, loc="left", fontsize=10, fontweight="bold")
        axes.set(xlim=(0, 1.05 * largest), ylim=(len(rows) - most - 0.6, len(rows) - 0.4))
        axes.set_xlabel("share of its weight, %", fontsize=9)
        quieten(axes)
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="x", labelsize=8)
    head(figure, f"{title}: what the transformer weighs", subtitle, legend=False)
    return figure


def attention_figure(attention: pd.DataFrame, title: str, subtitle: str) -> Figure:
    """At which hours before the issue time it looks, a line for each day ahead.

    See :func:`interpretation_figures` for the arguments.
    """
    import matplotlib as mpl

    figure = page(11, 4.6)
    axes = figure.subplots()
    leads = sorted(attention["lead"].unique())
    shades = mpl.colormaps["viridis"]
    for place, lead in enumerate(leads):
        line = attention[attention["lead"] == lead].sort_values("hour")
        axes.plot(
            line["hour"] / HOURS_PER_DAY,
            100 * line["attention"],
            color=shades(0.9 * place / max(1, len(leads) - 1)),
            linewidth=1.2,
            label=f"day {lead // HOURS_PER_DAY + 1}",
        )
    first = int(attention["hour"].min()) // HOURS_PER_DAY
    axes.set_xticks(range(first, 1))
    axes.set_xlim(first, 0)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("days before the issue time", fontsize=9)
    axes.set_ylabel("share of the look, %", fontsize=9)
    axes.axvline(0, color=QUIET, linewidth=0.8)
    quieten(axes)
    axes.tick_params(axis="x", labelsize=8)
    told = f"{subtitle}  Of the first hour of each day ahead; the rest lies on hours ahead."
    head(figure, f"{title}: at which hours the transformer looks", told)
    return figure
