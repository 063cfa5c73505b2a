"""Commands about a night and its plan."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated

import typer

from forecasting import outcome, pipeline
from forecasting.cli.app import app, console
from forecasting.cli.asked import (
    NightOption,
    RetrainOption,
    asked_night,
    asked_retrain,
    asked_sites,
    run_id_of_now,
)
from forecasting.cli.ending import SKIPPED, plain_errors
from forecasting.config import Settings, read_settings
from forecasting.deployment import Deployment
from forecasting.schema import Target

HOUR = "%Y-%m-%d %H:%M"


@app.command()
def migrate() -> None:
    """Bring the warehouse's tables to this version."""
    with plain_errors():
        pipeline.migrate(Deployment())


@app.command()
def night(night: NightOption = None, sites: str = "all", retrain: RetrainOption = "auto") -> None:
    """Walk all stages of a night in this process, without Airflow."""
    with plain_errors():
        place = Deployment()
        settings = read_settings(place.config)
        site_ids = asked_sites(settings, sites)
        pipeline.walk(place, asked_night(settings, night), site_ids, run_id_of_now(), asked_retrain(retrain))


@app.command()
def train(
    target: Target,
    dag_run_id: Annotated[str, typer.Option()],
    mlflow_run_id: Annotated[str, typer.Option()],
    night: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"])],
    retrain: RetrainOption = "auto",
    max_epochs: Annotated[int | None, typer.Option(min=1, help="As configured if left out.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="As configured if left out.")] = None,
) -> None:
    """Train one target as a stage of a night that is open; exits with 99 where no training came of it."""
    with plain_errors():
        key = pipeline.NightKey(night.date(), dag_run_id, mlflow_run_id)
        try:
            asked = {"max_epochs": max_epochs, "seed": seed}
            trial = {name: value for name, value in asked.items() if value is not None}
            said = pipeline.train_target(Deployment(), key, target, asked_retrain(retrain), trial)
        except (outcome.TrainingNotNeeded, outcome.TrainingFailed) as reason:
            # Trying again would end the same; who spoke before goes on speaking, and the rows say why.
            console.print(f"not trained: {reason}")
            raise typer.Exit(SKIPPED) from None
        console.print(said)


@app.command()
def record() -> None:
    """Tell MLflow of the nights that were published while it did not answer."""
    with plain_errors():
        told = pipeline.record_untold(Deployment())
        console.print(f"{len(told)} nights recorded{''.join(f' {night}' for night in told)}")


@app.command()
def maintain(
    dry_run: Annotated[bool, typer.Option(help="Remove nothing; say what would go.")] = False,
) -> None:
    """Remove what is older than the configuration keeps, and tidy the warehouse."""
    with plain_errors():
        place = Deployment()
        today = datetime.now(read_settings(place.config).group.zone).date()
        for name, count in pipeline.maintain(place, today, dry_run=dry_run).items():
            console.print(f"{count:>10,} {name} {'would go' if dry_run else 'gone'}")


@app.command()
def reread(
    site: str,
    since: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The first local date.")],
    dry_run: Annotated[bool, typer.Option(help="Record nothing; say what is told otherwise.")] = False,
) -> None:
    """Read a site's past once more, beyond the look-back; past nights keep what they knew."""
    with plain_errors():
        told = pipeline.reread_site(Deployment(), site, since.date(), dry_run=dry_run)
        span = f"{told.since:{HOUR}} to {told.until:{HOUR}} UTC"
        console.print(f"{told.read:,} hours of {site} read, from {span}")
        for count, what in ((told.changed, "changed"), (told.taken_back, "taken back"), (told.new, "new")):
            console.print(f"{count:>10,} {what}{' would be' if dry_run else ''}")
        if told.warnings:
            console.print(told.warnings)


@app.command()
def plan(
    night: NightOption = None,
    day: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Local date of the shifts; tomorrow if left out."),
    ] = None,
) -> None:
    """Print a day of the staffing that a night recommended."""
    with plain_errors():
        place = Deployment()
        settings = read_settings(place.config)
        print_day(place, settings, asked_night(settings, night), day.date() if day else None)


@app.command()
def reopen(
    site: str, by: Annotated[str, typer.Option(help="Who takes it back.")], night: NightOption = None
) -> None:
    """Take back what was decided on a site's plan, so that the night, run again for it, asks anew."""
    with plain_errors():
        place = Deployment()
        settings = read_settings(place.config)
        site_id = settings.site(site).site_id
        key = pipeline.NightKey(asked_night(settings, night), run_id_of_now(), "")
        shifts = pipeline.reopen_site(place, key, site_id, by)
        console.print(f"{shifts} shifts of {site_id} for night {key.night} are proposed again")


def print_day(place: Deployment, settings: Settings, tonight: date, day: date | None) -> None:
    """Print the staffing of a day, the one after the night where none is asked for."""
    from forecasting.report import print_plan

    print_plan(pipeline.recommended(place, tonight), settings, day or tonight + timedelta(days=1), console)
