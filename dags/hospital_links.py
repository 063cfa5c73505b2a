"""From a task's page in Airflow to the MLflow run that it works for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.decorators.bash import _BashDecoratedOperator
from airflow.providers.standard.decorators.python import _PythonDecoratedOperator
from airflow.sdk import BaseOperatorLink
from airflow.sdk.bases.decorator import task_decorator_factory
from hospital_connections import deployment
from hospital_lineage import SaysLineage

if TYPE_CHECKING:
    from airflow.sdk.bases.decorator import TaskDecorator


class MLflowRun(BaseOperatorLink):
    """The run whose key the task is given, or returns.

    The worker finds the address when the task has ended, however it did; Airflow keeps it as XCom.
    """

    name = "MLflow run"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """The run's page; empty where MLflow does not know the run.

        Args:
            operator: the task, with what it was given.
            ti_key: the task instance as it runs.
        """
        run_id = self._run_id(operator, ti_key)
        return f"{deployment().mlflow_pages}/#/runs/{run_id}" if run_id else ""

    def _run_id(self, operator: Any, instance: Any) -> str:
        given = _run_of([*operator.op_args, *operator.op_kwargs.values()])
        return given or _run_of([instance.xcom_pull(task_ids=instance.task_id)])


class TrainingRun(MLflowRun):
    """The run of the training itself, a child of the night's; the night's where no training began."""

    def _run_id(self, operator: Any, instance: Any) -> str:
        if not operator.op_kwargs["night"]:
            return ""
        from forecasting import pipeline
        from forecasting.schema import Target

        key = pipeline.NightKey.from_json(operator.op_kwargs["night"])
        return pipeline.training_run(deployment(), key, Target(operator.op_kwargs["target"]))


class _Tracked(SaysLineage, _PythonDecoratedOperator):
    operator_extra_links = (MLflowRun(),)


class _TrackedCommand(SaysLineage, _BashDecoratedOperator):
    operator_extra_links = (MLflowRun(),)


class _Training(SaysLineage, _BashDecoratedOperator):
    operator_extra_links = (TrainingRun(),)


def tracked(**kwargs: Any) -> TaskDecorator:
    """Airflow's ``@task``, with a link to its MLflow run."""
    return task_decorator_factory(decorated_operator_class=_Tracked, **kwargs)


def tracked_command(**kwargs: Any) -> TaskDecorator:
    """Airflow's ``@task.bash``, with a link to its MLflow run."""
    return task_decorator_factory(decorated_operator_class=_TrackedCommand, **kwargs)


def training(**kwargs: Any) -> TaskDecorator:
    """Airflow's ``@task.bash``, with a link to the MLflow run of the training that it starts."""
    return task_decorator_factory(decorated_operator_class=_Training, **kwargs)


def _run_of(keys: Iterable[object]) -> str:
    """The run that one of these names, if any is a key of the pipeline."""
    named = (key.get("mlflow_run_id") for key in keys if isinstance(key, Mapping))
    return next((str(run_id) for run_id in named if run_id), "")
