"""A run of hospital_what_if as its form asks for it, every task in Airflow's own runner."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from published_night import CONFIG, NIGHT

from forecasting import warehouse
from forecasting.deployment import Deployment
from forecasting.warehouse.tables import SCENARIO

if TYPE_CHECKING:
    from airflow.sdk import Param

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[3]
RUN = """
import json, sys
from airflow.utils.db import initdb
initdb()
from airflow.dag_processing.dagbag import DagBag
dag = DagBag(sys.argv[1]).dags["hospital_what_if"]
for asked in json.loads(sys.argv[2]):
    print("ended", dag.test(run_conf=asked).state)
"""


def _run(place: Deployment, home: Path, *asked: dict[str, Any]) -> str:
    """What the runs print, one after the other."""
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(home),
        "HOSPITAL_CONFIG": str(CONFIG),
        "HOSPITAL_VAR": str(place.var),
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "dags")]),
    }
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(ROOT / "dags"), json.dumps(asked)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def test_a_run_from_the_form_ends_green_and_one_that_makes_no_sense_is_not_tried_again(
    published_night: Deployment, tmp_path: Path
) -> None:
    surge = {"sites": "north", "arrivals": 25, "closed": "icu=4", "absence": 10, "title": "Surge"}
    said = _run(published_night, tmp_path / "airflow", surge, {"closed": "icu=40"})
    assert [line for line in said.splitlines() if line.startswith("ended")] == [
        "ended success",
        "ended failed",
    ], said[-3000:]
    assert "closed beds of north/icu 40: allowed are 1 to 10" in said
    assert "trying again changes nothing" in said
    assert "North, what if" in said
    engine = warehouse.connect(published_night.warehouse)
    with engine.connect() as connection:
        (row,) = connection.execute(SCENARIO.select()).all()
    assert (row.site_id, row.night, row.title, row.arrivals) == ("north", NIGHT, "Surge", 0.25)
    assert len(warehouse.scenario_recommendations(engine, row.scenario_id)) == 28


@pytest.fixture(scope="module")
def form() -> dict[str, Param]:
    from hospital_params import WHAT_IF

    return WHAT_IF


def test_the_form_allows_what_the_command_does(form: dict[str, Param]) -> None:
    from forecasting.pipeline.what_if import LIMITS

    for name, ends in LIMITS.items():
        assert (form[name].schema["minimum"], form[name].schema["maximum"]) == ends


@pytest.mark.parametrize("closed", ["icu=4", "north/icu=4, west/ward = 10", "", " "])
def test_the_form_takes_closed_beds(form: dict[str, Param], closed: str) -> None:
    assert form["closed"].resolve(closed) == closed


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("closed", "icu"),
        ("closed", "icu=4;ms3=2"),
        ("arrivals", -101),
        ("absence", 101),
        ("stay", -91),
        ("ratio_set", "texas"),
        ("title", "x" * 201),
    ],
)
def test_the_form_refuses_at_once(form: dict[str, Param], name: str, value: object) -> None:
    from airflow.sdk.exceptions import ParamValidationError

    with pytest.raises(ParamValidationError):
        form[name].resolve(value)
