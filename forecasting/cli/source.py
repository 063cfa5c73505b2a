"""Commands about the hospital's database."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

import typer

from forecasting import pipeline
from forecasting.cli.app import app, console
from forecasting.cli.asked import NightOption, asked_columns, asked_night, asked_sites, asked_time_zone
from forecasting.cli.ending import plain_errors
from forecasting.config import read_settings
from forecasting.deployment import Deployment

source_app = typer.Typer(no_args_is_help=True, help="The hospital's database, before anything is scheduled.")
app.add_typer(source_app, name="source")


@app.command()
def simulate(
    days: Annotated[int, typer.Option(min=1, help="Days of history before the latest night.")] = 730,
    ahead: Annotated[int, typer.Option(min=0, help="Days after it that are written too.")] = 0,
    night: NightOption = None,
    seed: int = 1,
) -> None:
    """Write a hospital group that does not exist into the source database, and its truth to a file apart."""
    with plain_errors():
        place = Deployment()
        settings = read_settings(place.config)
        issued_at = settings.issued_at(asked_night(settings, night))
        write_simulated(place, issued_at - timedelta(days=days), issued_at + timedelta(days=ahead), seed)


@source_app.command()
def check(night: NightOption = None, sites: str = "all") -> None:
    """Show what a first night would read, its gaps and doubts; exits with 1 if a target can't be read."""
    from forecasting.report import print_source

    with plain_errors():
        place = Deployment()
        settings = read_settings(place.config)
        asked = asked_night(settings, night)
        report = pipeline.check_source(place, asked, asked_sites(settings, sites))
        print_source(
            report.series, report.doubts, report.unread, settings, settings.issued_at(asked), console
        )
        if len(report.unread):
            raise typer.Exit(1)


@source_app.command()
def load(
    paths: Annotated[
        list[Path],
        typer.Argument(exists=True, help="Files or folders: .hl7, .er7, .ndjson (FHIR), .csv, .parquet."),
    ],
    time_zone: Annotated[
        str,
        typer.Option(help="Whose clock tells times without an offset: site, each site's own, or a zone's."),
    ] = "site",
    column: Annotated[
        list[str] | None, typer.Option(help="table.ours=theirs, where a file calls a column otherwise.")
    ] = None,
) -> None:
    """Load messages, an export or tables into the source database; a later file corrects an earlier one."""
    from forecasting.report import print_loaded

    with plain_errors():
        loaded = pipeline.load_source(
            Deployment(), paths, asked_time_zone(time_zone), asked_columns(column or [])
        )
        told = loaded.told
        print_loaded(told.read, told.left_out, told.first_at, loaded.written, console)


@source_app.command()
def render(
    dialect: Annotated[Literal["tsql", "oracle", "snowflake"], typer.Option(help="Whose words.")],
    folder: Annotated[Path, typer.Option(help="Gets a file for each query.")] = Path("rendered"),
    site: Annotated[str | None, typer.Option(help="Whose parameters to name; the first if left out.")] = None,
    night: NightOption = None,
) -> None:
    """Write the profile's queries for SQL Server, Oracle or Snowflake, on which they were not run."""
    with plain_errors():
        place = Deployment()
        settings = read_settings(place.config)
        site_id = settings.site(site or settings.site_ids[0]).site_id
        files = pipeline.render_queries(place, asked_night(settings, night), site_id, dialect, folder)
        console.print(f"{len(files)} queries of profile {settings.source.profile} in {folder}")


def write_simulated(place: Deployment, start: datetime, until: datetime, seed: int) -> None:
    """Write made-up hospitals of a span into the source database, with a bar while it lasts."""
    from rich.progress import Progress

    with Progress(console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task("simulating", total=None)

        def show(what: str, done: int, total: int) -> None:
            progress.update(bar, description=f"simulating {what}", completed=done, total=total)
            if not console.is_terminal:
                console.print(f"simulating {what}: {done} of {total}")

        pipeline.simulate_source(place, start, until, seed, show)
