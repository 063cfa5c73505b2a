"""One task per stage of the pipeline; each takes keys, and imports what is heavy only when it runs."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any
from urllib.parse import quote

from airflow.sdk import Asset, TriggerRule, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
from hospital_assets import FEEDS, OBSERVATIONS, RECOMMENDATIONS
from hospital_connections import deployment, environment
from hospital_links import tracked, training
from hospital_metrics import tell_metrics
from hospital_placement import training_placement

from forecasting.config import read_settings
from forecasting.deployment import Deployment

settings = read_settings(Deployment().config)


TRAINING = training_placement(Deployment())
SITE = "{{ task.op_kwargs['site_id'] }}"

# While a DAG file is parsed it is a reference to what open_night will return; in a running task, that dict.
Night = Any


@tracked()
def open_night() -> Night:
    """Settle which night and which sites this run is for."""
    from forecasting import pipeline

    context = get_current_context()
    run, params = context["dag_run"], context["params"]
    asked = params["issue_date"]
    night = date.fromisoformat(asked) if asked else pipeline.latest_night(settings, run.logical_date)
    site_ids = site_ids_of(params["sites"])
    key = pipeline.open_night(deployment(), night, site_ids, run.run_id, run_tags(run))
    trial = {name: params[name] for name in ("max_epochs", "seed") if params[name] is not None}
    return {**key.as_json(), "site_ids": site_ids, "retrain": params["retrain"], "trial": trial}


@task
def sites(night: Night) -> list[str]:
    """The sites of this run, one mapped task group each."""
    return list(night["site_ids"])


@tracked(map_index_template=SITE, inlets=FEEDS)
def extract(site_id: str, night: Night) -> None:
    """Count the site's hours in its source."""
    from forecasting import pipeline

    with _skipped_where_not_ready():
        pipeline.extract_site(deployment(), pipeline.NightKey.from_json(night), site_id)


@tracked(map_index_template=SITE)
def validate(site_id: str, night: Night) -> str:
    """Judge the counts; a block stops this site alone."""
    from forecasting import pipeline

    with _skipped_where_not_ready():
        return pipeline.validate_site(deployment(), pipeline.NightKey.from_json(night), site_id)


@tracked(map_index_template=SITE, inlets=FEEDS, outlets=[OBSERVATIONS])
def record(site_id: str, night: Night) -> int:
    """Write the clean hours to the warehouse."""
    from forecasting import pipeline

    place, key = deployment(), pipeline.NightKey.from_json(night)
    with _skipped_where_not_ready():
        changed = pipeline.record_site(place, key, site_id)
    _say(OBSERVATIONS, {**pipeline.verdict_of(place, key, site_id), "changed": changed})
    return changed


@tracked(trigger_rule=TriggerRule.ALL_DONE)
def build_docs(night: Night) -> str:
    """Build the night's Data Docs from what every site's validation left."""
    from forecasting import pipeline

    return pipeline.build_docs(deployment(), pipeline.NightKey.from_json(_opened(night)))


@training(
    map_index_template="{{ task.op_kwargs['target'] }}",
    trigger_rule=TriggerRule.ALL_DONE,
    max_active_tis_per_dagrun=1,
    inlets=[OBSERVATIONS],
    **TRAINING,
    pool=Deployment().gpu_pool,
)
def train(target: str, night: Night) -> str:
    """Train one target over all sites, in a fresh interpreter: CUDA can't be used again after a fork."""
    night = _opened(night)
    os.environ.update(environment())
    return shlex.join(
        [
            *(sys.executable, "-m", "forecasting", "train", target),
            *("--night", night["night"], "--retrain", night["retrain"]),
            *("--dag-run-id", night["dag_run_id"], "--mlflow-run-id", night["mlflow_run_id"]),
            *(f"--{name.replace('_', '-')}={value}" for name, value in night["trial"].items()),
        ]
    )


@tracked(map_index_template=SITE, trigger_rule=TriggerRule.ALL_DONE, inlets=[OBSERVATIONS])
def forecast(site_id: str, night: Night) -> None:
    """Forecast every unit of the site, or skip a site that was blocked."""
    from forecasting import pipeline

    with _skipped_where_not_ready():
        pipeline.forecast_site(deployment(), pipeline.NightKey.from_json(night), site_id)


@tracked(map_index_template=SITE)
def staff(site_id: str, night: Night) -> None:
    """Turn the forecast into heads per unit, role and shift."""
    from forecasting import pipeline

    with _skipped_where_not_ready():
        pipeline.staff_site(deployment(), pipeline.NightKey.from_json(night), site_id)


@tracked(map_index_template=SITE, inlets=[OBSERVATIONS], outlets=[RECOMMENDATIONS])
def publish(site_id: str, night: Night) -> None:
    """Put forecast and recommendations before their readers, all at once."""
    from forecasting import pipeline

    place, key = deployment(), pipeline.NightKey.from_json(night)
    with _skipped_where_not_ready():
        changed = pipeline.publish_site(place, key, site_id)
    verdict = pipeline.verdict_of(place, key, site_id)
    _say(RECOMMENDATIONS, {**verdict, "changed": changed, "mlflow_run_id": key.mlflow_run_id})


@tracked(trigger_rule=TriggerRule.ALL_DONE)
def close_night(night: Night) -> None:
    """End the night; red if any site did not publish, with its reason."""
    from forecasting import pipeline

    night = _opened(night)
    place, key, site_ids = deployment(), pipeline.NightKey.from_json(night), night["site_ids"]
    try:
        pipeline.close_night(place, key, site_ids)
    finally:
        tell_metrics(pipeline.figures(place, key, site_ids))


def _say(asset: Asset, extra: dict[str, Any]) -> None:
    """What the event says that Airflow emits of the asset when the task has ended well."""
    get_current_context()["outlet_events"][asset].extra = extra


def run_tags(run: Any) -> dict[str, str]:
    """Tags by which what is made in MLflow leads back to the DAG run."""
    return {"airflow.dag_id": run.dag_id, "airflow.url": run_address(run.dag_id, quote(run.run_id))}


def words(asked: str | None) -> list[str]:
    """What a field of a form names, with commas between."""
    return [word.strip() for word in (asked or "").split(",") if word.strip()]


@contextmanager
def _skipped_where_not_ready() -> Iterator[None]:
    """Skip the task where a site was blocked earlier in the night, or another run has taken it up."""
    from forecasting import outcome

    try:
        yield
    except outcome.SiteNotReady as reason:
        raise AirflowSkipException(str(reason)) from None


def _opened(night: Night | None) -> Night:
    """The night, for a task that runs however those before it ended."""
    if night is None:
        raise AirflowFailException("the night was not opened; see the log of open_night")
    return night


def site_ids_of(asked: str) -> list[str]:
    """The sites that a form names."""
    if asked.strip() == "all":
        return list(settings.site_ids)
    return [settings.site(name).site_id for name in words(asked)]


def run_address(dag_id: str, run_id: str) -> str:
    """The page of a DAG run in Airflow."""
    from airflow.sdk import conf

    server = conf.get("api", "base_url", fallback="http://localhost:8080").rstrip("/")
    return f"{server}/dags/{dag_id}/runs/{run_id}"
