"""What if: a published night's plan, made again of inputs that you change, beside the one that stands.

Press *Trigger*: the form asks for the night, the sites, and what is different: more arrivals or patients,
longer stays, closed beds, absent heads, other ratios.

* Nothing that is published is touched. A form that makes no sense is refused before anything runs.
* The log of `tell` has the difference: heads before and after, by unit, role and shift, and why.
* Results: tables `scenario` and `scenario_recommendation`, experiment `hospital_what_if` in MLflow. The same
  question over the same plan is the same scenario: its rows are made anew.
"""

from __future__ import annotations

from airflow.sdk import DAG
from hospital_defaults import TASKS
from hospital_notices import notices
from hospital_params import WHAT_IF
from hospital_what_if_tasks import open_what_if, plan, sites, tell

with DAG(
    "hospital_what_if",
    description="A published plan beside what it would be with other patients, beds, heads or ratios",
    schedule=None,
    catchup=False,
    max_active_runs=1,
    tags=["hospital", "what-if"],
    default_args=TASKS,
    params=WHAT_IF,
    doc_md=__doc__,
    **notices("hospital_what_if"),
):
    what_if = open_what_if()
    plan.partial(what_if=what_if).expand(site_id=sites(what_if)) >> tell(what_if)
