"""Upkeep as a task."""

from __future__ import annotations

from datetime import datetime

from airflow.sdk import get_current_context, task
from hospital_connections import deployment
from hospital_tasks import settings


@task
def maintain() -> dict[str, int]:
    """Remove what is kept no longer, and tidy the warehouse; returns how many of each."""
    from forecasting import pipeline

    today = datetime.now(settings.group.zone).date()
    dry_run = get_current_context()["params"]["dry_run"]
    return dict(pipeline.maintain(deployment(), today, dry_run=dry_run))
