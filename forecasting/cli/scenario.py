"""The command that asks what if."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated

import typer

from forecasting.cli.app import app, console
from forecasting.cli.asked import asked_sites, run_id_of_now, words
from forecasting.cli.ending import plain_errors
from forecasting.cli.mlflow_page import print_mlflow_page
from forecasting.config import read_settings
from forecasting.deployment import Deployment


@app.command()
def what_if(
    night: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Whose published plan is changed; the latest if left out."),
    ] = None,
    sites: Annotated[str, typer.Option(help="all, or names with commas between.")] = "all",
    arrivals: Annotated[float, typer.Option(help="Per cent more patients at the ED; negative: fewer.")] = 0,
    census: Annotated[float, typer.Option(help="Per cent more patients in the wards' beds.")] = 0,
    stay: Annotated[float, typer.Option(help="Per cent by which patients stay longer.")] = 0,
    absence: Annotated[float, typer.Option(help="Per cent of the rostered heads who don't come.")] = 0,
    closed: Annotated[
        str, typer.Option(help="Closed beds: unit=beds or site/unit=beds, with commas between.")
    ] = "",
    ratio_set: Annotated[
        str | None, typer.Option(help="Published ratios, or none; as configured if left out.")
    ] = None,
    title: Annotated[str, typer.Option(help="What to call it.")] = "",
) -> None:
    """Make a published plan again of changed inputs, and print the difference; nothing published changes."""
    from forecasting.pipeline import what_if

    with plain_errors():
        place = Deployment()
        settings = read_settings(place.config)
        asked = what_if.read_what_if(
            settings,
            night=night.date() if night else None,
            site_ids=asked_sites(settings, sites),
            arrivals=arrivals,
            census=census,
            stay=stay,
            absence=absence,
            closed=words(closed),
            ratio_set=ratio_set,
            title=title,
        )
        key = what_if.open_what_if(place, asked, run_id_of_now(), {})
        for site_id in asked.site_ids:
            what_if.plan_what_if(place, key, site_id)
        what_if.tell_what_if(place, key, console)
        print_mlflow_page(place, partial(what_if.what_if_page, place, key))
