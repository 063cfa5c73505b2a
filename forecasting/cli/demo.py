"""Commands that keep Airflow up by themselves."""

from __future__ import annotations

import signal
import time
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

import typer

from forecasting import pipeline, standalone
from forecasting.cli.app import app, console
from forecasting.cli.asked import RetrainOption, asked_retrain
from forecasting.cli.ending import INTERRUPTED, ended_by_signal, plain_errors
from forecasting.cli.night import print_day
from forecasting.cli.source import write_simulated
from forecasting.config import Settings, read_settings
from forecasting.deployment import Deployment

DEMO_AHEAD = timedelta(days=30)


@app.command()
def run(
    port: Annotated[int, typer.Option(help="Where Airflow listens.")] = 8080,
    retrain: RetrainOption = "auto",
) -> None:
    """Run the latest night of the demo hospitals through Airflow, and print tomorrow's staffing."""
    with plain_errors(), ended_by_signal(code=INTERRUPTED):
        place = Deployment()
        settings = read_settings(place.config)
        _prepare(place, settings)
        tonight = pipeline.latest_night(settings)
        run_id = f"make_run__{tonight}__{datetime.now(UTC):%Y%m%dT%H%M%S}"
        console.print("starting Airflow ...")
        with standalone.airflow(place, standalone.free_port(port)) as airflow:
            airflow.trigger(
                standalone.DAG_ID,
                run_id,
                {"issue_date": tonight.isoformat(), "retrain": asked_retrain(retrain)},
            )
            state = _follow(airflow, run_id)
        print_day(place, settings, tonight, None)
        _print_whereabouts(place, tonight, run_id)
        if state != "success":
            console.print(
                f"[red]the run ended as {state}[/]; each task's log: {place.var / 'airflow' / 'logs'}"
            )
            raise typer.Exit(1)


@app.command()
def up(
    port: Annotated[int, typer.Option(help="Where Airflow listens.")] = 8080,
    mlflow_port: Annotated[int, typer.Option(help="Where MLflow listens.")] = 5000,
) -> None:
    """Keep Airflow and the MLflow pages up until Ctrl-C, with the DAGs on their schedule."""
    with plain_errors(), ended_by_signal(code=0):
        place = Deployment()
        settings = read_settings(place.config)
        _prepare(place, settings)
        console.print("starting Airflow and MLflow ...")
        with (
            standalone.mlflow_ui(place, standalone.free_port(mlflow_port)) as mlflow,
            standalone.airflow(
                place.model_copy(update={"mlflow_pages_url": mlflow}), standalone.free_port(port)
            ) as airflow,
        ):
            console.print(
                f"Airflow  {airflow.url}   login {airflow.user} / {airflow.password}", soft_wrap=True
            )
            console.print(f"MLflow   {pipeline.runs_page(place, mlflow)}", soft_wrap=True)
            for page in pipeline.pages(place, pipeline.latest_night(settings)):
                console.print(f"Page     {page}", soft_wrap=True)
            console.print("Ctrl-C ends both.")
            signal.pause()


def _prepare(place: Deployment, settings: Settings) -> None:
    """Demo hospitals where no source is named, and a warehouse that is up to date."""
    issued_at = settings.issued_at(pipeline.latest_night(settings))
    if place.source_url is None:
        start, until = pipeline.simulated_span(place) or (None, None)
        if until is None or until < issued_at:
            # The nights to come are written too, so that the schedule finds them; no night looks ahead.
            start = start or issued_at - timedelta(days=settings.source.history_days)
            write_simulated(place, start, issued_at + DEMO_AHEAD, seed=1)
    pipeline.migrate(place)


def _follow(airflow: standalone.Airflow, run_id: str) -> str:
    console.print(f"{standalone.DAG_ID}: {airflow.run_address(standalone.DAG_ID, run_id)}", soft_wrap=True)
    told: set[str] = set()
    with console.status("queued") as status:
        while True:
            state = airflow.state(standalone.DAG_ID, run_id)
            tasks = airflow.tasks(standalone.DAG_ID, run_id)
            for task in sorted(tasks, key=lambda task: task.name):
                if task.ended and task.name not in told:
                    told.add(task.name)
                    colour = {"success": "green", "skipped": "yellow"}.get(task.state or "", "red")
                    name = task.name.replace("[", r"\[")
                    console.print(f"  [{colour}]{task.state:9}[/] {task.seconds or 0:6.1f} s  {name}")
            if state in ("success", "failed"):
                return state
            running = [task.name.replace("[", r"\[") for task in tasks if task.state == "running"]
            status.update(f"{len(told)} of {len(tasks)} tasks; {', '.join(running)}")
            time.sleep(1)


def _print_whereabouts(place: Deployment, tonight: date, run_id: str) -> None:
    for page in pipeline.pages(place, tonight):
        console.print(f"page       {page}", soft_wrap=True)
    console.print(f"warehouse  {place.var / 'warehouse.db'}   table staffing_recommendation", soft_wrap=True)
    console.print(f"data docs  {place.var / 'data_docs' / 'index.html'}", soft_wrap=True)
    console.print(f"make up    opens the Airflow and MLflow pages; this run is {run_id}", soft_wrap=True)
