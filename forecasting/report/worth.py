"""What plans were worth: tables for a terminal and for MLflow, and the choice between paid and short."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table

from forecasting.report.style import COLOURS, OBSERVED, QUIET, head, page, quieten

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TITLES = {
    "short_hours": "Short, h",
    "over_hours": "Over, h",
    "cost": "Cost",
    "paid": "Of it paid",
    "wait_minutes": "ED wait, min",
    "left_unseen_share": "Left unseen",
}


def print_worth(by_way: pd.DataFrame, by_group: pd.DataFrame, console: Console) -> None:
    """Print every way's sums, over all and by group.

    Args:
        by_way: way, short_hours, over_hours, cost, paid, wait_minutes, left_unseen_share; in the order to
            print; missing is not shown.
        by_group: the same of each ``group``.
        console: where to print.
    """
    console.print(_table(by_way, ["way"]))
    console.print(_table(by_group, ["group", "way"]))


def worth_figure(choices: pd.DataFrame, by_way: pd.DataFrame, subtitle: str) -> Figure:
    """What each way pays and leaves short; of ways that plan, what they could choose from.

    Args:
        choices: way, price, short_hours, paid: a line for each way, from cheap missing heads to dear ones.
        by_way: way, short_hours, paid: a point for each, at the configured price.
        subtitle: where and when.
    """
    figure = page(8.5, 5)
    axes = figure.subplots()
    lines = dict(zip(dict.fromkeys(choices["way"]), COLOURS, strict=False))
    for way, colour in lines.items():
        line = choices[choices["way"] == way].sort_values("price")
        axes.plot(line["paid"], line["short_hours"], color=colour, marker="o", markersize=3, label=way)
    for row in by_way.to_dict("records"):
        colour = lines.get(row["way"], OBSERVED)
        axes.scatter(row["paid"], row["short_hours"], color=colour, s=46, zorder=3)
        axes.annotate(
            row["way"], (row["paid"], row["short_hours"]), (6, 6), textcoords="offset points", fontsize=8.5
        )
    roster = by_way.iloc[0]
    for draw, place in ((axes.axvline, roster["paid"]), (axes.axhline, roster["short_hours"])):
        draw(place, color=QUIET, linewidth=0.8, linestyle=(0, (5, 3)))
    axes.set_xlabel("paid for wages and calls", fontsize=9)
    axes.set_ylabel("head-hours short", fontsize=9)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.set_ylim(0, 1.6 * float(by_way["short_hours"].max()))
    seen = choices[choices["short_hours"] <= 1.6 * by_way["short_hours"].max()]
    paid = pd.concat([seen["paid"], by_way["paid"]])
    room = 0.06 * float(paid.max() - paid.min())
    axes.set_xlim(paid.min() - room, paid.max() + 5 * room)
    quieten(axes)
    axes.tick_params(axis="x", labelsize=8)
    head(figure, "What a plan pays and what it leaves short", subtitle)
    return figure


def _table(sums: pd.DataFrame, words: list[str]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in words:
        table.add_column(name.capitalize())
    for title in TITLES.values():
        table.add_column(title, justify="right")
    before = ""
    for row in sums.to_dict("records"):
        said = [str(row[name]) for name in words]
        shown = [
            "" if name == "group" and row[name] == before else word
            for name, word in zip(words, said, strict=True)
        ]
        before = row.get("group", "")
        table.add_row(*shown, *(_cell(name, float(row[name])) for name in TITLES))
    return table


def _cell(name: str, value: float) -> str:
    if math.isnan(value):
        return ""
    return f"{100 * value:.1f} %" if name == "left_unseen_share" else f"{value:,.0f}"
