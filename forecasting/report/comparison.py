"""Models side by side: how much better, how far ahead, how well each knows what it does not know."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from forecasting.report.style import COLOURS, HEADER, QUIET, head, page, quieten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INTERVALS = {"pit_80": 0.8, "pit_90": 0.9}
INCHES_PER_DOT = 0.17


def skill_figure(scores: pd.DataFrame, title: str, subtitle: str, reference: str) -> Figure:
    """Skill against the reference by days ahead, a line for each model.

    Args:
        scores: model, lead_day, skill.
        title: what is forecast.
        subtitle: where and when.
        reference: the model whose line is zero.
    """
    figure = page(9, 4.6)
    axes = figure.subplots()
    axes.axhline(0, color=QUIET, linewidth=1.2, label=reference)
    for colour, (model, rows) in _coloured(scores, reference):
        line = rows.sort_values("lead_day")
        axes.plot(line["lead_day"], 100 * line["skill"], color=colour, marker="o", markersize=4, label=model)
    axes.set_xticks(sorted(scores["lead_day"].unique()))
    axes.set_xlabel("days ahead", fontsize=9)
    axes.set_ylabel(f"loss saved of {reference}'s, %", fontsize=9)
    quieten(axes)
    axes.tick_params(axis="x", labelsize=8)
    head(figure, f"{title}: skill by lead", subtitle)
    return figure


def reliability_figure(calibration: pd.DataFrame, title: str, subtitle: str) -> Figure:
    """How many more outcomes fell below each quantile than should have; zero is right.

    Args:
        calibration: model, level, share (of outcomes below the quantile of that level).
        title: what is forecast.
        subtitle: where and when.
    """
    figure = page(9, 4.6)
    axes = figure.subplots()
    axes.axhline(0, color=QUIET, linewidth=1.0, linestyle=(0, (5, 3)), label="as stated")
    for colour, (model, rows) in _coloured(calibration):
        line = rows.sort_values("level")
        excess = 100 * (line["share"] - line["level"])
        axes.plot(100 * line["level"], excess, color=colour, marker="o", markersize=4, label=model)
    levels = 100 * np.sort(calibration["level"].unique())
    axes.set_xticks(levels, labels=[f"{level:g}" for level in levels])
    widest = 100 * float((calibration["share"] - calibration["level"]).abs().max())
    axes.set(xlim=(0, 100), ylim=(-max(5.0, 1.15 * widest), max(5.0, 1.15 * widest)))
    axes.set_xlabel("quantile level, %", fontsize=9)
    axes.set_ylabel("outcomes below it - level, points", fontsize=9)
    quieten(axes)
    axes.tick_params(axis="x", labelsize=8)
    head(figure, f"{title}: reliability", subtitle)
    return figure


def pit_figure(histogram: pd.DataFrame, title: str, subtitle: str) -> Figure:
    """Where in its forecast distribution each outcome fell; flat is right.

    Args:
        histogram: model, pit_from, pit_to, density.
        title: what is forecast.
        subtitle: where and when.
    """
    models = list(dict.fromkeys(histogram["model"]))
    columns = min(3, len(models))
    rows = -(-len(models) // columns)
    figure = page(max(6.6, 3.6 * columns), HEADER + 2.6 * rows)
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel()
    for axes, (colour, (model, bins)) in zip(panels, _coloured(histogram), strict=False):
        axes.bar(
            bins["pit_from"],
            bins["density"],
            width=bins["pit_to"] - bins["pit_from"],
            align="edge",
            color=colour,
            alpha=0.55,
            edgecolor="white",
            linewidth=0.8,
        )
        axes.axhline(1, color=QUIET, linewidth=1.0, linestyle=(0, (5, 3)))
        axes.set_title(model, loc="left", fontsize=10, fontweight="bold")
        axes.set(xlim=(0, 1), ylim=(0, max(2.0, 1.1 * histogram["density"].max())))
        quieten(axes)
        axes.tick_params(axis="x", labelsize=8)
    for axes in panels[len(models) :]:
        axes.set_axis_off()
    meaning = "Outcomes by forecast probability, over what a right forecast gives: 1 (dashed)."
    head(figure, f"{title}: PIT histogram", f"{subtitle}  {meaning}", legend=False)
    return figure


def coverage_figure(scores: pd.DataFrame, title: str, subtitle: str) -> Figure:
    """Share of outcomes inside the stated 80 % and 90 % intervals, unit by unit.

    Args:
        scores: model, series (its name), pit_80, pit_90: each count spread over its probability, since
            whole counts pile up on an interval's ends.
        title: what is forecast.
        subtitle: where and when.
    """
    series = list(dict.fromkeys(scores["series"]))
    models = list(dict.fromkeys(scores["model"]))
    height = HEADER + 0.8 + len(series) * max(0.3, INCHES_PER_DOT * len(models))
    figure = page(9.5, height)
    for axes, (name, stated) in zip(figure.subplots(1, 2, sharey=True), INTERVALS.items(), strict=True):
        _draw_coverage(axes, scores, series, name, stated)
    figure.axes[0].set_yticks(range(len(series)), labels=series)
    figure.axes[0].set_ylim(len(series) - 0.5, -0.5)
    head(figure, f"{title}: coverage by unit", subtitle)
    return figure


def _draw_coverage(axes: Axes, scores: pd.DataFrame, series: list[str], name: str, stated: float) -> None:
    models = list(dict.fromkeys(scores["model"]))
    axes.axvline(100 * stated, color=QUIET, linewidth=1.0, linestyle=(0, (5, 3)), label="as stated")
    offsets = np.linspace(-0.3, 0.3, len(models)) if len(models) > 1 else np.zeros(1)
    for offset, (colour, (model, rows)) in zip(offsets, _coloured(scores), strict=True):
        covered = rows.set_index("series")[name].reindex(series)
        axes.scatter(
            100 * covered, np.arange(len(series)) + offset, color=colour, s=22, label=model, zorder=3
        )
    least = 100 * min(scores[name].min(), stated - 0.1)
    axes.set_xlim(max(0, least - 3), 101)
    axes.set_title(f"{100 * stated:.0f} % interval", loc="left", fontsize=10, fontweight="bold")
    axes.set_xlabel("outcomes inside, %", fontsize=9)
    quieten(axes)
    axes.tick_params(axis="x", labelsize=8)


def _coloured(
    table: pd.DataFrame, reference: str | None = None
) -> list[tuple[str, tuple[str, pd.DataFrame]]]:
    """Each model's rows, in the table's order, with the model's colour; without those of the reference."""
    models = list(dict.fromkeys(table["model"]))
    return [
        (COLOURS[number % len(COLOURS)], (model, table[table["model"] == model]))
        for number, model in enumerate(models)
        if model != reference
    ]
