"""What every DAG file owes the people who run it."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from airflow.sdk import DAG

pytestmark = pytest.mark.integration

DAGS = Path(__file__).parents[3] / "dags"
FILES = sorted(path for path in DAGS.glob("*.py") if path.name not in (DAGS / ".airflowignore").read_text())
PARSE_SECONDS = 2.0
FORM_TYPES = {"string", "integer", "number", "boolean", "null"}


@pytest.fixture(scope="module")
def dags() -> dict[str, DAG]:
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(str(DAGS))
    assert bag.import_errors == {}
    return dict(bag.dags)


def test_every_dag_file_holds_a_dag_of_its_name(dags: dict[str, DAG]) -> None:
    assert set(dags) == {path.stem for path in FILES}


def test_every_dag_says_what_it_is_and_whose(dags: dict[str, DAG]) -> None:
    for dag in dags.values():
        assert dag.doc_md, dag.dag_id
        assert dag.description, dag.dag_id
        assert "hospital" in dag.tags, dag.dag_id
        assert all(task.owner == "forecasting" for task in dag.tasks), dag.dag_id
        assert dag.max_active_runs == 1, dag.dag_id
        assert not dag.catchup, dag.dag_id
        policies = {type(task.retry_policy).__name__ for task in dag.tasks if task.task_id != "plan.ask"}
        assert policies == {"ByKindOfError"}, dag.dag_id


def test_every_task_names_its_work_in_its_log_and_links_to_its_run(dags: dict[str, DAG]) -> None:
    without_run = {"sites", "targets", "contenders", "all_scored", "maintain", "plan.ask"}
    for dag in dags.values():
        for task in dag.tasks:
            said: Any = task.on_execute_callback
            callbacks = said if isinstance(said, list) else [said]
            assert [callback.__name__ for callback in callbacks] == ["name_in_log"], task.task_id
            links = [link.name for link in task.operator_extra_links]
            assert links == ([] if task.task_id in without_run else ["MLflow run"]), task.task_id


def test_the_night_is_closed_without_waiting_for_people(dags: dict[str, DAG]) -> None:
    nightly = dags["hospital_nightly"]
    before = nightly.get_task("close_night").get_flat_relative_ids(upstream=True)
    assert "plan.publish" in before
    assert not {"plan.ask", "plan.decide"} & before


def test_every_param_is_flat_titled_and_has_a_default_that_is_allowed(dags: dict[str, DAG]) -> None:
    for dag in dags.values():
        for name in dag.params:
            declared = dag.params.get_param(name)
            kinds = declared.schema.get("type", "string")
            assert set([kinds] if isinstance(kinds, str) else kinds) <= FORM_TYPES, name
            assert declared.schema["title"], name
            assert declared.description, name
            declared.resolve()


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.stem)
def test_a_dag_file_is_thin_and_imports_nothing_heavy(file: Path) -> None:
    text = file.read_text()
    assert len(text.splitlines()) <= 80
    statements = ast.walk(ast.parse(text))
    imported = {
        node.module.split(".")[0] for node in statements if isinstance(node, ast.ImportFrom) and node.module
    }
    ours = {
        "hospital_approval_tasks",
        "hospital_assets",
        "hospital_backtest_tasks",
        "hospital_defaults",
        "hospital_maintenance_tasks",
        "hospital_notices",
        "hospital_monitor_tasks",
        "hospital_params",
        "hospital_tasks",
        "hospital_train_tasks",
        "hospital_what_if_tasks",
    }
    assert imported <= {"__future__", "airflow", "datetime", "forecasting", *ours}


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.stem)
def test_a_dag_file_is_parsed_within_its_budget(file: Path) -> None:
    """In an interpreter of its own, beyond Airflow's own import; processor seconds, for a busy machine."""
    program = f"""
import sys, time
from airflow.sdk import DAG, conf, task
sys.path.insert(0, {str(DAGS)!r})
began = time.process_time()
import {file.stem}
print(time.process_time() - began)
heavy = {{"torch", "lightning", "great_expectations", "mlflow", "pytorch_forecasting"}} & set(sys.modules)
assert not heavy, heavy
"""
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert float(done.stdout.splitlines()[-1]) < PARSE_SECONDS


def test_the_form_of_a_backtest_takes_every_model_and_no_other_name(dags: dict[str, DAG]) -> None:
    from airflow.sdk.exceptions import ParamValidationError

    from forecasting.models.catalogue import CATALOGUE

    asked = dags["hospital_backtest"].params.get_param("models")
    assert asked.resolve(", ".join(CATALOGUE)) == ", ".join(CATALOGUE)
    for name in CATALOGUE:
        assert name in str(asked.description)
    for strange in ("prophet", "tft,prophet", "tft,", ""):
        with pytest.raises(ParamValidationError):
            asked.resolve(strange)
