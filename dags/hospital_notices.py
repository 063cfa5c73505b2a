"""What people are told of a run: in the log always, and by mail to whom the environment names."""

from __future__ import annotations

import logging
from datetime import date, datetime
from functools import partial
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow.providers.smtp.notifications.smtp import SmtpNotifier
from airflow.sdk.definitions.callback import SyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference
from hospital_connections import deployment
from hospital_tasks import run_address, settings, site_ids_of

if TYPE_CHECKING:
    from airflow.sdk import Context


log = logging.getLogger(__name__)


def tell(subject: str, text: str, *, of_success: bool = False) -> None:
    """Tell people, by mail through the Airflow Connection ``smtp_default``.

    Of failures and late nights ``HOSPITAL_NOTICE_TO``, of successes ``HOSPITAL_SUCCESS_NOTICE_TO``: addresses
    with commas between. Where none is named it is in the log alone.
    """
    log.warning("%s: %s", subject, text)
    place = deployment()
    to = place.success_notice_to if of_success else place.notice_to
    if to:
        SmtpNotifier(to=to, subject=subject, html_content=text).notify({})


def notices(dag_id: str) -> dict[str, Any]:
    """The callbacks by which a DAG tells how its runs ended."""
    return {
        "on_failure_callback": partial(_tell_ended, dag_id, "failed"),
        "on_success_callback": partial(_tell_ended, dag_id, "succeeded"),
    }


def _tell_ended(dag_id: str, how: str, context: Context) -> None:
    page = run_address(dag_id, quote(context["run_id"]))
    text = f"A run of {dag_id} {how}: {escape(str(context['reason']), quote=False)}<br>{page}"
    tell(f"{dag_id} {how}", text, of_success=how == "succeeded")


def warn_unpublished(context: dict[str, Any]) -> None:
    """Warn of a night of which a site is not published though the time by which it should be has passed.

    A run of a past night, which a person asked for, is late by nature and is not warned of.
    """
    from forecasting import pipeline

    run = context["dag_run"]
    due = datetime.fromisoformat(str(run["logical_date"]))
    conf = run["conf"] or {}
    night = pipeline.latest_night(settings, due)
    asked = conf.get("issue_date")
    if run["run_type"] == "backfill" or (asked and date.fromisoformat(asked) != night):
        return
    unpublished = pipeline.unpublished(deployment(), night, site_ids_of(conf.get("sites", "all")))
    if unpublished:
        reasons = "".join(
            f"<br>{site_id}: {escape(why or 'still running', quote=False)}"
            for site_id, why in unpublished.items()
        )
        tell(
            f"night {night} is not published",
            f"Night {night} should be published by {settings.group.publish_by}; not so:{reasons}<br>"
            f"{run_address(run['dag_id'], quote(run['dag_run_id']))}",
        )


def published_in_time() -> DeadlineAlert | None:
    """The alert of the nightly run, where the configuration says by when every site should be published."""
    if settings.group.publish_by is None:
        return None
    return DeadlineAlert(
        reference=DeadlineReference.DAGRUN_LOGICAL_DATE,
        interval=settings.group.time_to_publish,
        callback=SyncCallback(warn_unpublished),
        name=f"published by {settings.group.publish_by}",
    )
