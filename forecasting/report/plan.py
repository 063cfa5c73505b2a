"""A day's staffing plan as a table that a nurse manager reads in a terminal or a log."""

from __future__ import annotations

import sys
from datetime import date

import pandas as pd
from rich import box
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from forecasting.config import Settings, Site, Unit
from forecasting.report.doubts import notes, undecided
from forecasting.report.wording import Row, balance, local, long_day, patients, risk, rows, shift_and_hours

PLAIN_WIDTH = 100
"""Columns of a page where no terminal says how wide it is."""

ROOMY_WIDTH = 90
"""Columns from which on a table's have more space between them."""


def print_plan(
    recommendations: pd.DataFrame,
    settings: Settings,
    day: date | None = None,
    console: Console | None = None,
) -> None:
    """Print a day's plan, site after site: the table, why shifts are short, what no model or rule spoke of.

    Args:
        recommendations: STAFFING_RECOMMENDATION rows.
        settings: names the sites, units and roles.
        day: local date on which the shifts start; None for each site's first.
        console: where to; None for standard output.
    """
    console = console or Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH)
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
    """A site's plan for a day, by shift, unit and role.

    Patients are those of the shift's highest hour: the median and, in brackets, the 10th and 90th percentile.
    The risk is that the shift asks for more heads than are scheduled. Times are local.

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
    table.add_column("Gap")
    table.add_column("Risk", justify="right")
    for _, shift in _plan_of(recommendations, site, day).groupby("shift_start"):
        table.add_row(Text(shift_and_hours(rows(shift)[0], site), style="bold cyan"))
        for unit in site.units:
            _add_unit(table, unit, shift[shift["unit_id"] == unit.unit_id], settings)
        table.add_section()
    return table


def _add_unit(table: Table, unit: Unit, heads: pd.DataFrame, settings: Settings) -> None:
    by_role = {row["role"]: row for row in rows(heads)}
    roles = [role_id for role_id in settings.roles if role_id in by_role]
    for role_id in roles:
        row, is_first = by_role[role_id], role_id == roles[0]
        table.add_row(
            f"  {unit.name}" if is_first else "",
            settings.roles[role_id].title,
            patients(row) if is_first else "",
            _required(row),
            "unknown" if row["scheduled"] is None else f"{row['scheduled']:.0f}",
            _gap(row),
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
        _balance(plan),
        plan_table(plan, settings, site, roomy=roomy),
        *_told("Why short", _shortages(plan, settings, site)),
        *_told("No rule", undecided(plan, settings, site)),
        *_told("Not the usual forecast", notes(plan, site)),
        "",
    )


def _headline(plan: pd.DataFrame, site: Site) -> Text:
    issued_at = local(plan["issued_at"].iloc[0], site)
    return Text.assemble(
        (f"{site.name}, {long_day(plan['shift_date'].iloc[0])}", "bold"),
        (f"   issued {issued_at:%a} {issued_at.day} {issued_at:%b %H:%M}, times in {site.time_zone}", "dim"),
    )


def _balance(plan: pd.DataFrame) -> Text:
    if (plan["gap"] > 0).any():
        return Text(balance(plan), style="bold red")
    unsure = plan["required"].isna().any() or plan["scheduled"].isna().all()
    return Text(balance(plan), style="yellow" if unsure else "green")


def _told(heading: str, lines: list[tuple[str, str]]) -> list[RenderableType]:
    if not lines:
        return []
    sentences = (Text.assemble(f"{what}: ", (why, "dim")) for what, why in lines)
    return [Text(heading, style="bold"), *(Padding(sentence, (0, 0, 0, 2)) for sentence in sentences)]


def _shortages(plan: pd.DataFrame, settings: Settings, site: Site) -> list[tuple[str, str]]:
    """Each post that is short, the shortest of a shift first, and the reason."""
    names = {unit.unit_id: unit.name for unit in site.units}
    short = plan[plan["gap"] > 0].sort_values(["shift_start", "gap"], ascending=[True, False], kind="stable")
    return [
        (
            f"{names[row['unit_id']]}, {settings.roles[row['role']].title}, {row['shift']}",
            row["reason"],
        )
        for row in rows(short)
    ]


def _absence(recommendations: pd.DataFrame, site: Site, day: date | None) -> str:
    days = recommendations.loc[recommendations["site_id"] == site.site_id, "shift_date"]
    if days.empty:
        return "  no plan"
    return f"  no plan for {day}; it covers {days.min()} to {days.max()}"


def _plan_of(recommendations: pd.DataFrame, site: Site, day: date | None) -> pd.DataFrame:
    of_site = recommendations[recommendations["site_id"] == site.site_id]
    return of_site[of_site["shift_date"] == (day or of_site["shift_date"].min())]


def _required(row: Row) -> Text:
    required = row["required"]
    return Text("no rule", style="yellow") if required is None else Text(f"{required:.0f}")


def _gap(row: Row) -> Text:
    gap = row["gap"]
    # Nobody is too many where nobody knows how many patients come.
    if gap is None or (gap <= 0 and row["patients_p50"] is None):
        return Text("")
    if gap > 0:
        return Text(f"{gap:.0f} short", style="bold red")
    return Text("even", style="dim") if gap == 0 else Text(f"{-gap:.0f} over", style="green")
