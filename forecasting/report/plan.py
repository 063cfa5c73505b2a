"""A day's staffing plan as a table that a nurse manager reads in a terminal or a log."""

from __future__ import annotations

from datetime import date

import pandas as pd
from rich import box
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from forecasting.config import Settings, Site
from forecasting.report.doubts import undecided
from forecasting.report.terminal import standard_output, told
from forecasting.wording import (
    Row,
    balance,
    capitalised,
    helps_out,
    local,
    long_day,
    notes,
    of_units,
    patients,
    post_name,
    post_names,
    risk,
    role_title,
    rows,
    shift_and_hours,
    short_day,
)

ROOMY_WIDTH = 90
"""Columns from which on a table's have more space between them."""


def print_plan(
    recommendations: pd.DataFrame,
    settings: Settings,
    day: date | None = None,
    console: Console | None = None,
) -> None:
    """Print a day's plan, site after site: the table, why, how long patients wait, what to take note of.

    Args:
        recommendations: STAFFING_RECOMMENDATION rows.
        settings: names the sites, units and roles.
        day: local date on which the shifts start; None for each site's first.
        console: where to; None for standard output.
    """
    console = console or standard_output()
    for site in settings.sites:
        page = _page(recommendations, settings, site, day, roomy=console.width >= ROOMY_WIDTH)
        console.print(page, highlight=False)


def plan_table(
    recommendations: pd.DataFrame,
    settings: Settings,
    site: Site,
    day: date | None = None,
    *,
    roomy: bool = True,
) -> Table:
    """A site's plan for a day, by shift, unit and role, float pools last.

    Patients are those of the shift's highest hour: the median and, in brackets, the 10th and 90th percentile.
    Advised is what to do with the roster and the heads that come of it. The risk is that the shift asks for
    more heads than are scheduled. Times are local.

    Args:
        recommendations: STAFFING_RECOMMENDATION rows; those of other sites and days are passed over.
        settings: names the units and roles, and gives their order.
        site: whose plan.
        day: local date on which the shifts start; None for the first.
        roomy: with more space between the columns.
    """
    table = Table(box=box.SIMPLE_HEAD, padding=(0, int(roomy), 0, 0), header_style="bold")
    table.add_column("Unit")
    table.add_column("Role")
    table.add_column("Patients", justify="right")
    table.add_column("Required", justify="right")
    table.add_column("Scheduled", justify="right")
    table.add_column("Advised")
    table.add_column("Risk", justify="right")
    for _, shift in _plan_of(recommendations, site, day).groupby("shift_start"):
        table.add_row(Text(shift_and_hours(rows(shift)[0], site), style="bold cyan"))
        for unit_id, name in post_names(site).items():
            _add_unit(table, name, shift[shift["unit_id"] == unit_id], settings)
        table.add_section()
    return table


def _add_unit(table: Table, name: str, heads: pd.DataFrame, settings: Settings) -> None:
    by_role = {row["role"]: row for row in rows(heads)}
    roles = [role_id for role_id in settings.roles if role_id in by_role]
    for role_id in roles:
        row, is_first = by_role[role_id], role_id == roles[0]
        table.add_row(
            Text(f"  {name}" if is_first else ""),
            Text(settings.roles[role_id].title),
            patients(row) if is_first and not helps_out(row) else "",
            _required(row),
            "unknown" if row["scheduled"] is None else f"{row['scheduled']:.0f}",
            _advised(row),
            risk(row, settings.horizon.quantile_levels),
        )


def _page(
    recommendations: pd.DataFrame, settings: Settings, site: Site, day: date | None, *, roomy: bool
) -> Group:
    plan = _plan_of(recommendations, site, day)
    if plan.empty:
        return Group(Text(site.name, style="bold"), Text(_absence(recommendations, site, day)), "")
    return Group(
        _headline(plan, site),
        _balance(of_units(plan, site)),
        *_money(plan),
        plan_table(plan, settings, site, roomy=roomy),
        *told("Why", _changes(of_units(plan, site), settings, site)),
        *told("Waiting", _waiting(plan, settings, site)),
        *told("Decide by hand", undecided(plan, settings, site)),
        *told("Take note", notes(plan, site)),
        "",
    )


def _headline(plan: pd.DataFrame, site: Site) -> Text:
    issued_at = local(plan["issued_at"].iloc[0], site)
    return Text.assemble(
        (f"{site.name}, {long_day(plan['shift_date'].iloc[0])}", "bold"),
        (f"   issued {short_day(issued_at)} {issued_at:%H:%M}, times in {site.time_zone}", "dim"),
    )


def _balance(plan: pd.DataFrame) -> Text:
    if (plan["gap"] > 0).any():
        return Text(balance(plan), style="bold red")
    unsure = plan["required"].isna().any() or plan["scheduled"].isna().all()
    return Text(balance(plan), style="yellow" if unsure else "green")


def _money(plan: pd.DataFrame) -> list[Text]:
    """What the plan is expected to cost, beside the roster, where it was planned."""
    if plan["expected_cost"].isna().all():
        return []
    advised, scheduled = plan["expected_cost"].sum(), plan["expected_cost_scheduled"].sum()
    both = f"expected cost {advised:,.0f} as advised, {scheduled:,.0f} as scheduled, missing heads included"
    return [Text(both, style="dim")]


def _changes(plan: pd.DataFrame, settings: Settings, site: Site) -> list[tuple[str, str]]:
    """Each post that is short or to be changed, the shortest of a shift first: what to do, why, relief."""
    changed = plan[(plan["gap"] > 0) | (plan["recommended"] != plan["scheduled"]) & plan["gap"].notna()]
    in_order = changed.sort_values(["shift_start", "gap"], ascending=[True, False], kind="stable")
    return [
        (
            f"{_post(row, settings, site)}, {row['shift']}",
            " ".join(filter(None, [f"{capitalised(row['action'])}.", row["reason"], _ended(row["relief"])])),
        )
        for row in rows(in_order)
    ]


def _waiting(plan: pd.DataFrame, settings: Settings, site: Site) -> list[tuple[str, str]]:
    """How long patients wait to be seen on each shift, as advised and, where that differs, as scheduled."""
    lines = []
    for row in rows(plan[plan["left_unseen"].notna()].sort_values(["shift_start", "role"])):
        now = _wait(row["wait_minutes"], row["left_unseen"])
        before = _wait(row["wait_minutes_scheduled"], row["left_unseen_scheduled"])
        wait = now if now == before else f"{now}; as scheduled {before}"
        lines.append((f"{_post(row, settings, site)}, {row['shift']}", f"{wait}."))
    return lines


def _wait(minutes: float | None, left_unseen: float | None) -> str:
    if minutes is None or left_unseen is None:
        return "nobody is seen"
    return f"{minutes:.0f} minutes until seen, {100 * left_unseen:.0f} % leave unseen"


def _post(row: Row, settings: Settings, site: Site) -> str:
    return f"{post_name(row['unit_id'], site)}, {role_title(row['role'], settings)}"


def _ended(sentence: str) -> str:
    return f"{sentence}." if sentence else ""


def _absence(recommendations: pd.DataFrame, site: Site, day: date | None) -> str:
    days = recommendations.loc[recommendations["site_id"] == site.site_id, "shift_date"]
    if days.empty:
        return "  no plan"
    return f"  no plan for {day}; it covers {days.min()} to {days.max()}"


def _plan_of(recommendations: pd.DataFrame, site: Site, day: date | None) -> pd.DataFrame:
    of_site = recommendations[recommendations["site_id"] == site.site_id]
    return of_site[of_site["shift_date"] == (day or of_site["shift_date"].min())]


def _required(row: Row) -> Text:
    if row["required"] is not None:
        return Text(f"{row['required']:.0f}")
    return Text("") if helps_out(row) else Text("no rule", style="yellow")


def _advised(row: Row) -> Text:
    """What to do with the roster, and the heads that come of it; whom to call as needed is told apart."""
    what = row["action"].split(";")[0]
    if row["recommended"] is None or row["scheduled"] is None:
        return Text(what)
    if row["recommended"] == row["scheduled"]:
        return Text(what, style="yellow" if (row["gap"] or 0) > 0 else "dim")
    heads = f"{what} → {row['recommended']:.0f}"
    return Text(heads, style="bold red" if row["recommended"] > row["scheduled"] else "green")
