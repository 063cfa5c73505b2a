"""What tasks are forked from has what every stage imports, and nothing that a fork could not go on with."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from forecasting.standalone import PRELOADED

pytestmark = pytest.mark.integration

CONFIG = Path(__file__).parents[2] / "hospital.toml"
PROGRAM = f"""
import importlib, json, sys, threading
for name in {PRELOADED!r}:
    importlib.import_module(name)
loaded, threads = set(sys.modules), threading.active_count()

from datetime import date, timedelta
from pathlib import Path
from forecasting import pipeline
from forecasting.config import read_settings
from forecasting.deployment import Deployment

place = Deployment(config=Path({str(CONFIG)!r}), var=Path(sys.argv[1]))
night, site_id = date(2026, 6, 10), "north"
issued_at = read_settings(place.config).issued_at(night)
pipeline.simulate_source(place, issued_at - timedelta(days=100), issued_at, seed=5)
pipeline.migrate(place)
began = set(sys.modules)
key = pipeline.open_night(place, night, [site_id], "preloaded", {{}})
for stage in (
    pipeline.extract_site,
    pipeline.validate_site,
    pipeline.record_site,
    pipeline.forecast_site,
    pipeline.staff_site,
    pipeline.publish_site,
):
    stage(place, key, site_id)
pipeline.close_night(place, key, [site_id])
told = {{"threads": threads, "torch": "torch" in loaded, "imported": sorted(set(sys.modules) - began)}}
print(json.dumps(told))
"""


def test_a_night_imports_next_to_nothing_where_its_tasks_are_forked(
    blank_mlflow: Path, tmp_path: Path
) -> None:
    shutil.copy(blank_mlflow, tmp_path / "mlflow.db")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)], check=True, capture_output=True, text=True
    )
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["threads"] == 1
    assert not told["torch"]
    assert len(told["imported"]) < 30, told["imported"]
