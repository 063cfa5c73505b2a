"""A day's staffing plan as a table that a nurse manager reads in a terminal or a log."""

from __future__ import annotations

import sys
from collections.abc import Hashable, Sequence
from datetime import date, datetime
from typing import Any

import pandas as pd
from rich import box
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from forecasting.config import Settings, Site, Unit

PLAIN_WIDTH = 100
"""Columns of a page where no terminal says how wide it is."""

ROOMY_WIDTH = 90
"""Columns from which on a table's have more space between them."""

TO = "\N{EN DASH}"
_ROUNDING = 1e-9

Row = dict[Hashable, Any]


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
        table.add_row(Text(_shift_and_hours(_rows(shift)[0], site), style="bold cyan"))
        for unit in site.units:
            _add_unit(table, unit, shift[shift["unit_id"] == unit.unit_id], settings)
        table.add_section()
    return table


def _add_unit(table: Table, unit: Unit, heads: pd.DataFrame, settings: Settings) -> None:
    by_role = {row["role"]: row for row in _rows(heads)}
    roles = [role_id for role_id in settings.roles if role_id in by_role]
    for role_id in roles:
        row, is_first = by_role[role_id], role_id == roles[0]
        table.add_row(
            f"  {unit.name}" if is_first else "",
            settings.roles[role_id].title,
            _patients(row) if is_first else "",
            _required(row),
            "unknown" if row["scheduled"] is None else f"{row['scheduled']:.0f}",
            _gap(row),
            _risk(row, settings.horizon.quantile_levels),
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
        *_told("No rule", _without_rule(plan, settings, site)),
        *_told("Not the usual forecast", _stand_ins(plan, site)),
        "",
    )


def _headline(plan: pd.DataFrame, site: Site) -> Text:
    issued_at = _local(plan["issued_at"].iloc[0], site)
    return Text.assemble(
        (f"{site.name}, {_day(plan['shift_date'].iloc[0])}", "bold"),
        (f"   issued {issued_at:%a} {issued_at.day} {issued_at:%b %H:%M}, times in {site.time_zone}", "dim"),
    )


def _balance(plan: pd.DataFrame) -> Text:
    short = plan.loc[plan["gap"] > 0, "gap"]
    unknown = int(plan["scheduled"].isna().sum())
    without = int(plan["required"].isna().sum())
    roster = f"; no roster known for {unknown} of {len(plan)}" if unknown else ""
    rules = f"; no rule for {without} of {len(plan)}" if without else ""
    if len(short):
        heads = int(short.sum())
        told = f"{heads} heads short, in {len(short)} of {len(plan)} posts{roster}{rules}"
        return Text(told, style="bold red")
    if unknown == len(plan):
        return Text(f"no roster known{rules}", style="yellow")
    return Text(f"nothing short{roster}{rules}", style="yellow" if without else "green")


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
        for row in _rows(short)
    ]


def _without_rule(plan: pd.DataFrame, settings: Settings, site: Site) -> list[tuple[str, str]]:
    """Each unit and role of which no rule holds, and why."""
    names = {unit.unit_id: unit.name for unit in site.units}
    lost = plan[plan["required"].isna()].drop_duplicates(["unit_id", "role", "reason"])
    return [
        (f"{names[row['unit_id']]}, {settings.roles[row['role']].title}", row["reason"])
        for row in _rows(lost)
    ]


def _stand_ins(plan: pd.DataFrame, site: Site) -> list[tuple[str, str]]:
    """Who forecast in the champion's stead, and why, told once for all the units it is true of."""
    told = plan["note"].mask(_unforeseen(plan), "No forecast: the plan holds the minimum.")
    told = told[told != ""]
    units = plan.loc[told.index].groupby(told)["unit_id"].unique()
    return [(_names(set(unit_ids), site), str(why)) for why, unit_ids in units.items()]


def _names(unit_ids: set[str], site: Site) -> str:
    names = [unit.name for unit in site.units if unit.unit_id in unit_ids]
    return "All units" if len(names) == len(site.units) else ", ".join(names)


def _absence(recommendations: pd.DataFrame, site: Site, day: date | None) -> str:
    days = recommendations.loc[recommendations["site_id"] == site.site_id, "shift_date"]
    if days.empty:
        return "  no plan"
    return f"  no plan for {day}; it covers {days.min()} to {days.max()}"


def _plan_of(recommendations: pd.DataFrame, site: Site, day: date | None) -> pd.DataFrame:
    of_site = recommendations[recommendations["site_id"] == site.site_id]
    return of_site[of_site["shift_date"] == (day or of_site["shift_date"].min())]


def _unforeseen(plan: pd.DataFrame) -> pd.Series:
    """Of which rows nothing was forecast: a rule may count arrivals though no census is known."""
    return plan["patients_p50"].isna() & plan["model"].isna()


def _rows(plan: pd.DataFrame) -> list[Row]:
    """The rows, with None for what is missing."""
    return plan.astype(object).where(plan.notna(), None).to_dict("records")


def _patients(row: Row) -> str:
    low, median, high = row["patients_p10"], row["patients_p50"], row["patients_p90"]
    if median is None:
        return "unknown"
    return f"{median:.0f}" if None in (low, high) else f"{median:.0f} ({low:.0f}{TO}{high:.0f})"


def _required(row: Row) -> Text:
    required = row["required"]
    return Text("no rule", style="yellow") if required is None else Text(f"{required:.0f}")


def _risk(row: Row, levels: Sequence[float]) -> str:
    """How likely the shift is short, as far as the forecast's levels tell."""
    risk = row["probability_short"]
    if risk is None:
        return ""
    if risk <= 1 - levels[-1] + _ROUNDING:
        return f"≤{100 * (1 - levels[-1]):.0f} %"
    if risk >= 1 - levels[0] - _ROUNDING:
        return f"≥{100 * (1 - levels[0]):.0f} %"
    return f"{100 * risk:.0f} %"


def _gap(row: Row) -> Text:
    gap = row["gap"]
    # Nobody is too many where nobody knows how many patients come.
    if gap is None or (gap <= 0 and row["patients_p50"] is None and row["model"] is None):
        return Text("")
    if gap > 0:
        return Text(f"{gap:.0f} short", style="bold red")
    return Text("even", style="dim") if gap == 0 else Text(f"{-gap:.0f} over", style="green")


def _shift_and_hours(row: Row, site: Site) -> str:
    start, end = _local(row["shift_start"], site), _local(row["shift_end"], site)
    return f"{row['shift'].replace('_', ' ').capitalize()} {start:%H:%M}{TO}{end:%H:%M}"


def _day(day: date) -> str:
    return f"{day:%A} {day.day} {day:%B %Y}"


def _local(instant: datetime, site: Site) -> datetime:
    return instant.astimezone(site.zone)
