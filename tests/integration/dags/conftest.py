"""Airflow reads its configuration when it is imported, so it is set before any test imports it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[3]

os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="airflow")
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
os.environ["AIRFLOW__CORE__DAGS_FOLDER"] = str(ROOT / "dags")
os.environ["AIRFLOW__CORE__UNIT_TEST_MODE"] = "False"
os.environ["HOSPITAL_CONFIG"] = str(ROOT / "hospital.toml")
