"""Faults injected into real nights: where each ends, and that a rerun leaves the rows of an undisturbed one.

docs/faults.md has a row for each.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa
from integration.pipeline.two_hospitals import CONFIG, NIGHT, copied
from mlflow import MlflowClient
from night_rows import assert_same_rows, night_rows

from forecasting import pipeline, warehouse
from forecasting.config import Settings
from forecasting.deployment import Deployment
from forecasting.models.fallback import IN_STEAD
from forecasting.outcome import NightIncomplete, NightNotCome, SiteTakenUp
from forecasting.schema import NightState

pytestmark = pytest.mark.integration

PROCESSES = multiprocessing.get_context("forkserver")
TOMORROW = NIGHT + timedelta(days=1)
NOWHERE = "http://127.0.0.1:9"
NORTH = ("north",)
STAGES = ("extract_site", "validate_site", "record_site", "forecast_site", "staff_site", "publish_site")
FIVE = ("north", "west", "east", "south", "middle")
SMALL_SITE = """
[[sites]]
site_id = "{site_id}"
name = "Small"
time_zone = "America/New_York"
country = "US"
units = [
  {{ unit_id = "ed", name = "Emergency", unit_type = "ed", beds = 12 }},
  {{ unit_id = "ward", name = "Ward", unit_type = "medical_surgical", beds = 8 }},
]
"""
LATE_CHANGES = (
    "DELETE FROM ed_visit WHERE arrived_at > '2026-06-08' AND rowid % 3 = 0",
    "UPDATE bed_stay SET bed_to = '2026-06-09 12:00:00' WHERE bed_to > '2026-06-09 12:00:00'",
    "UPDATE scheduled_shift SET heads = heads + 1",
)
Damage = Callable[..., None]


def _walk(
    place: Deployment, night: date = NIGHT, run_id: str = "test__1", site_ids: Sequence[str] = NORTH
) -> None:
    pipeline.walk(place, night, site_ids, run_id, "never")


def _go_on(place: Deployment, key: pipeline.NightKey, first: str = STAGES[0]) -> None:
    """Run north's stages from this one on, as Airflow does when it tries a task again."""
    for stage in STAGES[STAGES.index(first) :]:
        getattr(pipeline, stage)(place, key, "north")


def _as_undisturbed(place: Deployment, published: Deployment, site_ids: Sequence[str] = NORTH) -> None:
    assert_same_rows(place, published, NIGHT, site_ids)


def _state(place: Deployment, site_id: str = "north") -> tuple[NightState, str]:
    found = warehouse.find_night(warehouse.connect(place.warehouse), site_id, NIGHT)
    assert found is not None
    return found.state, found.why


@contextmanager
def _on(statement_begins: str, act: Callable[[sa.Connection], None]) -> Iterator[None]:
    """Act once such a statement has been sent to the warehouse."""

    def after(connection: sa.Connection, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.startswith(statement_begins):
            act(connection)

    sa.event.listen(sa.Engine, "after_cursor_execute", after)
    try:
        yield
    finally:
        sa.event.remove(sa.Engine, "after_cursor_execute", after)


@pytest.fixture
def five_hospitals(blank_mlflow: Path, settings: Settings, tmp_path: Path) -> Deployment:
    """Five small sites before their night."""
    config = tmp_path / "five.toml"
    group, _, _ = CONFIG.read_text().partition("[[sites]]")
    config.write_text(group + "".join(SMALL_SITE.format(site_id=site_id) for site_id in FIVE))
    place = Deployment(config=config, var=tmp_path / "five")
    issued_at = settings.issued_at(NIGHT)
    start = issued_at - timedelta(days=settings.training.minimum_history_days + 7)
    pipeline.simulate_source(place, start, issued_at, seed=5)
    pipeline.migrate(place)
    shutil.copy(blank_mlflow, place.var / "mlflow.db")
    return place


@pytest.fixture(scope="module")
def changed(hospitals: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """North's undisturbed night over the source as it is after the late changes."""
    place = copied(hospitals, tmp_path_factory.mktemp("changed") / "var")
    source = sa.create_engine(place.source)
    with source.begin() as connection:
        for statement in LATE_CHANGES:
            connection.execute(sa.text(statement))
    source.dispose()
    _walk(place)
    return place


def test_source_down(place: Deployment, published: Deployment) -> None:
    source = place.var / "source.db"
    source.rename(place.var / "away.db")
    with pytest.raises(NightIncomplete, match="1 of 1 sites"):
        _walk(place)
    assert _state(place)[0] is NightState.FAILED
    (place.var / "away.db").rename(source)
    _walk(place)
    _as_undisturbed(place, published)


def test_source_slow(
    place: Deployment, published: Deployment, postgres_url: str, tmp_path: Path, settings: Settings
) -> None:
    """Somebody holds a table of the hospital's database for longer than a question may take."""
    there = place.model_copy(update={"source_url": postgres_url, "var": tmp_path / "simulated"})
    issued_at = settings.issued_at(NIGHT)
    start = issued_at - timedelta(days=settings.source.history_days)
    pipeline.simulate_source(there, start, issued_at + timedelta(days=4), seed=5)
    impatient = place.config.read_text().replace("[source]", "[source]\ntimeout_seconds = 5")
    config = tmp_path / "hospital.toml"
    config.write_text(impatient)
    slow = place.model_copy(update={"source_url": postgres_url, "config": config})
    holder = sa.create_engine(postgres_url).connect()
    holder.execute(sa.text("LOCK TABLE ed_visit IN ACCESS EXCLUSIVE MODE"))
    with pytest.raises(NightIncomplete, match="statement timeout"):
        _walk(slow)
    assert _state(slow)[0] is NightState.FAILED
    holder.close()
    _walk(slow)
    _as_undisturbed(slow, published)


def test_source_changes_a_column(place: Deployment, damage: Damage, published: Deployment) -> None:
    damage("ALTER TABLE ed_visit RENAME COLUMN arrived_at TO arrival")
    with pytest.raises(NightIncomplete):
        _walk(place)
    state, why = _state(place)
    assert state is NightState.BLOCKED
    assert "arrived_at" in why
    damage("ALTER TABLE ed_visit RENAME COLUMN arrival TO arrived_at")
    _walk(place)
    _as_undisturbed(place, published)


def test_warehouse_lost_in_the_middle_of_publishing(
    place: Deployment, published: Deployment, postgres_url: str
) -> None:
    """PostgreSQL ends the connection that publishes, with the forecast written and the heads half so."""
    lost = place.model_copy(update={"warehouse_url": postgres_url})
    pipeline.migrate(lost)
    admin = sa.create_engine(postgres_url, isolation_level="AUTOCOMMIT")

    def end(connection: sa.Connection) -> None:
        backend = connection.connection.dbapi_connection.info.backend_pid  # type: ignore[union-attr]
        with admin.connect() as other:
            other.execute(sa.text("SELECT pg_terminate_backend(:pid)"), {"pid": backend})

    key = pipeline.open_night(lost, NIGHT, NORTH, "test__1", {})
    with _on("INSERT INTO staffing_recommendation ", end), pytest.raises(warehouse.WarehouseLost):
        _go_on(lost, key)
    admin.dispose()
    assert _state(lost)[0] is NightState.RUNNING
    assert night_rows(lost, NIGHT, NORTH)["recommendation"].empty
    assert night_rows(lost, NIGHT, NORTH)["forecast"].empty
    _go_on(lost, key, "publish_site")
    _as_undisturbed(lost, published)


def test_mlflow_down_the_night_publishes_and_is_recorded_when_it_is_back(
    place: Deployment, published: Deployment
) -> None:
    without = place.model_copy(update={"mlflow_url": NOWHERE})
    _walk(without)
    engine = warehouse.connect(place.warehouse)
    heads = warehouse.recommendations(engine, NIGHT)
    assert set(heads["site_id"]) == set(NORTH)
    assert set(heads["mlflow_run_id"]) == {""}
    assert pipeline.record_untold(without) == []

    assert pipeline.record_untold(place) == [NIGHT]
    (run_id,) = set(warehouse.recommendations(engine, NIGHT)["mlflow_run_id"])
    client = MlflowClient(place.mlflow)
    run = client.get_run(run_id)
    assert run.info.status == "FINISHED"
    assert run.data.tags["airflow.dag_run_id"] == "test__1"
    assert run.data.metrics["sites_published"] == 1
    assert run.data.metrics["north/heads_recommended"] > 0
    tables = {item.path for item in client.list_artifacts(run_id, "recommendation")}
    assert tables == {"recommendation/north.csv"}
    assert pipeline.record_untold(place) == []
    _walk(place, run_id="test__2")
    _as_undisturbed(place, published)


def test_mlflow_down_in_the_middle_of_the_night(place: Deployment, published: Deployment) -> None:
    """It knows the night's beginning; the next night tells it the rest."""
    key = pipeline.open_night(place, NIGHT, NORTH, "test__1", {})
    without = place.model_copy(update={"mlflow_url": NOWHERE})
    _go_on(without, key)
    pipeline.close_night(without, key, NORTH)
    client = MlflowClient(place.mlflow)
    assert client.get_run(key.mlflow_run_id).info.status == "RUNNING"
    notes = set(night_rows(place, NIGHT, NORTH)["forecast"]["note"])
    assert notes == {IN_STEAD.format("the model registry did not answer")}

    pipeline.open_night(place, TOMORROW, NORTH, "test__2", {})
    run = client.get_run(key.mlflow_run_id)
    assert run.info.status == "FINISHED"
    assert run.data.metrics["sites_published"] == 1
    _go_on(place, key)
    _as_undisturbed(place, published)


@pytest.mark.parametrize(
    ("stage", "at"),
    [
        ("extract_site", "extracted_unit.parquet"),
        ("validate_site", "verdict.json"),
        ("record_site", "INSERT INTO observation "),
        ("forecast_site", "forecast.parquet"),
        ("staff_site", "staffing_recommendation.parquet"),
        ("publish_site", "INSERT INTO staffing_recommendation "),
    ],
)
def test_kill_in_the_middle_of_a_stage(place: Deployment, published: Deployment, stage: str, at: str) -> None:
    """The process of the stage is killed with a file, or a transaction, half written."""
    key = pipeline.open_night(place, NIGHT, NORTH, "test__1", {})
    doomed = PROCESSES.Process(target=_go_on_to_death, args=(place, key, at))
    doomed.start()
    doomed.join(300)
    assert doomed.exitcode == -signal.SIGKILL
    assert _state(place)[0] is NightState.RUNNING
    assert night_rows(place, NIGHT, NORTH)["recommendation"].empty
    _go_on(place, key, stage)
    _as_undisturbed(place, published)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
def test_disk_full(place: Deployment, published: Deployment, tmp_path: Path) -> None:
    """The disk of the staged files is full in the middle of the extraction."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], check=True)
    small = place.model_copy(update={"staging_url": disk.as_uri()})
    try:
        key = pipeline.open_night(small, NIGHT, NORTH, "test__1", {})
        with pytest.raises(OSError, match="No space left on device"):
            _go_on(small, key)
        with pytest.raises(NightIncomplete, match="a stage did not end"):
            pipeline.close_night(small, key, NORTH)
        assert _state(small)[0] is NightState.FAILED
        assert night_rows(small, NIGHT, NORTH)["recommendation"].empty
        subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
        _go_on(small, key)
        _as_undisturbed(small, published)
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_one_site_of_five_broken(five_hospitals: Deployment, damage: Damage, tmp_path: Path) -> None:
    """The others publish as if nothing were wrong, and the broken one as soon as it is mended."""
    place = copied(five_hospitals, tmp_path / "var")
    _walk(five_hospitals, site_ids=FIVE)
    damage("UPDATE ed_visit SET site_id = 'lost' WHERE site_id = 'north'")
    damage("UPDATE bed_stay SET site_id = 'lost' WHERE site_id = 'north'")
    with pytest.raises(NightIncomplete, match="1 of 5 sites"):
        _walk(place, site_ids=FIVE)
    assert _state(place)[0] is NightState.BLOCKED
    _as_undisturbed(place, five_hospitals, FIVE[1:])
    damage("UPDATE ed_visit SET site_id = 'north' WHERE site_id = 'lost'")
    damage("UPDATE bed_stay SET site_id = 'north' WHERE site_id = 'lost'")
    _walk(place)
    _as_undisturbed(place, five_hospitals, FIVE)


def test_two_triggers_of_one_night(place: Deployment, published: Deployment) -> None:
    start = PROCESSES.Barrier(2)
    triggers = [
        PROCESSES.Process(target=_walk_at_once, args=(place, run_id, start))
        for run_id in ("test__1", "test__2")
    ]
    for trigger in triggers:
        trigger.start()
    for trigger in triggers:
        trigger.join(300)
    assert [trigger.exitcode for trigger in triggers] == [0, 0]
    _as_undisturbed(place, published)
    by_site = warehouse.recommendations(warehouse.connect(place.warehouse), NIGHT).groupby("site_id")
    assert by_site["dag_run_id"].nunique().eq(1).all()


def test_two_triggers_of_one_night_between_which_the_source_changes(
    place: Deployment, published: Deployment, damage: Damage
) -> None:
    """What is published keeps the snapshot that it was made from."""
    _walk(place)
    damage(*LATE_CHANGES)
    _walk(place, run_id="test__2")
    _as_undisturbed(place, published)
    heads = warehouse.recommendations(warehouse.connect(place.warehouse), NIGHT)
    assert set(heads["dag_run_id"]) == {"test__1"}


@pytest.mark.parametrize("overtaken", ["forecast_site", "publish_site"])
def test_the_source_changes_while_a_night_runs_that_is_triggered_again(
    place: Deployment, changed: Deployment, damage: Damage, overtaken: str
) -> None:
    """The later trigger takes the night up, and the earlier one mixes nothing of its own into it."""
    first = pipeline.open_night(place, NIGHT, NORTH, "test__1", {})
    for stage in STAGES[: STAGES.index(overtaken)]:
        getattr(pipeline, stage)(place, first, "north")
    damage(*LATE_CHANGES)
    second = pipeline.open_night(place, NIGHT, NORTH, "test__2", {})
    pipeline.extract_site(place, second, "north")
    with pytest.raises(SiteTakenUp, match="test__2"):
        _go_on(place, first, overtaken)
    pipeline.close_night(place, first, NORTH)
    assert _state(place)[0] is NightState.RUNNING
    _go_on(place, second, "validate_site")
    _as_undisturbed(place, changed)
    _walk(place, run_id="test__3")
    _as_undisturbed(place, changed)


def test_a_night_that_fails_in_later_hands_is_red_in_the_earlier_too(place: Deployment) -> None:
    first = pipeline.open_night(place, NIGHT, NORTH, "test__1", {})
    second = pipeline.open_night(place, NIGHT, NORTH, "test__2", {})
    for key in (second, first):
        with pytest.raises(NightIncomplete, match="a stage did not end"):
            pipeline.close_night(place, key, NORTH)


def test_a_clock_that_jumps_ahead_begins_no_night(place: Deployment) -> None:
    ahead = datetime.now(UTC).date() + timedelta(days=2)
    with pytest.raises(NightNotCome, match=str(ahead)):
        pipeline.open_night(place, ahead, NORTH, "test__1", {})
    assert warehouse.nights(warehouse.connect(place.warehouse), ahead).empty


def test_a_clock_that_jumps_back_names_the_night_before(settings: Settings) -> None:
    issued_at = settings.issued_at(NIGHT)
    assert pipeline.latest_night(settings, issued_at) == NIGHT
    assert pipeline.latest_night(settings, issued_at - timedelta(seconds=1)) == NIGHT - timedelta(days=1)


def test_a_night_that_is_run_after_a_later_one_leaves_its_own_rows(
    place: Deployment, published: Deployment
) -> None:
    _walk(place, TOMORROW, "test__2")
    _walk(place)
    expected, found = night_rows(published, NIGHT, NORTH), night_rows(place, NIGHT, NORTH)
    for name in ("forecast", "recommendation"):
        pd.testing.assert_frame_equal(found[name], expected[name], obj=name)


def _go_on_to_death(place: Deployment, key: pipeline.NightKey, at: str) -> None:
    """Run the stages in this process, and be killed when the statement is sent or the file is written."""

    def die(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "os.rename" and str(arguments[1]).endswith(f"/{at}"):
            die()

    sys.addaudithook(watch)
    with _on(at, die):
        _go_on(place, key)


def _walk_at_once(place: Deployment, run_id: str, start: Any) -> None:
    start.wait()
    _walk(place, run_id=run_id)
