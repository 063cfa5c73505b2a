"""Upkeep, once a week: what is older than `[retention]` keeps is removed, and the warehouse is tidied.

* Decisions, promotions, recommendations and observations are never removed, nor the last published night.
* *Trigger* with *Dry run* says what would go, and removes nothing.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, CronTriggerTimetable
from hospital_defaults import TASKS
from hospital_maintenance_tasks import maintain
from hospital_notices import notices
from hospital_params import MAINTENANCE
from hospital_tasks import settings

with DAG(
    "hospital_maintenance",
    description="Remove what is kept no longer, and tidy the warehouse",
    schedule=CronTriggerTimetable(
        "0 14 * * 0", timezone=settings.group.time_zone, run_immediately=timedelta(0)
    ),
    catchup=False,
    max_active_runs=1,
    tags=["hospital", "maintenance"],
    default_args=TASKS,
    params=MAINTENANCE,
    doc_md=__doc__,
    **notices("hospital_maintenance"),
):
    maintain()
