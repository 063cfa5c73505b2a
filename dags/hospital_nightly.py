"""The nightly run, from the hospital's database to tomorrow's staffing.

For each site: count its hours in the hospital's database, judge them, record them. For all sites together:
train the forecasts when it is time. Then for each site: forecast, recommend staffing, publish.

* A site that fails stops alone. The run is red if any did not publish; `close_night` names each and why.
* A night may be run again at any time: it leaves the same rows.
* Where people sign a site's plan, `plan.ask` asks them once it is published; the night doesn't wait.
* Results: table `staffing_recommendation` in the warehouse, experiment `hospital_nightly` in MLflow.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, CronTriggerTimetable, task_group
from hospital_approval_tasks import ask, decide
from hospital_defaults import TASKS
from hospital_notices import notices, published_in_time
from hospital_params import NIGHTLY
from hospital_tasks import (
    Night,
    build_docs,
    close_night,
    extract,
    forecast,
    open_night,
    publish,
    record,
    settings,
    sites,
    staff,
    train,
    validate,
)

from forecasting.schema import Target


@task_group
def ingest(site_id: str, night: Night) -> None:
    """Source to observations."""
    of = {"site_id": site_id, "night": night}
    extract(**of) >> validate(**of) >> record(**of)


@task_group
def plan(site_id: str, night: Night) -> None:
    """Observations to recommendations, and to what people say of them."""
    of = {"site_id": site_id, "night": night}
    asked = ask(**of)
    forecast(**of) >> staff(**of) >> publish(**of) >> asked
    decide(**of, answered=asked.output)


with DAG(
    "hospital_nightly",
    description="From the hospital's database to tomorrow's staffing, for every site",
    schedule=CronTriggerTimetable(
        f"0 {settings.group.issue_hour} * * *",
        timezone=settings.group.time_zone,
        run_immediately=timedelta(0),  # False would still catch up with a night less than 2.4 hours past
    ),
    catchup=False,
    max_active_runs=1,
    tags=["hospital", "nightly"],
    default_args=TASKS,
    params=NIGHTLY,
    doc_md=__doc__,
    deadline=published_in_time(),
    **notices("hospital_nightly"),
) as dag:
    night = open_night()
    site_ids = sites(night)
    ingested = ingest.partial(night=night).expand(site_id=site_ids)
    trained = train.partial(night=night).expand(target=[target.value for target in Target])
    planned = plan.partial(night=night).expand(site_id=site_ids)
    ingested >> trained >> planned
    dag.get_task("plan.publish") >> close_night(night)
    ingested >> build_docs(night)
