"""A training outside the night: for which targets, on what, and by whom asked."""

from __future__ import annotations

from airflow.sdk import get_current_context, task
from hospital_connections import deployment
from hospital_links import tracked
from hospital_params import BOTH
from hospital_tasks import Night, run_tags

from forecasting.schema import Target


@tracked()
def open_training() -> Night:
    """Settle which published night's data it trains on, and open the run in MLflow."""
    from forecasting import pipeline

    context = get_current_context()
    run, params = context["dag_run"], context["params"]
    key = pipeline.open_training(deployment(), run.run_id, run_tags(run))
    trial = {name: params[name] for name in ("max_epochs", "seed") if params[name] is not None}
    return {**key.as_json(), "target": params["target"], "retrain": params["retrain"], "trial": trial}


@task
def targets(training: Night) -> list[str]:
    """The targets of this run, one mapped task each."""
    asked = training["target"]
    return [target.value for target in Target] if asked == BOTH else [asked]
