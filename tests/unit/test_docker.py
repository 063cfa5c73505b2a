"""What docker/ says of itself: no secret in it, nobody is root, and every secret comes from a file."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import make_url

from forecasting.deployment import Deployment
from forecasting.standalone import PRELOADED

pytestmark = pytest.mark.unit

DOCKER = Path(__file__).parents[2] / "docker"
OURS = {"mlflow", "migrate", "api-server", "scheduler", "dag-processor", "triggerer", "worker", "worker-gpu"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yaml").read_text())
    return read


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """What ``make_secrets.sh`` writes."""
    script = tmp_path / "make_secrets.sh"
    script.write_text((DOCKER / "make_secrets.sh").read_text())
    subprocess.run(["sh", script], check=True)
    return tmp_path / "secrets"


def test_every_secret_is_a_file_that_the_script_makes(compose: dict[str, Any], secrets: Path) -> None:
    made = {file.name for file in secrets.iterdir()}
    assert {Path(secret["file"]).name for secret in compose["secrets"].values()} == made
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
    used = {name for service in compose["services"].values() for name in service.get("secrets", [])}
    assert used == set(compose["secrets"])


def test_the_script_leaves_what_is_there(secrets: Path) -> None:
    (secrets / "hospital_source_url").write_text("postgresql+psycopg://reader@hospital/reports")
    before = {file.name: file.read_text() for file in secrets.iterdir()}
    subprocess.run(["sh", secrets.parent / "make_secrets.sh"], check=True)
    assert {file.name: file.read_text() for file in secrets.iterdir()} == before


def test_our_settings_and_sqlalchemy_read_what_the_script_writes(
    secrets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HOSPITAL_WAREHOUSE_URL", "HOSPITAL_SOURCE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOSPITAL_SECRETS_DIR", str(secrets))
    password = (secrets / "postgres_password").read_text()
    warehouse = make_url(Deployment().warehouse)
    assert (warehouse.host, warehouse.database, warehouse.password) == ("postgres", "warehouse", password)
    databases = re.findall(r"CREATE DATABASE (\w+);", (DOCKER / "databases.sql").read_text())
    named = {make_url(file.read_text()).database for file in secrets.glob("*_url")}
    assert {*named, make_url((secrets / "airflow_database").read_text()).database} <= set(databases)


def test_the_commands_that_airflow_reads_secrets_by_give_them(compose: dict[str, Any], secrets: Path) -> None:
    environment = compose["services"]["worker"]["environment"]
    commands = {name: said for name, said in environment.items() if name.endswith("_CMD")}
    assert len(commands) == 7
    for name, said in commands.items():
        here = said.replace("/run/secrets", str(secrets))
        given = subprocess.run(here.split(), check=True, capture_output=True, text=True).stdout
        assert len(given) > 30, name
    backend = commands["AIRFLOW__CELERY__RESULT_BACKEND_CMD"].replace("/run/secrets", str(secrets))
    told = subprocess.run(backend.split(), check=True, capture_output=True, text=True).stdout
    assert told.startswith("db+postgresql+psycopg://")


def test_workers_import_once_what_their_tasks_need(compose: dict[str, Any]) -> None:
    told = json.loads(compose["services"]["worker"]["environment"]["AIRFLOW__CELERY__EXTRA_CELERY_CONFIG"])
    assert told == {"imports": list(PRELOADED)}


def test_our_services_write_to_volumes_alone_and_gain_no_rights(compose: dict[str, Any]) -> None:
    for name in OURS:
        service = compose["services"][name]
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory"}, name
    assert set(compose["services"]) > OURS


def test_whatever_stays_up_says_how_it_is(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert "healthcheck" in service or name == "migrate", name


def test_whatever_dies_is_begun_again_and_a_scheduler_finds_its_tasks(
    compose: dict[str, Any],
) -> None:
    kept = {name for name, service in compose["services"].items() if service["restart"] == "unless-stopped"}
    assert kept == set(compose["services"]) - {"migrate"}
    values = yaml.safe_load((DOCKER / "helm" / "values.yaml").read_text())
    waits = [
        compose["services"]["scheduler"]["environment"]["AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL"],
        values["config"]["scheduler"]["orphaned_tasks_check_interval"],
    ]
    assert [float(seconds) for seconds in waits] == [60, 60]


def test_the_image_runs_as_nobody_s_root() -> None:
    stages = re.split(r"^FROM ", (DOCKER / "Dockerfile").read_text(), flags=re.MULTILINE)
    (base,) = [stage for stage in stages if " AS base" in stage.splitlines()[0]]
    assert re.findall(r"^USER (.+)$", base, flags=re.MULTILINE) == ["50000:0"]
    assert not [stage for stage in stages if re.search(r"^USER (root|0)", stage, flags=re.MULTILINE)]


def test_an_environment_beyond_the_lock_is_refused(tmp_path: Path) -> None:
    pip = tmp_path / "pip"
    pip.write_text("#!/bin/sh\nprintf 'torch==2.13.0+cpu\\nnvidia-nccl-cu13==2.30\\npandas==3.0.6\\n'\n")
    pip.chmod(0o755)
    lock = tmp_path / "lock"

    def checked() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", DOCKER / "check_lock.sh", lock],
            env={"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            check=False,
        )

    lock.write_text("pandas==3.0.6\ntorch==2.13.0\n")
    assert checked().returncode == 0
    lock.write_text("pandas==3.0.5\ntorch==2.13.0\n")
    assert checked().returncode == 1
    assert "pandas==3.0.6" in checked().stderr
