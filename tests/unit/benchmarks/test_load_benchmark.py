"""What the load benchmark calls a loss, and what it charges to Airflow."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from benchmarks.footprint import watch
from benchmarks.group import DEMO, UNITS, site_names, write_group
from benchmarks.load import airflow_share, losses
from benchmarks.ways import Tally
from forecasting.config import read_settings

pytestmark = pytest.mark.unit

WHOLE: dict[str, Tally] = {"campus_000": {"state": "published", "content": "a1", "forecast": 7}}


def test_nothing_is_lost_where_every_site_has_what_it_has_alone() -> None:
    assert losses(WHOLE, WHOLE) == []


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({}, {"state missing", "content missing", "forecast missing"}),
        ({"state": "failed", "content": "", "forecast": 0}, {"state failed", "content ", "forecast 0"}),
        ({"state": "published", "content": "a1", "forecast": 14}, {"forecast 14"}),
        ({"state": "published", "content": "b2", "forecast": 7}, {"content b2"}),
    ],
    ids=["no night", "not published", "rows twice", "other content"],
)
def test_a_site_that_differs_is_told(found: dict[str, str | int], said: set[str]) -> None:
    told = losses({"campus_000": found} if found else {}, WHOLE)
    assert {line.removeprefix("campus_000: ").partition(", expected")[0] for line in told} == said


def test_airflow_is_charged_what_its_slots_take_beyond_the_stages() -> None:
    assert airflow_share(seconds=100, slots=2, cores=2, alone_seconds=200) == 0
    assert airflow_share(seconds=200, slots=2, cores=2, alone_seconds=100) == 0.75
    # A slot without a core of its own can do nothing meanwhile.
    assert airflow_share(seconds=200, slots=8, cores=2, alone_seconds=100) == 0.75


def test_a_group_is_the_demo_with_so_many_sites(tmp_path: Path) -> None:
    write_group(tmp_path / "group", 5, history_days=182)
    group, demo = read_settings(tmp_path / "group" / "hospital.toml"), read_settings(DEMO)
    assert list(group.site_ids) == site_names(5)
    assert {unit.unit_id for unit in group.sites[4].units} == set(UNITS)
    assert group.source.history_days == 182
    assert group.roles == demo.roles


def test_the_footprint_is_that_of_all_processes_together() -> None:
    hold = "import sys, time; held = bytearray(b'1' * 40_000_000); print('held', flush=True); time.sleep(60)"
    command = [sys.executable, "-c", hold]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE) as one,
        subprocess.Popen(command, stdout=subprocess.PIPE) as other,
    ):
        for process in (one, other):
            assert process.stdout
            assert process.stdout.readline()
        until = time.monotonic() + 0.1
        peak = watch(lambda: time.monotonic() > until, lambda: [psutil.Process(p.pid) for p in (one, other)])
        for process in (one, other):
            process.kill()
    assert peak.processes == 2
    assert 80_000_000 < peak.bytes < 200_000_000
