"""One task per phase of a backtest; each takes keys, and imports what is heavy only when it runs."""

from __future__ import annotations

import os
import shlex
import sys
from datetime import date, timedelta
from typing import Any

from airflow.sdk import get_current_context, task
from hospital_connections import deployment, environment
from hospital_links import tracked, tracked_command
from hospital_params import BOTH
from hospital_tasks import TRAINING, run_tags, settings, words

from forecasting.schema import Target

WEEKS = 8

# While a DAG file is parsed it is a reference to what open_backtest will return; in a task, that dict.
Backtest = Any


@tracked()
def open_backtest() -> Backtest:
    """Check what the form asks, take the observations out of the warehouse, open the run in MLflow."""
    from forecasting import pipeline
    from forecasting.pipeline import backtest

    context = get_current_context()
    run, params = context["dag_run"], context["params"]
    whole = pipeline.latest_night(settings, run.logical_date) - timedelta(hours=settings.lead_hours)
    last = date.fromisoformat(params["last"]) if params["last"] else whole
    first = date.fromisoformat(params["first"]) if params["first"] else last - timedelta(weeks=WEEKS)
    protocol = backtest.read_protocol(
        settings,
        targets=list(Target) if params["target"] == BOTH else [params["target"]],
        first=first,
        last=last,
        step_days=params["step_days"],
        refit_days=params["refit_days"],
        models=words(params["models"]),
        seeds=[int(seed) for seed in words(params["seeds"])],
        site_ids=[] if params["sites"].strip() == "all" else words(params["sites"]),
    )
    key = backtest.open_backtest(deployment(), protocol, run_tags(run))
    return {**key.as_json(), "contenders": [contender.name for contender in protocol.contenders]}


@task
def contenders(backtest: Backtest) -> list[str]:
    """Those that are compared, one mapped task each."""
    return list(backtest["contenders"])


@tracked_command(map_index_template="{{ task.op_kwargs['contender'] }}", **TRAINING)
def forecast(contender: str, backtest: Backtest) -> str:
    """Forecast what one contender lacks, in a fresh interpreter: CUDA can't be used again after a fork."""
    os.environ.update(environment())
    key = (backtest["backtest_id"], backtest["mlflow_run_id"])
    command = (sys.executable, "-m", "forecasting", "backtest-forecasts", *key, "--contender", contender)
    return shlex.join(command)


@tracked()
def score(backtest: Backtest) -> int:
    """Join what was forecast, and score all contenders on the same hours."""
    from forecasting.pipeline import backtest as phases

    return phases.score_backtest(deployment(), _key(backtest))


@tracked()
def tell(backtest: Backtest) -> list[str]:
    """Draw the plots and fill MLflow; returns the answer, a sentence per target."""
    from forecasting.pipeline import backtest as phases

    return phases.tell_backtest(deployment(), _key(backtest)).answers


def _key(backtest: Backtest) -> Any:
    from forecasting.pipeline.backtest import BacktestKey

    return BacktestKey(backtest["backtest_id"], backtest["mlflow_run_id"])
