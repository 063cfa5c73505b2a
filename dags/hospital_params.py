"""What the trigger forms ask: flat and typed, so that Airflow draws each as a field of its kind."""

from __future__ import annotations

from airflow.sdk import Param
from hospital_tasks import settings

NIGHTLY = {
    "issue_date": Param(
        None,
        type=["null", "string"],
        format="date",
        title="Night",
        description="Date of the issue time in the group's time zone. Empty: the latest night.",
    ),
    "sites": Param(
        "all",
        type="string",
        pattern=r"^[a-z][a-z0-9_]*(\s*,\s*[a-z][a-z0-9_]*)*$",
        title="Sites",
        description=f"`all`, or some of {', '.join(settings.site_ids)}, with commas between them",
    ),
    "retrain": Param(
        "auto",
        enum=["auto", "always", "refresh", "never"],
        title="Retrain",
        description="auto: from nothing when there is no champion or its root is too old, else go on from it",
    ),
    "max_epochs": Param(
        None,
        type=["null", "integer"],
        minimum=1,
        maximum=200,
        title="Epochs",
        description="At most so many epochs, if it trains. Empty: as configured.",
    ),
    "seed": Param(
        None,
        type=["null", "integer"],
        minimum=0,
        maximum=1_000_000,
        title="Seed",
        description="Of the network's first weights and of its windows. Empty: as configured.",
    ),
}
