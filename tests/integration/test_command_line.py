"""The `forecasting` command where something is wrong: words, not a traceback, and an exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
import sqlalchemy as sa
import structlog
from hourly_hospital import hours_of

from forecasting import pipeline
from forecasting.cli.app import log_to
from forecasting.deployment import Deployment

pytestmark = pytest.mark.integration

CONFIG = Path(__file__).parents[1] / "hospital.toml"


def _forecasting(var: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "forecasting", *arguments],
        env={**os.environ, "HOSPITAL_CONFIG": str(CONFIG), "HOSPITAL_VAR": str(var), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def _is_told(done: subprocess.CompletedProcess[str], *parts: str) -> None:
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    for part in parts:
        assert part in done.stderr


def test_a_wrong_configuration_is_told_by_key(tmp_path: Path) -> None:
    wrong = tmp_path / "hospital.toml"
    wrong.write_text(CONFIG.read_text().replace("issue_hour = 3", "issue_hour = 30"))
    _is_told(
        _forecasting(tmp_path, "plan", HOSPITAL_CONFIG=str(wrong)),
        "ConfigError", "group.issue_hour = 30", "less than or equal to 23",
    )  # fmt: skip


def test_a_warehouse_without_tables_is_told_with_the_command_that_makes_them(tmp_path: Path) -> None:
    _is_told(_forecasting(tmp_path, "plan"), "WarehouseError", "forecasting migrate")


def test_where_asked_for_each_line_of_the_log_is_an_object(tmp_path: Path) -> None:
    done = _forecasting(tmp_path, "simulate", "--days", "30", HOSPITAL_JSON_LOGS="true")
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    assert {"simulated", "source written"} <= {line["event"] for line in lines}
    assert all({"timestamp", "level"} <= set(line) for line in lines)


@pytest.mark.parametrize("as_objects", [True, False])
def test_a_traceback_in_the_log_shows_no_local_variable(
    as_objects: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOSPITAL_JSON_LOGS", str(as_objects))
    before, sink = structlog.get_config(), StringIO()
    log_to(sink)
    try:
        _fail(address="@".join(("PLAN", "TED")))
    except ZeroDivisionError:
        structlog.get_logger().exception("failed")
    finally:
        structlog.configure(**before)
    assert "ZeroDivisionError" in sink.getvalue()
    assert "PLAN@TED" not in sink.getvalue()


def _fail(address: str) -> float:
    return len(address) / 0


def test_a_word_that_is_not_allowed_is_told_with_those_that_are(tmp_path: Path) -> None:
    _is_told(
        _forecasting(tmp_path, "night", "--retrain", "sometimes"),
        "'sometimes'",
        "auto, always, refresh, never",
    )


def test_simulating_never_overwrites_a_real_source(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'real.db'}"
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE ed_visit (visit_id TEXT)"))
        connection.execute(sa.text("INSERT INTO ed_visit VALUES ('a real patient')"))
    _is_told(
        _forecasting(tmp_path, "simulate", "--days", "30", HOSPITAL_SOURCE_URL=url),
        "SourceInUseError",
        "ed_visit",
    )
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT visit_id FROM ed_visit")) == "a real patient"


def test_a_password_is_never_shown(tmp_path: Path) -> None:
    done = _forecasting(
        tmp_path, "plan", HOSPITAL_WAREHOUSE_URL="postgresql+psycopg://writer:hunter2@127.0.0.1:1/warehouse"
    )
    _is_told(done, "WarehouseLost", "127.0.0.1")
    assert "hunter2" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (("--last", "2026-04-01"), "the last issue date 2026-04-01 is before the first, 2026-05-01"),
        (("--models", "climatology,prophet"), "model 'prophet' is unknown; allowed are climatology"),
        (("--target", "discharges"), "target 'discharges' is unknown"),
        (("--sites", "north,south"), "site 'south' is unknown; allowed are north, west"),
        (("--seeds", "one"), "--seeds 'one'"),
        ((), "the warehouse holds no ed_arrivals of north, west"),
    ],
)
def test_a_backtest_that_makes_no_sense_is_refused_in_a_sentence(
    tmp_path: Path, changed: tuple[str, ...], said: str
) -> None:
    pipeline.migrate(Deployment(config=CONFIG, var=tmp_path))
    asked = ("--target", "ed_arrivals", "--first", "2026-05-01", "--last", "2026-06-01")
    done = _forecasting(tmp_path, "backtest", *asked, *changed)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert said in done.stderr


@pytest.mark.parametrize(
    ("asked", "error", "said"),
    [
        (("worth", "o'neill"), "BacktestRefused", "there is no backtest o'neill in"),
        (("what-if", "--sites", ""), "WhatIfRefused", "site '' is unknown; allowed are north, west"),
        (
            ("night", "--night", "2180-09-01"),
            "NightNotCome",
            "issued at 2180-09-01 07:00 UTC; name a past one",
        ),
    ],
)
def test_a_name_that_there_is_not_is_told(
    tmp_path: Path, asked: tuple[str, ...], error: str, said: str
) -> None:
    done = _forecasting(tmp_path, *asked)
    assert done.returncode, done.stdout
    assert "Traceback" not in done.stderr
    assert error in done.stderr
    assert said in done.stderr


def test_a_source_that_cannot_be_reached_is_told_and_the_check_fails(tmp_path: Path) -> None:
    url = "postgresql+psycopg://reader:hunter2@127.0.0.1:1/hospital"
    done = _forecasting(tmp_path, "source", "check", HOSPITAL_SOURCE_URL=url)
    _is_told(done, "SourceLost", "127.0.0.1:1 does not answer")
    assert "hunter2" not in done.stdout + done.stderr


def test_the_check_shows_each_series_and_exits_by_what_can_be_read(tmp_path: Path) -> None:
    hourly = tmp_path / "hospital.toml"
    hourly.write_text(CONFIG.read_text().replace("[source]\n", '[source]\nprofile = "hourly"\n'))
    url = f"sqlite:///{tmp_path / 'source.db'}"
    engine = sa.create_engine(url)
    for name, frame in hours_of(datetime(2026, 3, 20, 7, tzinfo=UTC), 30).items():
        frame.to_sql(name, engine, index=False)
    engine.dispose()
    asked = ("source", "check", "--night", "2026-03-20", "--sites")
    place = {"HOSPITAL_CONFIG": str(hourly), "HOSPITAL_SOURCE_URL": url}
    north = _forecasting(tmp_path, *asked, "north", **place)
    assert north.returncode == 0, north.stderr
    assert "North, profile hourly, times in America/New_York" in north.stdout
    assert north.stdout.count("2026-02-18 02:00") == 3
    assert "29 days of history; a trained model needs 84" in north.stdout
    west = _forecasting(tmp_path, *asked, "west", **place)
    assert west.returncode == 1
    assert "no rows of site 'west' in bed_census_hourly" in west.stdout
