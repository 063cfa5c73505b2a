"""Past nights through Airflow's own backfill, in the middle of which the scheduler is killed."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from e2e.installation import CONFIG
from night_rows import assert_same_rows

from forecasting import pipeline, standalone
from forecasting.config import Settings
from forecasting.deployment import Deployment
from forecasting.standalone import DAG_ID, Airflow

pytestmark = pytest.mark.e2e

NIGHTS = [date(2026, 6, 10) + timedelta(days=night) for night in range(int(os.environ.get("NIGHTS", "2")))]
"""Each takes a minute and more; ``NIGHTS=14`` walks a fortnight."""
SITE = "north"
PATIENCE = 300 * len(NIGHTS)
"""Seconds that the nights may take on a busy machine."""
AIRFLOW = {
    # Else the latest night is scheduled as soon as a backfill has run, and takes the processors.
    "AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": "False",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "5",
}
AS_IT_STOOD = (
    "DELETE FROM ed_visit WHERE arrived_at >= :now",
    "UPDATE ed_visit SET departed_at = NULL, disposition = NULL WHERE departed_at >= :now",
    "DELETE FROM bed_stay WHERE bed_from >= :now",
    "UPDATE bed_stay SET bed_to = NULL WHERE bed_to >= :now",
)
"""What takes from a source whatever happened later; rosters are known ahead."""


@dataclass(frozen=True)
class Backfilled:
    """How the nights ended in Airflow."""

    place: Deployment
    runs: Sequence[dict[str, Any]]
    tries: int
    """How often the task was begun that ran when the scheduler was killed."""
    schedulers: tuple[int, int]
    """The process that was killed, and the one that was there at the end."""


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory, blank_mlflow: Path, settings: Settings) -> Deployment:
    """A source that tells four days beyond the nights, and an empty warehouse."""
    place = Deployment(config=CONFIG, var=tmp_path_factory.mktemp("backfill") / "var")
    first, last = (settings.issued_at(night) for night in (NIGHTS[0], NIGHTS[-1]))
    start = first - timedelta(days=settings.source.history_days)
    pipeline.simulate_source(place, start, last + timedelta(days=4), seed=5)
    pipeline.migrate(place)
    shutil.copy(blank_mlflow, place.var / "mlflow.db")
    return place


@pytest.fixture(scope="module")
def at_the_time(
    hospital: Deployment, blank_mlflow: Path, tmp_path_factory: pytest.TempPathFactory, settings: Settings
) -> Deployment:
    """Those nights, each walked over the source as it stood at its issue time."""
    place = Deployment(config=CONFIG, var=tmp_path_factory.mktemp("then") / "var")
    place.var.mkdir()
    shutil.copy(blank_mlflow, place.var / "mlflow.db")
    pipeline.migrate(place)
    for night in NIGHTS:
        _cut(hospital.var / "source.db", place.var / "source.db", settings.issued_at(night))
        pipeline.walk(place, night, [SITE], "then", "never")
    return place


@pytest.fixture(scope="module")
def backfilled(hospital: Deployment, settings: Settings) -> Iterator[Backfilled]:
    """The same nights, backfilled over the source as it is; the scheduler is killed in the last."""
    asked = {
        "dag_id": DAG_ID,
        "from_date": settings.issued_at(NIGHTS[0]).isoformat(),
        "to_date": settings.issued_at(NIGHTS[-1]).isoformat(),
        "max_active_runs": 1,
        "dag_run_conf": {"sites": SITE, "retrain": "never"},
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in AIRFLOW.items():
            patch.setenv(name, value)
        with standalone.airflow(hospital, standalone.free_port(0)) as airflow:
            _wait(lambda: _begun(airflow, asked))
            doomed = _runs(airflow)[-1]["dag_run_id"]
            _wait(lambda: _task(airflow, doomed).get("state") == "running")
            scheduler = _scheduler(hospital)
            scheduler.kill()
            _wait(lambda: all(run["state"] in ("success", "failed") for run in _runs(airflow)))
            tries = _task(airflow, doomed)["try_number"]
            schedulers = (scheduler.pid, _scheduler(hospital).pid)
            yield Backfilled(hospital, _runs(airflow), tries, schedulers)


def test_the_nights_end_green_though_the_scheduler_was_killed(backfilled: Backfilled) -> None:
    assert [run["state"] for run in backfilled.runs] == ["success"] * len(NIGHTS)
    assert backfilled.tries == 2
    killed, begun_again = backfilled.schedulers
    assert killed != begun_again


def test_they_leave_the_rows_of_nights_run_at_the_time(
    backfilled: Backfilled, at_the_time: Deployment
) -> None:
    for night in NIGHTS:
        assert_same_rows(backfilled.place, at_the_time, night, [SITE])


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


def _scheduler(place: Deployment) -> psutil.Process:
    card = json.loads((place.var / "airflow" / "standalone.json").read_text())
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
