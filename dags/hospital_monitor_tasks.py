"""One task per phase of a monitoring; each takes keys, and imports what is heavy only when it runs."""

from __future__ import annotations

from datetime import date
from typing import Any

from airflow.sdk import TriggerRule, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
from hospital_assets import TRAINING_DUE
from hospital_connections import deployment
from hospital_links import tracked
from hospital_tasks import SITE, run_tags, settings

# While a DAG file is parsed it is a reference to what open_monitor will return; in a task, that dict.
Monitor = Any


@tracked()
def open_monitor() -> Monitor:
    """Settle the night, and open its run in MLflow."""
    from forecasting import pipeline
    from forecasting.pipeline import monitor

    context = get_current_context()
    run, params = context["dag_run"], context["params"]
    asked = params["night"]
    night = date.fromisoformat(asked) if asked else pipeline.latest_night(settings, run.logical_date)
    return monitor.open_monitor(deployment(), night, params["window_days"], run_tags(run)).as_json()


@task
def sites(monitor: Monitor) -> list[str]:
    """The sites, one mapped task each."""
    return list(settings.site_ids) if monitor else []


@tracked(map_index_template=SITE)
def score(site_id: str, monitor: Monitor) -> int:
    """Score what the site's nights published; returns how many nights."""
    from forecasting.pipeline import monitor as phases

    return phases.score_site(deployment(), phases.MonitorKey.from_json(monitor), site_id)


@task
def all_scored() -> None:
    """Red where a site could not be scored, so that the run is."""


@tracked(trigger_rule=TriggerRule.ALL_DONE)
def judge(monitor: Monitor) -> list[str]:
    """Judge every series, store the verdicts, fill MLflow; returns what somebody should look at."""
    from forecasting.pipeline import monitor as phases

    if monitor is None:
        raise AirflowFailException("the monitoring was not opened; see the log of open_monitor")
    place, key = deployment(), phases.MonitorKey.from_json(monitor)
    return phases.tell_monitor(place, key, phases.judge(place, key))


@tracked(outlets=[TRAINING_DUE])
def ask_for_training(monitor: Monitor) -> None:
    """Say to whoever waits for it that a training is due, and why; skipped where none is."""
    from forecasting.pipeline import monitor as phases

    why: dict[str, Any] = phases.asked_trainings(deployment(), phases.MonitorKey.from_json(monitor))
    if not why:
        raise AirflowSkipException("no training is due")
    get_current_context()["outlet_events"][TRAINING_DUE].extra = {"night": monitor["night"], "why": why}
