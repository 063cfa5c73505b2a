"""Commands that compare models, and what their plans are worth."""

from __future__ import annotations

import os
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from forecasting.cli.app import app, console
from forecasting.cli.asked import named, numbers, words
from forecasting.cli.ending import INTERRUPTED, ended_by_signal, plain_errors
from forecasting.cli.mlflow_page import print_mlflow_page
from forecasting.config import read_settings
from forecasting.deployment import Deployment

if TYPE_CHECKING:
    from forecasting.pipeline.backtest import BacktestKey, BacktestResult


@app.command()
def backtest(
    target: Annotated[str, typer.Option(help="ed_arrivals, bed_census, or both with a comma between.")],
    first: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="Date of the first issue time.")],
    last: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="No issue time is after this date.")],
    step: Annotated[int, typer.Option(help="Days from one issue time to the next.")] = 7,
    models: Annotated[
        str, typer.Option(help="Names with commas between; climatology takes part in any case.")
    ] = "climatology,tft",
    seeds: Annotated[
        str | None,
        typer.Option(
            help="For models that learn by chance: numbers with commas between; as configured if left out."
        ),
    ] = None,
    refit: Annotated[
        int | None, typer.Option(help="Fit anew every so many days; as the nights do if left out.")
    ] = None,
    sites: Annotated[str, typer.Option(help="all, or names with commas between.")] = "all",
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes; the cores if left out.")] = None,
) -> None:
    """Compare models on past nights, each knowing no more than was known then; a second run goes on."""
    from forecasting.pipeline import backtest

    with plain_errors(), ended_by_signal(code=INTERRUPTED):
        place = Deployment()
        protocol = backtest.read_protocol(
            read_settings(place.config),
            targets=words(target),
            first=first.date(),
            last=last.date(),
            step_days=step,
            refit_days=refit,
            models=words(models),
            seeds=() if seeds is None else numbers("seeds", seeds),
            site_ids=() if sites == "all" else named("sites", sites),
        )
        key = backtest.open_backtest(place, protocol, {})
        _forecast_backtest(place, key, jobs or os.cpu_count() or 1)
        backtest.score_backtest(place, key)
        _print_backtest(place, key, backtest.tell_backtest(place, key))


@app.command(hidden=True)
def backtest_forecasts(
    backtest_id: str, mlflow_run_id: str, contender: Annotated[str | None, typer.Option()] = None
) -> None:
    """Forecast what an open backtest lacks of a contender, as a task of its own."""
    from forecasting.pipeline import backtest

    with plain_errors():
        key = backtest.BacktestKey(backtest_id, mlflow_run_id)
        backtest.forecast_backtest(Deployment(), key, jobs=1, contender=contender)


@app.command()
def worth(
    backtest_id: Annotated[str, typer.Argument(help="Name of the backtest's folder in var/backtests.")],
    model: Annotated[
        str | None, typer.Option(help="Whose forecasts; the only one beside climatology if left out.")
    ] = None,
    lead: Annotated[
        int, typer.Option(help="Days from the first date that a night plans to those it decides.")
    ] = 0,
) -> None:
    """Tell what a backtest's forecasts were worth as staffing plans, beside roster and perfect knowledge."""
    from forecasting.pipeline import backtest
    from forecasting.report import print_worth

    with plain_errors():
        settled = backtest.settle_backtest(Deployment(), backtest_id, model, lead)
        print_worth(settled.figures.by_way, settled.by_unit_type, console)
        for answer in settled.answers:
            console.print(f"* {answer}")
        for what, where in zip(("table", "plot"), settled.files, strict=True):
            console.print(f"{what:<10} {where}", soft_wrap=True)


def _forecast_backtest(place: Deployment, key: BacktestKey, jobs: int) -> None:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from forecasting.pipeline import backtest

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task("forecasting", total=None)

        def show(what: str, done: int, total: int) -> None:
            progress.update(bar, description=f"forecast {what}", completed=done, total=total)
            if not console.is_terminal:
                console.print(f"forecast {what}: {done} of {total}")

        backtest.forecast_backtest(place, key, jobs, told=show)


def _print_backtest(place: Deployment, key: BacktestKey, result: BacktestResult) -> None:
    from forecasting.pipeline.backtest import backtest_page
    from forecasting.report import print_scores

    print_scores(result.scores, console)
    for remark in result.remarks:
        console.print(f"* {remark}")
    for what, where in (
        ("forecasts", result.folder / "forecasts.parquet"),
        ("scores", result.folder / "scores.csv"),
        ("plots", result.folder / "plots"),
    ):
        console.print(f"{what:<10} {where}", soft_wrap=True)
    print_mlflow_page(place, partial(backtest_page, place, key))
