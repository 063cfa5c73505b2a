"""What the monitor found: sentences that ask for somebody, a table of series, and the same for MLflow."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table

from forecasting.report.scores import answers_markdown, print_scores, scores_markdown
from forecasting.report.style import COLOURS, HEADER, QUIET, head, page, quieten
from forecasting.schema import SeriesState

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FIGURES: Mapping[str, str] = {
    "coverage_80": "outcomes in the 80 % interval",
    "relative_loss": "loss over climatology's",
    "relative_bias": "bias over patients",
}
HEADINGS = {"site": "site", "unit": "unit", "shift": "shift", "lead_day": "lead day"}
TITLES = ("Series", "State", "Skill", "90 % interval", "In 80 %", "Loss drift", "Level", "Missing", "Days")


def alerts(
    verdicts: pd.DataFrame,
    before: pd.DataFrame,
    drifts: pd.DataFrame,
    disparities: pd.DataFrame,
    requests: pd.DataFrame,
) -> list[str]:
    """What somebody should look at, a sentence each, the gravest first.

    Args:
        verdicts: SERIES_VERDICT rows.
        before: the last verdicts before.
        drifts: what, target, site_id, unit_id, recent, reference, drifted.
        disparities: target, by, group, figure, value, others, differs.
        requests: TRAINING_REQUEST rows.
    """
    return [
        *(f"training asked for, {row['target']}: {row['why']}" for row in _rows(requests)),
        *_changes(verdicts, before),
        *_drifted(drifts),
        *(
            f"disparity, {row['target']}: {FIGURES[row['figure']]} at {row['by'].replace('_', ' ')} "
            f"{row['group']} {_percent(row['value'])}, elsewhere {_percent(row['others'])}"
            for row in _rows(disparities[disparities["differs"].astype(bool)])
        ),
    ]


def print_monitor(
    scores: pd.DataFrame, verdicts: pd.DataFrame, sentences: list[str], console: Console
) -> None:
    """Print the scores, a row per series, and what somebody should look at.

    Args:
        scores: as :func:`forecasting.report.print_scores` takes them; empty before any outcome is final.
        verdicts: SERIES_VERDICT rows.
        sentences: see :func:`alerts`.
        console: where to print.
    """
    if scores.empty:
        console.print("no forecast has a final outcome yet: there is nothing to score.")
        return
    print_scores(scores, console)
    if len(verdicts):
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for number, title in enumerate(TITLES):
            table.add_column(title, justify="left" if number < 2 else "right")
        for row in _rows(verdicts):
            table.add_row(*_cells(row))
        console.print(table)
    for sentence in sentences:
        console.print(f"* {sentence}")


def monitor_markdown(scores: pd.DataFrame, verdicts: pd.DataFrame, sentences: list[str]) -> str:
    """The same for a run in MLflow: what to look at first, the answers, the series, the scores by group."""
    if scores.empty:
        return "No forecast has a final outcome yet: there is nothing to score."
    lines = [f"* {sentence}" for sentence in sentences] or ["* Nothing to look at."]
    lines += ["", answers_markdown(scores), ""]
    if len(verdicts):
        rule = ["---"] * len(TITLES)
        table = [TITLES, rule, *(_cells(row) for row in _rows(verdicts))]
        lines += ["### Series", "", *(f"| {' | '.join(cells)} |" for cells in table), ""]
    return "\n".join([*lines, scores_markdown(scores, HEADINGS)])


def disparity_figure(disparities: pd.DataFrame, title: str, subtitle: str) -> Figure:
    """Each site's and kind of unit's figures less those of all the others, with their intervals.

    Args:
        disparities: of one target: by, group, figure, difference, low, high, differs.
        title: what is forecast.
        subtitle: where and when.
    """
    groups = list(dict.fromkeys(_named(disparities)))
    figure = page(10.5, HEADER + 0.9 + 0.34 * len(groups))
    panels = figure.subplots(1, len(FIGURES), sharey=True)
    for axes, (name, words) in zip(panels, FIGURES.items(), strict=True):
        rows = disparities[disparities["figure"] == name].assign(named=_named)
        rows = rows.set_index("named").reindex(groups)
        place = np.arange(len(groups))
        axes.axvline(0, color=QUIET, linewidth=1.0, linestyle=(0, (5, 3)))
        for differs, colour, label in ((False, QUIET, "as the others"), (True, COLOURS[1], "differs")):
            shown = (rows["differs"].fillna(value=False).astype(bool) == differs).to_numpy()
            if shown.any():
                low, high, middle = (
                    100 * rows.loc[shown, each].to_numpy(dtype=float)
                    for each in ("low", "high", "difference")
                )
                axes.hlines(place[shown], low, high, color=colour, linewidth=2.2, alpha=0.55)
                axes.scatter(middle, place[shown], color=colour, s=26, zorder=3, label=label)
        axes.set_title(words, loc="left", fontsize=9.5, fontweight="bold")
        axes.set_xlabel("less that of the others, points", fontsize=9)
        quieten(axes)
        axes.tick_params(axis="x", labelsize=8)
    panels[0].set_yticks(range(len(groups)), labels=groups)
    panels[0].set_ylim(len(groups) - 0.5, -0.5)
    meaning = "Coloured: by more than chance over all that is compared here."
    head(figure, f"{title}: disparity", f"{subtitle}  {meaning}", legend=False)
    return figure


def _named(disparities: pd.DataFrame) -> pd.Series[str]:
    return disparities["by"].str.replace("_", " ") + " " + disparities["group"].str.replace("_", " ")


def _changes(verdicts: pd.DataFrame, before: pd.DataFrame) -> Iterator[str]:
    keys = ["site_id", "unit_id", "target"]
    was = verdicts.merge(before[[*keys, "state"]], on=keys, how="left", suffixes=("", "_before"))
    for row in _rows(was):
        if row["state"] == SeriesState.FALLBACK:
            since = "" if row["state_before"] != SeriesState.FALLBACK else f" since {row['judged_from']}"
            yield f"climatology speaks{since}, {_series(row)}: {row['why']}"
        elif row["state_before"] == SeriesState.FALLBACK:
            yield f"the champion speaks again, {_series(row)}: it lost less than climatology since"
    for row in _rows(was[was["state"] == SeriesState.WATCH]):
        yield f"watch, {_series(row)}: {row['why']}"


def _drifted(drifts: pd.DataFrame) -> Iterator[str]:
    """Drift of a whole target, and hours that are missing of a series."""
    shown = drifts["drifted"] & ((drifts["unit_id"] == "") | (drifts["what"] == "missing hours"))
    for row in _rows(drifts[shown]):
        where = _series(row) if row["unit_id"] else row["target"]
        told = f"{_percent(row['recent'])} of late, {_percent(row['reference'])} before"
        yield f"drift, {where}: {row['what']} {told}"


def _series(row: Mapping[Any, Any]) -> str:
    return f"{row['site_id']}/{row['unit_id']} {row['target']}"


def _cells(row: Mapping[Any, Any]) -> list[str]:
    ends = [_percent(row[name]) for name in ("skill_low", "skill_high")]
    return [
        _series(row),
        str(row["state"]),
        _percent(row["skill"]),
        " to ".join(end for end in ends if end),
        _percent(row["coverage_80"]),
        _percent(row["loss_change"], sign=True),
        _percent(row["level_change"], sign=True),
        _percent(row["missing_share"]),
        str(row["days"]),
    ]


def _rows(table: pd.DataFrame) -> list[dict[Any, Any]]:
    return table.to_dict("records")


def _percent(value: float | None, *, sign: bool = False) -> str:
    if value is None or math.isnan(value):
        return ""
    return f"{round(100 * value, 1) + 0.0:{'+' if sign else ''}.1f} %"
