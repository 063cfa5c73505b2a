"""The command that watches what was forecast."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from forecasting.cli.app import app, console
from forecasting.cli.asked import NightOption, asked_night
from forecasting.cli.ending import plain_errors
from forecasting.cli.mlflow_page import print_mlflow_page
from forecasting.config import read_settings
from forecasting.deployment import Deployment


@app.command()
def monitor(
    night: NightOption = None,
    window_days: Annotated[
        int | None, typer.Option(min=14, max=366, help="Days of outcomes; as configured if left out.")
    ] = None,
) -> None:
    """Score published forecasts whose outcomes are final, and judge who may speak for which series."""
    from forecasting.pipeline import monitor as phases

    with plain_errors():
        place = Deployment()
        settings = read_settings(place.config)
        key = phases.open_monitor(place, asked_night(settings, night), window_days, {})
        for site_id in settings.site_ids:
            phases.score_site(place, key, site_id)
        phases.tell_monitor(place, key, phases.judge(place, key), console)
        print_mlflow_page(place, partial(phases.monitor_page, place, key))
