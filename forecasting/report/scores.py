"""Scores in words and tables: which model is better, by how much, and where."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table

SEED = " seed "
PERIODS = {"PT1H": "by hour", "PT8H": "by 8 hours", "PT12H": "by 12 hours", "P1D": "by day"}
GAP_CLOSED = "Gap closed"
TITLES = ("WQL", "Skill", "90 % interval", "MAE", "Bias", "In 80 %", "In 90 %", GAP_CLOSED)


def print_scores(scores: pd.DataFrame, console: Console) -> None:
    """Print a table per target and period, its best model first said in a sentence.

    Args:
        scores: rows by target, period, by, group and model, with wql, skill, skill_low, skill_high, mae,
            bias, pit_80, pit_90 and gap_closed where it is known.
        console: where to print.
    """
    overall = scores[scores["by"] == "all"]
    for (target, period), of_target in overall.groupby(["target", "period"], sort=False):
        console.print(f"[bold]{target} {_by(period)}[/]: {answer(of_target)}")
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        table.add_column("Model")
        titles = _titles(of_target)
        for title in titles:
            table.add_column(title, justify="right")
        for row in of_target.to_dict("records"):
            table.add_row(str(row["model"]), *_cells(row, titles))
        console.print(table)
        for sentence in seed_noise(of_target):
            console.print(sentence)


def answer(overall: pd.DataFrame) -> str:
    """One sentence: which model is best over all hours, and how sure that is.

    Args:
        overall: the rows of one target with ``by`` = all.
    """
    known = overall[overall["wql"].notna()]
    if known.empty:
        return "no outcome is known yet, or nobody came: there is nothing to score."
    best = known.iloc[int(known["wql"].argmin())]
    if math.isnan(best["skill_low"]) and math.isnan(best["skill_high"]) and best["skill"] == 0:
        return f"{best['model']} is best, WQL {best['wql']:.4f}: no model beats the reference."
    sure = "more than noise" if best["skill_low"] > 0 else "not more than noise"
    return (
        f"{best['model']} is best, WQL {best['wql']:.4f}, "
        f"{_percent(best['skill'])} better than the reference, {sure}."
    )


def seed_noise(overall: pd.DataFrame) -> list[str]:
    """A sentence per model that was run with several seeds: mean WQL and spread over them.

    Args:
        overall: the rows of one target with ``by`` = all.
    """
    seeded = overall[overall["model"].str.contains(SEED)]
    kinds = seeded["model"].map(lambda name: name.rpartition(SEED)[0])
    return [
        f"{kind}: WQL {wql.mean():.4f} ± {wql.std():.4f} over {len(wql)} seeds (mean, standard deviation); "
        "a smaller difference is none."
        for kind, wql in seeded.groupby(kinds)["wql"]
        if len(wql) > 1
    ]


def answers_markdown(scores: pd.DataFrame) -> str:
    """The answer for each target and period, those of the hours first.

    Args:
        scores: as :func:`print_scores` takes them.
    """
    every = scores[scores["by"] == "all"]
    hours_first = every.assign(place=every["period"] != "PT1H").sort_values("place", kind="stable")
    return "\n".join(
        f"* **{target} {_by(period)}**: {answer(rows)}"
        for (target, period), rows in hours_first.groupby(["target", "period"], sort=False)
    )


def scores_markdown(scores: pd.DataFrame, names: Mapping[str, str]) -> str:
    """Tables of scores for each target and period, and of the hours' skill by group.

    Args:
        scores: as :func:`print_scores` takes them.
        names: how each value of ``by`` is told in a heading; those that are not named are left out.
    """
    lines = []
    for (target, period), of_target in scores.groupby(["target", "period"], sort=False):
        overall = of_target[of_target["by"] == "all"]
        lines += [
            f"### {target} {_by(period)}",
            "",
            *seed_noise(overall),
            "",
        ]
        titles = _titles(overall)
        rows = [[str(row["model"]), *_cells(row, titles)] for row in overall.to_dict("records")]
        lines += [*_markdown(["Model", *titles], rows), ""]
        models = [str(model) for model in overall["model"]]
        for by, heading in names.items() if period == "PT1H" else ():
            grouped = of_target[of_target["by"] == by]
            told = f"#### Skill by {heading} (bold: better by more than noise, italic: worse by more)"
            lines += [told, "", *_skill_table(grouped, models, heading), ""]
    return "\n".join(lines)


def _skill_table(scores: pd.DataFrame, models: list[str], heading: str) -> list[str]:
    told = scores.assign(told=[_sure(row) for row in scores.to_dict("records")])
    wide = told.pivot_table(index="group", columns="model", values="told", aggfunc="first")
    wide = wide.reindex(index=list(dict.fromkeys(scores["group"])), columns=models).fillna("")
    rows = [[str(group), *row] for group, row in zip(wide.index, wide.to_numpy(), strict=True)]
    return _markdown([heading, *models], rows)


def _sure(row: Mapping[Any, Any]) -> str:
    """The skill, marked where its interval leaves no doubt on which side it lies."""
    told = _percent(row["skill"])
    return f"**{told}**" if row["skill_low"] > 0 else f"*{told}*" if row["skill_high"] < 0 else told


def _markdown(titles: list[str], rows: list[list[str]]) -> list[str]:
    lines = [titles, ["---", *["---:"] * (len(titles) - 1)], *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def _by(period: object) -> str:
    return PERIODS.get(str(period), str(period))


def _titles(overall: pd.DataFrame) -> list[str]:
    """The columns of a table of scores; one that nothing is known of is left out."""
    has_floor = "gap_closed" in overall and overall["gap_closed"].notna().any()
    return [title for title in TITLES if title != GAP_CLOSED or has_floor]


def _cells(row: Mapping[Any, Any], titles: list[str]) -> list[str]:
    ends = [_percent(row[name]) for name in ("skill_low", "skill_high")]
    told = {
        "WQL": _number(row["wql"], 4),
        "Skill": _percent(row["skill"]),
        "90 % interval": " to ".join(end for end in ends if end),
        "MAE": _number(row["mae"], 3),
        "Bias": _number(row["bias"], 3, sign=True),
        "In 80 %": _percent(row["pit_80"]),
        "In 90 %": _percent(row["pit_90"]),
        GAP_CLOSED: _percent(row.get("gap_closed", math.nan)),
    }
    return [told[title] for title in titles]


def _number(value: float, digits: int, *, sign: bool = False) -> str:
    return "" if math.isnan(value) else f"{value:{'+' if sign else ''}.{digits}f}"


def _percent(value: float) -> str:
    return "" if math.isnan(value) else f"{round(100 * value, 1) + 0.0:.1f} %"
