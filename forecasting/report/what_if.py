"""What a scenario changes of a published plan, as people read it: a table, totals, where more are needed."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import pandas as pd
from rich import box
from rich.console import Console, Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from forecasting.config import Settings, Site
from forecasting.report.terminal import standard_output, told
from forecasting.wording import Row, post_name, post_names, role_title, rows, short_day

MOST_TOLD = 5
"""Shifts whose reason is told, for each site."""

ARROW = "\N{RIGHTWARDS ARROW}"
POST = ["site_id", "unit_id", "role", "shift", "shift_date", "shift_start"]
HEADS = {"required": "Required", "recommended": "Advised", "scheduled": "Scheduled", "short": "Short"}
"""Columns of the table, and their titles."""
OF_POOLS = {"recommended", "scheduled"}
"""Those of them that a float pool has."""
COSTS = ["expected_cost", "expected_cost_scheduled", "short_hours"]
WAITS = ["wait_minutes", "wait_minutes_scheduled", "left_unseen", "left_unseen_scheduled"]
FIGURES = ["required", "recommended", "scheduled", "gap", *COSTS, *WAITS]


def differences(published: pd.DataFrame, scenario: pd.DataFrame) -> pd.DataFrame:
    """Each unit, role and shift before and after, and why it is as it is then.

    Args:
        published: STAFFING_RECOMMENDATION rows of a night.
        scenario: SCENARIO_RECOMMENDATION rows of the same night and sites.

    Returns:
        The columns of :data:`POST`, each of :data:`FIGURES` and ``short`` with the endings ``_before`` and
        ``_after``, and ``reason``. ``short`` is the gap, or 0 where nobody is missing.
    """
    before, after = (
        heads[[*POST, *FIGURES]].assign(short=heads["gap"].clip(lower=0)) for heads in (published, scenario)
    )
    both = before.merge(after, on=POST, how="outer", suffixes=("_before", "_after"))
    return both.merge(scenario[[*POST, "reason"]], on=POST, how="left")


def difference_totals(published: pd.DataFrame, scenario: pd.DataFrame) -> pd.DataFrame:
    """Heads and costs over all units, roles and shifts of each site.

    Args:
        published: STAFFING_RECOMMENDATION rows of a night.
        scenario: SCENARIO_RECOMMENDATION rows of the same night and sites.

    Returns:
        ``site_id``, each of :data:`HEADS` and :data:`COSTS` before and after; missing where none is known.
    """
    columns = _both_ends([*HEADS, *COSTS])
    return differences(published, scenario).groupby("site_id", as_index=False)[columns].sum(min_count=1)


def print_difference(
    published: pd.DataFrame,
    scenario: pd.DataFrame,
    asked: pd.DataFrame,
    settings: Settings,
    console: Console | None = None,
) -> None:
    """Print what a scenario changes, site after site: heads before and after, where more are short, remarks.

    Args:
        published: STAFFING_RECOMMENDATION rows of a night.
        scenario: SCENARIO_RECOMMENDATION rows of the same night and sites.
        asked: SCENARIO rows.
        settings: names the sites, units and roles.
        console: where to; None for standard output.
    """
    console = console or standard_output()
    both = differences(published, scenario)
    for row in rows(asked):
        site = settings.site(str(row["site_id"]))
        console.print(_page(both[both["site_id"] == site.site_id], row, settings, site), highlight=False)


def difference_markdown(totals: pd.DataFrame, asked: pd.DataFrame) -> str:
    """What was asked, each site's totals and remarks, for the page of the run.

    Args:
        totals: of :func:`difference_totals`.
        asked: SCENARIO rows.
    """
    titles = ["Site", *HEADS.values(), "Cost as advised", "Cost of the roster"]
    lines = [titles, ["---", *["---:"] * (len(titles) - 1)]]
    lines += [
        [str(row["site_id"]), *(_change(row, name) for name in (*HEADS, *COSTS[:2]))] for row in rows(totals)
    ]
    told = [f"* {row['site_id']}: {remark}" for row in rows(asked) for remark in _remarks(row)]
    said = [f"**{row['site_id']}**: {asked_in_words(row)}" for row in rows(asked)]
    table = [f"| {' | '.join(line)} |" for line in lines]
    return "\n".join(
        [
            "\n\n".join(said),
            "",
            "Heads over all shifts, published and in the scenario:",
            "",
            *table,
            "",
            *told,
        ]
    )


def asked_in_words(row: Mapping[Hashable, Any]) -> str:
    """What a SCENARIO row changes, such as "arrivals +20 %, closed beds icu=4"."""
    changes = [
        f"{title} {100 * row[name]:+g} %"
        for name, title in (("arrivals", "arrivals"), ("census", "ward census"), ("stay", "stays"))
        if row[name]
    ]
    changes += [f"{100 * row['absence']:g} % of heads absent"] if row["absence"] else []
    changes += [f"closed beds {row['closed_beds']}"] if row["closed_beds"] else []
    changes += [f"ratio set {row['ratio_set']}"] if row["ratio_set"] is not None else []
    return ", ".join(changes) or "nothing changed"


def _page(both: pd.DataFrame, asked: Row, settings: Settings, site: Site) -> Group:
    title = f"{asked['title']}: " if asked["title"] else ""
    return Group(
        Text.assemble((f"{site.name}, what if", "bold"), f"   {title}{asked_in_words(asked)}"),
        Text(f"beside the plan of night {asked['night']}; scenario {asked['scenario_id']}", style="dim"),
        _table(both, settings, site),
        *told("What it costs", _costs(both)),
        *told("Waiting", _waits(both, settings)),
        *told("Where more are short", _gains(both, settings, site)),
        *told("Mind", [("", remark) for remark in _remarks(asked)]),
        "",
    )


def _table(both: pd.DataFrame, settings: Settings, site: Site) -> Table:
    days = both["shift_date"].nunique()
    table = Table(
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        header_style="bold",
        show_footer=True,
        caption=f"Heads added up over {days} days; short adds up the shifts in which some are missing.",
        caption_justify="left",
    )
    totals = _sums(both)
    for title in ("Unit", "Role", "Shift"):
        table.add_column(title, footer="All" if title == "Unit" else "")
    for name, title in HEADS.items():
        table.add_column(title, justify="right", footer=_change(totals, name))
    pools = {pool.pool_id for pool in site.float_pools}
    for post_id, name in post_names(site).items():
        shown = OF_POOLS if post_id in pools else set(HEADS)
        _add_post(table, both[both["unit_id"] == post_id], name, settings, shown)
    return table


def _add_post(table: Table, of_post: pd.DataFrame, name: str, settings: Settings, shown: set[str]) -> None:
    named = ""
    for role_id, role in settings.roles.items():
        titled = ""
        for shift in settings.shifts:
            of_shift = of_post[(of_post["role"] == role_id) & (of_post["shift"] == shift.name)]
            if of_shift.empty:
                continue
            sums = _sums(of_shift)
            table.add_row(
                "" if named else escape(name),
                "" if titled else escape(role.title),
                shift.name.replace("_", " "),
                *(_coloured(sums, figure) if figure in shown else "" for figure in HEADS),
            )
            named, titled = name, role.title
    if named:
        table.add_section()


def _costs(both: pd.DataFrame) -> list[tuple[str, str]]:
    sums = _sums(both)
    if sums["expected_cost_after"] is None:
        return []
    figures = (
        ("as advised", "expected_cost", ""),
        ("with the roster alone", "expected_cost_scheduled", ""),
        ("head-hours missing as advised", "short_hours", " h"),
    )
    return [(title, f"{_change(sums, name)}{unit}") for title, name, unit in figures]


def _waits(both: pd.DataFrame, settings: Settings) -> list[tuple[str, str]]:
    """Of each role that patients wait for: minutes and the share who leave, the mean of its shifts."""
    lines = []
    for role_id, role in settings.roles.items():
        means = both.loc[both["role"] == role_id, _both_ends(WAITS)].mean()
        if not means.notna().any():
            continue
        (row,) = rows(means.to_frame().T)
        for how, end in (("as advised", ""), ("with the roster alone", "_scheduled")):
            minutes, leaving = (
                _change(row, f"wait_minutes{end}"),
                _change(row, f"left_unseen{end}", scale=100),
            )
            waits = f"{minutes} minutes until seen, {leaving} % leave unseen, on average of the shifts"
            lines.append((f"{role.title}, {how}", waits))
    return lines


def _gains(both: pd.DataFrame, settings: Settings, site: Site) -> list[tuple[str, str]]:
    """Shifts that miss more heads than in the published plan, those that miss most more first, and why."""
    more = both["short_after"].fillna(0) - both["short_before"].fillna(0)
    gaining = both.assign(more=more)[more > 0].sort_values(
        ["more", "shift_start"], ascending=[False, True], kind="stable"
    )
    return [
        (f"{_on(row)}, {post_name(row['unit_id'], site)}, {role_title(row['role'], settings)}", row["reason"])
        for row in rows(gaining.head(MOST_TOLD))
    ]


def _on(row: Row) -> str:
    return f"{short_day(row['shift_date'])} {row['shift']}"


def _remarks(asked: Mapping[Hashable, Any]) -> list[str]:
    return str(asked["remarks"]).splitlines()


def _coloured(row: Mapping[Hashable, Any], name: str) -> Text:
    before, after = row[f"{name}_before"], row[f"{name}_after"]
    if name != "short" or before is None or after is None or before == after:
        return Text(_change(row, name))
    return Text(_change(row, name), style="bold red" if after > before else "green")


def _change(row: Mapping[Hashable, Any], name: str, scale: float = 1) -> str:
    before, after = (_number(row[f"{name}_{when}"], scale) for when in ("before", "after"))
    return before if before == after else f"{before} {ARROW} {after}"


def _number(value: float | None, scale: float) -> str:
    return "unknown" if value is None or math.isnan(value) else f"{scale * value:,.0f}"


def _both_ends(names: Sequence[str]) -> list[str]:
    return [f"{name}_{when}" for name in names for when in ("before", "after")]


def _sums(heads: pd.DataFrame) -> Row:
    """Each figure over the rows, None where none of them has it."""
    (sums,) = rows(heads[_both_ends([*HEADS, *COSTS])].sum(min_count=1).to_frame().T)
    return sums
