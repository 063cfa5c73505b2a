"""Past nights through Airflow's own backfill, in the middle of which the scheduler is killed."""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from e2e.installation import Installation, Servers
from night_rows import assert_same_rows

from forecasting import pipeline
from forecasting.config import Settings, read_settings
from forecasting.deployment import Deployment
from forecasting.standalone import DAG_ID, Airflow

pytestmark = pytest.mark.e2e

NIGHTS = 2
DAYS_AGO = 20
"""Before any night that another test runs: what was known then is known from these nights alone."""
SITE = "north"
PATIENCE = 600
"""Seconds that the nights may take on a busy machine."""
AS_IT_STOOD = (
    "DELETE FROM ed_visit WHERE arrived_at >= :now",
    "UPDATE ed_visit SET departed_at = NULL, disposition = NULL WHERE departed_at >= :now",
    "DELETE FROM bed_stay WHERE bed_from >= :now",
    "UPDATE bed_stay SET bed_to = NULL WHERE bed_to >= :now",
)
"""What takes from a source whatever happened later; rosters are known ahead."""


@dataclass(frozen=True)
class Backfilled:
    """The nights, their runs in Airflow, and the task that ran when the scheduler was killed."""

    nights: Sequence[date]
    runs: Sequence[dict[str, Any]]
    tries: int
    """How often that task was begun."""
    killed: int
    """The scheduler's process."""


@pytest.fixture(scope="module")
def nights(settings: Settings) -> list[date]:
    first = pipeline.latest_night(settings) - timedelta(days=DAYS_AGO)
    return [first + timedelta(days=number) for number in range(NIGHTS)]


@pytest.fixture(scope="module")
def at_the_time(
    installation: Installation,
    servers: Servers,
    nights: list[date],
    blank_mlflow: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Deployment:
    """Those nights, each walked over the source as it stood at its issue time."""
    place = Deployment(config=installation.config, var=tmp_path_factory.mktemp("then") / "var")
    settings = read_settings(place.config)
    place.var.mkdir()
    shutil.copy(blank_mlflow, place.var / "mlflow.db")
    pipeline.migrate(place)
    for night in nights:
        _cut(installation.var / "source.db", place.var / "source.db", settings.issued_at(night))
        pipeline.walk(place, night, [SITE], "then", "never")
    return place


@pytest.fixture(scope="module")
def backfilled(installation: Installation, servers: Servers, nights: list[date]) -> Backfilled:
    """The same nights, backfilled over the source as it is; the scheduler is killed in the last."""
    airflow = Airflow(servers.airflow, servers.user, servers.password)
    settings = read_settings(installation.config)
    asked = {
        "dag_id": DAG_ID,
        "from_date": settings.issued_at(nights[0]).isoformat(),
        "to_date": settings.issued_at(nights[-1]).isoformat(),
        "max_active_runs": 1,
        "dag_run_conf": {"sites": SITE, "retrain": "never"},
    }
    _wait(lambda: _begun(airflow, asked))
    _wait(lambda: len(_runs(airflow)) == NIGHTS)
    doomed = _runs(airflow)[-1]["dag_run_id"]
    _wait(lambda: _task(airflow, doomed).get("state") == "running")
    scheduler = _scheduler(installation)
    scheduler.kill()
    _wait(lambda: all(run["state"] in ("success", "failed") for run in _runs(airflow)))
    return Backfilled(nights, _runs(airflow), _task(airflow, doomed)["try_number"], scheduler.pid)


def test_the_nights_end_green_though_the_scheduler_was_killed(
    backfilled: Backfilled, installation: Installation
) -> None:
    assert [run["state"] for run in backfilled.runs] == ["success"] * NIGHTS
    assert backfilled.tries == 2
    assert _scheduler(installation).pid != backfilled.killed


def test_they_leave_the_rows_of_nights_run_at_the_time(
    backfilled: Backfilled, at_the_time: Deployment, installation: Installation
) -> None:
    for night in backfilled.nights:
        assert_same_rows(installation.place, at_the_time, night, [SITE])


def _cut(whole: Path, cut: Path, now: datetime) -> None:
    """A copy of the source as it stood then."""
    cut.unlink(missing_ok=True)
    with closing(sqlite3.connect(whole)) as source, closing(sqlite3.connect(cut)) as copy:
        source.backup(copy)
        for statement in AS_IT_STOOD:
            copy.execute(statement, {"now": now.strftime("%Y-%m-%d %H:%M:%S")})
        copy.commit()


def _begun(airflow: Airflow, asked: dict[str, Any]) -> bool:
    """Ask for a backfill; False where Airflow's SQLite is being written to, and nothing came of it."""
    try:
        airflow._call("POST", "backfills", asked)
    except httpx.HTTPStatusError as refused:
        if refused.response.status_code != httpx.codes.SERVICE_UNAVAILABLE:
            raise
        return False
    return True


def _runs(airflow: Airflow) -> list[dict[str, Any]]:
    """The backfill's runs, in the order of their nights."""
    found = airflow._call("GET", f"dags/{DAG_ID}/dagRuns?run_type=backfill&order_by=logical_date")
    return list(found["dag_runs"])


def _task(airflow: Airflow, run_id: str) -> dict[str, Any]:
    """The task of that run in which the scheduler is killed."""
    found = airflow._call("GET", f"dags/{DAG_ID}/dagRuns/{run_id}/taskInstances?limit=100")
    return next((task for task in found["task_instances"] if task["task_id"] == "plan.forecast"), {})


def _scheduler(installation: Installation) -> psutil.Process:
    card = json.loads((installation.var / "airflow" / "standalone.json").read_text())
    components = psutil.Process(card["pid"]).children()
    (scheduler,) = [process for process in components if "scheduler" in process.cmdline()]
    return scheduler


def _wait(until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        # A machine that is busy may take longer to answer than one waits for an answer.
        with suppress(httpx.TransportError):
            if until():
                return
        time.sleep(0.3)
    raise TimeoutError("what was waited for did not come")
