"""The monitor: how published forecasts did, once their outcomes are final.

For each site: score what its nights published beside climatology. For all together: judge each series, look
for drift and for disparity between sites and kinds of units, and say whether a training is due.

* A series on which the champion lost to climatology beyond doubt falls back: the next night publishes
  climatology there, and the row's note says so. The champion is scored on in shadow and returns when it wins.
* Where a training is due, `ask_for_training` emits the asset `hospital/training_due` with the reason, and the
  next night with `retrain = auto` trains from nothing. It is skipped where none is.
* A site that can't be scored leaves the others their verdicts; the run is red.
* Results: tables `forecast_score`, `series_verdict` and `training_request`, experiment `hospital_monitor` in
  MLflow. Run again, it leaves the same rows.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, CronTriggerTimetable
from hospital_defaults import TASKS
from hospital_monitor_tasks import all_scored, ask_for_training, judge, open_monitor, score, sites
from hospital_notices import notices
from hospital_params import MONITOR
from hospital_tasks import settings

HOURS_AFTER_ISSUE = 4

with DAG(
    "hospital_monitor",
    description="Scores, drift and disparity of what was forecast; who may speak, and whether to train",
    schedule=CronTriggerTimetable(
        f"30 {(settings.group.issue_hour + HOURS_AFTER_ISSUE) % 24} * * *",
        timezone=settings.group.time_zone,
        run_immediately=timedelta(0),
    ),
    catchup=False,
    max_active_runs=1,
    tags=["hospital", "monitor"],
    default_args=TASKS,
    params=MONITOR,
    doc_md=__doc__,
    **notices("hospital_monitor"),
):
    monitor = open_monitor()
    scored = score.partial(monitor=monitor).expand(site_id=sites(monitor))
    scored >> all_scored()
    judged = judge(monitor)
    scored >> judged >> ask_for_training(monitor)
