"""Every line of a task's log names the stage, and the site, night, target or contender that it is about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:
    from airflow.sdk import Context

NAMES = {"site_id": "site", "target": "target_name", "contender": "contender"}
"""What a task may be given, and as what its log names it; Airflow 3.3 ends a task that names a ``target``."""


def name_in_log(context: Context) -> None:
    """Name the task's work in each line from here on, those of libraries, subprocesses and errors too."""
    task: Any = context["task"]
    given = getattr(task, "op_kwargs", vars(task))
    structlog.contextvars.bind_contextvars(
        stage=task.task_id.rpartition(".")[2],
        **{name: given[key] for key, name in NAMES.items() if given.get(key)},
        **_night([*getattr(task, "op_args", ()), *given.values()]),
    )


def _night(given: list[object]) -> dict[str, str]:
    """The night that one of these names, if any is a key of the pipeline."""
    keys = [key for key in given if isinstance(key, Mapping) and "mlflow_run_id" in key and "night" in key]
    return {"night": str(keys[0]["night"])} if keys else {}
