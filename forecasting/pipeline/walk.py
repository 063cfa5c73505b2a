"""A whole night in one process, for the command line and the tests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date

import structlog
from structlog.contextvars import bound_contextvars

from forecasting.deployment import Deployment
from forecasting.outcome import SiteBlocked, SiteNotReady, SourceLost, TrainingFailed, TrainingNotNeeded
from forecasting.pipeline.ingest import build_docs, extract_site, record_site, validate_site
from forecasting.pipeline.night import NightKey, close_night, open_night
from forecasting.pipeline.plan import forecast_site, publish_site, staff_site
from forecasting.pipeline.root import Retrain
from forecasting.pipeline.training import train_target
from forecasting.schema import Target

log = structlog.get_logger()


def walk(
    place: Deployment, night: date, site_ids: Sequence[str], run_id: str, retrain: Retrain = "auto"
) -> NightKey:
    """Walk every stage of a night in this process, one after the other.

    Raises:
        NightIncomplete: not every site published; the others did.
    """
    key = open_night(place, night, site_ids, run_id, {})
    for site_id in site_ids:
        with _site_alone(site_id, key):
            extract_site(place, key, site_id)
            validate_site(place, key, site_id)
            record_site(place, key, site_id)
    for target in Target:
        try:
            log.info(train_target(place, key, target, retrain), target_name=target.value, stage="train")
        except (TrainingNotNeeded, TrainingFailed) as reason:
            log.info("not trained", target_name=target.value, why=str(reason), stage="train")
        except Exception:
            # As in Airflow, where a training that crashed costs the night nothing else.
            log.exception("training crashed", target_name=target.value, stage="train")
    for site_id in site_ids:
        with _site_alone(site_id, key):
            forecast_site(place, key, site_id)
            staff_site(place, key, site_id)
            publish_site(place, key, site_id)
    build_docs(place, key)
    close_night(place, key, site_ids)
    return key


@contextmanager
def _site_alone(site_id: str, key: NightKey) -> Iterator[None]:
    """Let one site's failure stop that site alone."""
    with bound_contextvars(site=site_id, night=str(key.night)):
        try:
            yield
        except (SiteBlocked, SourceLost, SiteNotReady) as reason:
            log.warning("site stopped", why=str(reason))
