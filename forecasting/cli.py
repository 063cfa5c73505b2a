"""The ``forecasting`` command."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, cast, get_args

import structlog
import typer
from rich.console import Console

from forecasting import outcome, pipeline, standalone
from forecasting.config import ConfigError, Settings, read_settings
from forecasting.deployment import Deployment
from forecasting.schema import Target
from forecasting.simulate import SourceInUseError
from forecasting.warehouse import WarehouseError

if TYPE_CHECKING:
    from forecasting.pipeline.backtest import BacktestKey, BacktestResult

SKIPPED = 99
"""The exit code by which Airflow's bash operator marks its task skipped."""

MENDABLE = (
    ConfigError,
    SourceInUseError,
    WarehouseError,
    outcome.SiteBlocked,
    outcome.SourceLost,
    outcome.NightIncomplete,
    outcome.NothingToDecide,
    outcome.PlanReplaced,
    standalone.StandaloneError,
)
"""What a person can mend by what the message says."""

INTERRUPTED = 130
"""The exit code of a command that Ctrl-C ended before its work was done, as shells have it."""

REFUSED = 2
"""The exit code where what was asked makes no sense, as of an option that does not exist."""

DEMO_AHEAD = timedelta(days=30)

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
source_app = typer.Typer(no_args_is_help=True, help="The hospital's database, before anything is scheduled.")
app.add_typer(source_app, name="source")
console = Console(width=None if sys.stdout.isatty() else 120, highlight=False)

NightOption = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], help="Date of the issue time; the latest if left out."),
]
RetrainOption = Annotated[str, typer.Option(help="auto, always, refresh or never.")]


@app.callback()
def main() -> None:
    """Hospital operations forecasting: from ER arrivals and bed census to the staffing they ask for."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False),
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


@app.command()
def simulate(
    days: Annotated[int, typer.Option(min=1, help="Days of history before the latest night.")] = 730,
    ahead: Annotated[int, typer.Option(min=0, help="Days after it that are written too.")] = 0,
    night: NightOption = None,
    seed: int = 1,
) -> None:
    """Write a hospital group that does not exist into the source database, and its truth to a file apart."""
    with _plain_errors():
        place = Deployment()
        settings = read_settings(place.config)
        issued_at = settings.issued_at(_night(settings, night))
        _simulate(place, issued_at - timedelta(days=days), issued_at + timedelta(days=ahead), seed)


@source_app.command()
def check(night: NightOption = None, sites: str = "all") -> None:
    """Show what a first night would read, its gaps and doubts; exits with 1 if a target can't be read."""
    from forecasting.report import print_source

    with _plain_errors():
        place = Deployment()
        settings = read_settings(place.config)
        asked = _night(settings, night)
        report = pipeline.check_source(place, asked, _site_ids(settings, sites))
        print_source(
            report.series, report.doubts, report.unread, settings, settings.issued_at(asked), console
        )
        if len(report.unread):
            raise typer.Exit(1)


@app.command()
def migrate() -> None:
    """Bring the warehouse's tables to this version."""
    with _plain_errors():
        pipeline.migrate(Deployment())


@app.command()
def night(night: NightOption = None, sites: str = "all", retrain: RetrainOption = "auto") -> None:
    """Walk all stages of a night in this process, without Airflow."""
    with _plain_errors():
        place = Deployment()
        settings = read_settings(place.config)
        site_ids = _site_ids(settings, sites)
        pipeline.walk(place, _night(settings, night), site_ids, _run_id(), _retrain(retrain))


@app.command()
def reopen(
    site: str, by: Annotated[str, typer.Option(help="Who takes it back.")], night: NightOption = None
) -> None:
    """Take back what was decided on a site's plan, so that the night, run again for it, asks anew."""
    with _plain_errors():
        place = Deployment()
        settings = read_settings(place.config)
        site_id = settings.site(site).site_id
        key = pipeline.NightKey(_night(settings, night), _run_id(), "")
        shifts = pipeline.reopen_site(place, key, site_id, by)
        console.print(f"{shifts} shifts of {site_id} for night {key.night} are proposed again")


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
    with _plain_errors():
        key = pipeline.NightKey(night.date(), dag_run_id, mlflow_run_id)
        try:
            asked = {"max_epochs": max_epochs, "seed": seed}
            trial = {name: value for name, value in asked.items() if value is not None}
            said = pipeline.train_target(Deployment(), key, target, _retrain(retrain), trial)
        except (outcome.TrainingNotNeeded, outcome.TrainingFailed) as reason:
            # Trying again would end the same; who spoke before goes on speaking, and the rows say why.
            console.print(f"not trained: {reason}")
            raise typer.Exit(SKIPPED) from None
        console.print(said)


@app.command()
def plan(
    night: NightOption = None,
    day: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Local date of the shifts; tomorrow if left out."),
    ] = None,
) -> None:
    """Print a day of the staffing that a night recommended."""
    with _plain_errors():
        place = Deployment()
        settings = read_settings(place.config)
        _print_plan(place, settings, _night(settings, night), day.date() if day else None)


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

    with _plain_errors(), _ended_by_signal(code=INTERRUPTED):
        place = Deployment()
        protocol = backtest.read_protocol(
            read_settings(place.config),
            targets=_words(target),
            first=first.date(),
            last=last.date(),
            step_days=step,
            refit_days=refit,
            models=_words(models),
            seeds=() if seeds is None else _numbers("seeds", seeds),
            site_ids=() if sites == "all" else _named("sites", sites),
        )
        key = backtest.open_backtest(place, protocol, {})
        _forecast_backtest(place, key, jobs or os.cpu_count() or 1)
        backtest.score_backtest(place, key)
        _print_backtest(place, key, backtest.tell_backtest(place, key))


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

    with _plain_errors():
        place = Deployment()
        settings = read_settings(place.config)
        asked = what_if.read_what_if(
            settings,
            night=night.date() if night else None,
            site_ids=_site_ids(settings, sites),
            arrivals=arrivals,
            census=census,
            stay=stay,
            absence=absence,
            closed=_words(closed),
            ratio_set=ratio_set,
            title=title,
        )
        key = what_if.open_what_if(place, asked, _run_id(), {})
        for site_id in asked.site_ids:
            what_if.plan_what_if(place, key, site_id)
        what_if.tell_what_if(place, key, console)
        _print_mlflow_page(place, partial(what_if.what_if_page, place, key))


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

    with _plain_errors():
        settled = backtest.settle_backtest(Deployment(), backtest_id, model, lead)
        print_worth(settled.figures.by_way, settled.by_unit_type, console)
        for answer in settled.answers:
            console.print(f"* {answer}")
        for what, where in zip(("table", "plot"), settled.files, strict=True):
            console.print(f"{what:<10} {where}", soft_wrap=True)


@app.command(hidden=True)
def backtest_forecasts(
    backtest_id: str, mlflow_run_id: str, contender: Annotated[str | None, typer.Option()] = None
) -> None:
    """Forecast what an open backtest lacks of a contender, as a task of its own."""
    from forecasting.pipeline import backtest

    with _plain_errors():
        key = backtest.BacktestKey(backtest_id, mlflow_run_id)
        backtest.forecast_backtest(Deployment(), key, jobs=1, contender=contender)


@app.command()
def run(
    port: Annotated[int, typer.Option(help="Where Airflow listens.")] = 8080,
    retrain: RetrainOption = "auto",
) -> None:
    """Run the latest night of the demo hospitals through Airflow, and print tomorrow's staffing."""
    with _plain_errors(), _ended_by_signal(code=INTERRUPTED):
        place = Deployment()
        settings = read_settings(place.config)
        _prepare(place, settings)
        tonight = pipeline.latest_night(settings)
        run_id = f"make_run__{tonight}__{datetime.now(UTC):%Y%m%dT%H%M%S}"
        console.print("starting Airflow ...")
        with standalone.airflow(place, standalone.free_port(port)) as airflow:
            airflow.trigger(
                standalone.DAG_ID, run_id, {"issue_date": tonight.isoformat(), "retrain": _retrain(retrain)}
            )
            state = _follow(airflow, run_id)
        _print_plan(place, settings, tonight, None)
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
    with _plain_errors(), _ended_by_signal(code=0):
        place = Deployment()
        settings = read_settings(place.config)
        _prepare(place, settings)
        console.print("starting Airflow and MLflow ...")
        with (
            standalone.mlflow_ui(place, standalone.free_port(mlflow_port)) as mlflow,
            standalone.airflow(place, standalone.free_port(port)) as airflow,
        ):
            console.print(
                f"Airflow  {airflow.url}   login {airflow.user} / {airflow.password}", soft_wrap=True
            )
            console.print(f"MLflow   {pipeline.runs_page(place, mlflow)}", soft_wrap=True)
            for page in pipeline.pages(place, pipeline.latest_night(settings)):
                console.print(f"Page     {page}", soft_wrap=True)
            console.print("Ctrl-C ends both.")
            signal.pause()


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
    _print_mlflow_page(place, partial(backtest_page, place, key))


def _print_mlflow_page(place: Deployment, page: Callable[[str], str]) -> None:
    server = place.mlflow if place.mlflow.startswith("http") else "http://localhost:5000"
    console.print(f"MLflow     {page(server)}", soft_wrap=True)
    if server != place.mlflow:
        console.print("           (`make up` keeps the pages up)")


def _words(asked: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in asked.split(",") if word.strip())


def _named(option: str, asked: str) -> tuple[str, ...]:
    words = _words(asked)
    if not words:
        raise outcome.BacktestRefused(f"--{option} {asked!r} names none; name some, or leave it out")
    return words


def _numbers(option: str, asked: str) -> tuple[int, ...]:
    words = _named(option, asked)
    strange = [word for word in words if not word.isdecimal()]
    if strange:
        raise outcome.BacktestRefused(
            f"--{option} {strange[0]!r}: allowed are whole numbers with commas between"
        )
    return tuple(map(int, words))


def _prepare(place: Deployment, settings: Settings) -> None:
    """Demo hospitals where no source is named, and a warehouse that is up to date."""
    issued_at = settings.issued_at(pipeline.latest_night(settings))
    if place.source_url is None:
        start, until = pipeline.simulated_span(place) or (None, None)
        if until is None or until < issued_at:
            # The nights to come are written too, so that the schedule finds them; no night looks ahead.
            start = start or issued_at - timedelta(days=settings.source.history_days)
            _simulate(place, start, issued_at + DEMO_AHEAD, seed=1)
    pipeline.migrate(place)


def _simulate(place: Deployment, start: datetime, until: datetime, seed: int) -> None:
    from rich.progress import Progress

    with Progress(console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task("simulating", total=None)

        def show(what: str, done: int, total: int) -> None:
            progress.update(bar, description=f"simulating {what}", completed=done, total=total)
            if not console.is_terminal:
                console.print(f"simulating {what}: {done} of {total}")

        pipeline.simulate_source(place, start, until, seed, show)


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


def _print_plan(place: Deployment, settings: Settings, tonight: date, day: date | None) -> None:
    from forecasting.report import print_plan

    print_plan(pipeline.recommended(place, tonight), settings, day or tonight + timedelta(days=1), console)


def _print_whereabouts(place: Deployment, tonight: date, run_id: str) -> None:
    for page in pipeline.pages(place, tonight):
        console.print(f"page       {page}", soft_wrap=True)
    console.print(f"warehouse  {place.var / 'warehouse.db'}   table staffing_recommendation", soft_wrap=True)
    console.print(f"data docs  {place.var / 'data_docs' / 'index.html'}", soft_wrap=True)
    console.print(f"make up    opens the Airflow and MLflow pages; this run is {run_id}", soft_wrap=True)


def _site_ids(settings: Settings, asked: str) -> tuple[str, ...]:
    return settings.site_ids if asked == "all" else tuple(name.strip() for name in asked.split(","))


def _night(settings: Settings, asked: datetime | None) -> date:
    return asked.date() if asked else pipeline.latest_night(settings)


def _run_id() -> str:
    return f"command_line__{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}"


def _retrain(asked: str) -> pipeline.Retrain:
    allowed = get_args(pipeline.Retrain)
    if asked not in allowed:
        raise ConfigError(f"--retrain {asked!r}: allowed are {', '.join(allowed)}")
    return cast("pipeline.Retrain", asked)


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Say what a person can mend in words; a fault of ours keeps its traceback."""
    try:
        yield
    except (outcome.BacktestRefused, outcome.WhatIfRefused) as error:
        _fail(error, REFUSED)
    except MENDABLE as error:
        _fail(error)


def _fail(error: Exception, code: int = 1) -> None:
    Console(stderr=True, highlight=False).print(f"[red]{type(error).__name__}[/]: ", end="")
    print(error, file=sys.stderr)
    raise typer.Exit(code) from error


@contextmanager
def _ended_by_signal(code: int) -> Iterator[None]:
    """Let Ctrl-C, a closed terminal and a polite kill end the servers too, and then exit with the code."""

    def end(*_: Any) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)
    try:
        yield
    except KeyboardInterrupt:
        console.print("stopped")
        raise typer.Exit(code) from None
