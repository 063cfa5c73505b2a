"""What a source would give a night, as a page that a data engineer reads in a terminal."""

from __future__ import annotations

from datetime import datetime

import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from forecasting.config import Settings, Site

NOTHING = "\N{EN DASH}"


def print_source(
    series: pd.DataFrame,
    doubts: pd.DataFrame,
    unread: pd.DataFrame,
    settings: Settings,
    issued_at: datetime,
    console: Console,
) -> None:
    """Print, site by site, each series' span and gaps, what to look at, and what can't be read.

    Args:
        series: per configured series ``site_id, unit_id, target, table, first, last, hours, missing,
            zero_share, gap_hours, gap_from``; times in UTC.
        doubts: ``site_id, unit_id, target, says``.
        unread: the same, of targets of which there is nothing.
        settings: names and zones of the sites.
        issued_at: up to when the source was read.
        console: where to.
    """
    for site in settings.sites:
        of_site = series[series["site_id"] == site.site_id]
        if of_site.empty:
            continue
        of = f", profile {settings.source.profile}, times in {site.time_zone}"
        console.print(Text.assemble((site.name, "bold"), of))
        console.print(f"read as on {issued_at.astimezone(site.zone):%a %d %b %Y %H:%M}")
        console.print(_table(of_site, site))
        if not (doubts["site_id"] == site.site_id).any():
            console.print("No doubts")
        for heading, found, style in (("Doubts", doubts, ""), ("Can't be read", unread, "red")):
            said = found[found["site_id"] == site.site_id]
            if said.empty:
                continue
            console.print(heading, style="bold")
            for _, row in said.iterrows():
                where = " ".join(part for part in (row["unit_id"], row["target"]) if part)
                console.print(Text(f"  {where}: {row['says']}" if where else f"  {row['says']}", style))
        console.print()


def _table(series: pd.DataFrame, site: Site) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), header_style="bold")
    for name in ("Unit", "Target", "Table", "From", "To"):
        table.add_column(name, overflow="fold", no_wrap=name in ("From", "To"))
    for name in ("Hours", "Missing", "Zero", "Longest gap"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in series.to_dict("records"):
        table.add_row(
            Text(row["unit_id"]),
            Text(row["target"]),
            Text(row["table"]),
            _local(row["first"], site),
            _local(row["last"], site),
            f"{row['hours']:,}",
            f"{row['missing']:,}",
            NOTHING if pd.isna(row["zero_share"]) else f"{row['zero_share']:.1%}",
            f"{row['gap_hours']} h, {_local(row['gap_from'], site)}" if row["gap_hours"] else NOTHING,
        )
    return table


def _local(moment: pd.Timestamp, site: Site) -> str:
    return NOTHING if pd.isna(moment) else f"{moment.tz_convert(site.zone):%Y-%m-%d %H:%M}"
