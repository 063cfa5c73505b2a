"""Three ways to run one night of a group: in one process, on LocalExecutor, on Celery; each measured.

Each has a folder, a warehouse and an MLflow of its own, and reads the group's source.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from shutil import copy

import psutil
import sqlalchemy as sa

from benchmarks.cluster import Machine, Shared, mlflow_server, new_database, postgres_server, redis_server
from benchmarks.footprint import watch
from benchmarks.group import FIRST_NIGHT, place_of
from forecasting import pipeline, standalone, warehouse
from forecasting.deployment import Deployment
from forecasting.standalone import DAG_ID, Airflow, free_port

RUN = "load"
STARTING_SECONDS = 300
COUNTED = ("observation", "forecast", "staffing_recommendation")

Tally = dict[str, str | int]
"""What stands of a site: the state of its night, what it published as a digest, and its rows by table."""


@dataclass(frozen=True)
class Measured:
    """One night of all sites, one way."""

    way: str
    slots: int
    """How many tasks may run at a time."""
    seconds: float
    tasks: int
    """How many were run, each counted once; 0 without Airflow."""
    retries: int
    peak_gib: float
    processes: int
    """At the peak of memory."""
    connections: int
    """The most clients that PostgreSQL had at a time; 0 without one."""
    sites: dict[str, Tally]


def in_one_process(group: Path, folder: Path) -> Measured:
    """The night as ``forecasting night`` walks it.

    Raises:
        subprocess.CalledProcessError: not every site was published; its log is ``night.log``.
    """
    place = _place(group, folder)
    pipeline.migrate(place)
    command = [
        sys.executable,
        "-m",
        "forecasting",
        "night",
        "--night",
        str(FIRST_NIGHT),
        "--retrain",
        "never",
    ]
    began = time.monotonic()
    with standalone.running(command, {**os.environ, **_hospital(place)}, folder / "night.log") as process:
        peak = watch(lambda: process.poll() is not None, _started_here)
        seconds = time.monotonic() - began
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    sites = tallied(place.warehouse)
    return Measured("one process", 1, seconds, 0, 0, peak.gib, peak.processes, 0, sites)


def on_local_executor(group: Path, slots: int, folder: Path) -> Measured:
    """The night as ``make run`` runs it, so many tasks at a time."""
    place = _place(group, folder)
    pipeline.migrate(place)
    settings = {**_hospital(place), "AIRFLOW__CORE__PARALLELISM": str(slots)}
    with standalone.airflow(place, free_port(0), settings) as airflow:
        return _measured("LocalExecutor", slots, airflow, place)


def on_celery(group: Path, slots: int, folder: Path) -> Measured:
    """The night on two workers that share the slots, one database server and a disk."""
    with ExitStack() as stack:
        server = stack.enter_context(postgres_server())
        admin = sa.create_engine(server)
        stack.callback(admin.dispose)
        blank = place_of(group).var / "mlflow.db"
        mlflow = stack.enter_context(
            mlflow_server(folder / "mlflow", (folder / "artifacts").as_uri(), {}, blank)
        )
        local = _place(group, folder)
        place = local.model_copy(
            update={
                "warehouse_url": new_database(server, "warehouse"),
                "mlflow_url": mlflow,
                "staging_url": local.staging,
                "pages_url": local.pages,
                "data_docs_url": local.data_docs,
            }
        )
        pipeline.migrate(place)
        redis = stack.enter_context(redis_server(folder / "redis"))
        hospital = _hospital(place)
        shared = Shared(new_database(server, "airflow"), redis, free_port(0), hospital)
        main, *workers = (Machine(folder / name, shared) for name in ("main", "first", "second"))
        airflow = stack.enter_context(main.serves_airflow())
        for machine in workers:
            stack.enter_context(machine.worker("default", slots // 2))
        airflow.wait_until_ready(DAG_ID, lambda: True, STARTING_SECONDS)
        return _measured("Celery, 2 workers", slots, airflow, place, admin)


def tallied(url: str) -> dict[str, Tally]:
    """By site, what the warehouse at that URL has of the night, and of all its hours."""
    engine = warehouse.connect(url)
    nights = warehouse.nights(engine, FIRST_NIGHT).set_index("site_id")
    found: dict[str, Tally] = {
        str(site): {"state": str(night["state"]), "content": str(night["output_digest"])}
        for site, night in nights.iterrows()
    }
    site_id = sa.column("site_id", sa.String)
    for name in COUNTED:
        counts = sa.select(site_id, sa.func.count()).select_from(sa.table(name)).group_by(site_id)
        with engine.connect() as connection:
            rows: dict[str, int] = dict(connection.execute(counts).tuples().all())
        for site, tally in found.items():
            tally[name] = rows.get(site, 0)
    return found


def _measured(
    way: str, slots: int, airflow: Airflow, place: Deployment, database: sa.Engine | None = None
) -> Measured:
    """Trigger the night, watch it to its end, and count what it left."""
    connections = 0

    def ended() -> bool:
        nonlocal connections
        connections = max(connections, _clients(database))
        return airflow.state(DAG_ID, RUN) in ("success", "failed")

    began = time.monotonic()
    airflow.trigger(DAG_ID, RUN, {"issue_date": str(FIRST_NIGHT), "retrain": "never"})
    peak = watch(ended, lambda: [*_started_here(), *_server_of(database)])
    seconds = time.monotonic() - began
    run = [task for task in airflow.tasks(DAG_ID, RUN) if task.tries]
    retries = sum(task.tries - 1 for task in run)
    sites = tallied(place.warehouse)
    return Measured(way, slots, seconds, len(run), retries, peak.gib, peak.processes, connections, sites)


def _place(group: Path, folder: Path) -> Deployment:
    shared = place_of(group)
    var = folder / "var"
    var.mkdir()
    copy(shared.var / "mlflow.db", var)
    return Deployment(config=shared.config, var=var, source_url=shared.source)


def _hospital(place: Deployment) -> dict[str, str]:
    told = place.model_dump(exclude_none=True)
    return {f"HOSPITAL_{name.upper()}": str(value) for name, value in told.items()}


def _started_here() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


def _clients(database: sa.Engine | None) -> int:
    """How many are connected to PostgreSQL, beside ourselves."""
    if database is None:
        return 0
    others = (
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
    )
    with database.connect() as connection:
        return int(connection.scalar(sa.text(others)) or 0)


def _server_of(database: sa.Engine | None) -> list[psutil.Process]:
    """The processes of PostgreSQL, which are no children of ours once it has started."""
    if database is None:
        return []
    with database.connect() as connection:
        backend = connection.scalar(sa.text("SELECT pg_backend_pid()"))
    postmaster = psutil.Process(backend).parent()
    return [postmaster, *postmaster.children(recursive=True)] if postmaster else []
