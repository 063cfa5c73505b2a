"""A backtest: what each model would have said on past nights, knowing no more than was known then.

Press *Trigger*: the form asks for the target, the dates, the models and the seeds. Each contender is forecast
by a task of its own; then all are scored on the same hours.

* Only what the nights recorded in the warehouse is read, and for `flow` the stays in the source as of each
  issue time; nothing is published, no model is promoted.
* A task that is cleared goes on where it was. The same question over the same data is not computed twice.
* Results: experiment `hospital_backtest` in MLflow, whose parent run says which model is better, where, and
  by how much; files under `var/backtests`.
"""

from __future__ import annotations

from airflow.sdk import DAG
from hospital_backtest_tasks import contenders, forecast, open_backtest, score, tell
from hospital_defaults import TASKS
from hospital_notices import notices
from hospital_params import BACKTEST

with DAG(
    "hospital_backtest",
    description="Compare models on past nights, over all that the warehouse has recorded",
    schedule=None,
    catchup=False,
    max_active_runs=1,
    tags=["hospital", "backtest"],
    default_args=TASKS,
    params=BACKTEST,
    doc_md=__doc__,
    **notices("hospital_backtest"),
):
    backtest = open_backtest()
    (
        forecast.partial(backtest=backtest).expand(contender=contenders(backtest))
        >> score(backtest)
        >> tell(backtest)
    )
