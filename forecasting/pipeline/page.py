"""The page of a site's night: made of what stands published, and kept where people and MLflow find it."""

from __future__ import annotations

from datetime import date, timedelta

import structlog

from forecasting import warehouse
from forecasting.config import read_settings
from forecasting.deployment import Deployment
from forecasting.pipeline.ingest import recorded
from forecasting.pipeline.night import NightKey
from forecasting.rules import read_published, seed_file
from forecasting.staging import located, placed
from forecasting.tracking import Runs

log = structlog.get_logger()

DAYS_COUNTED = 4
"""Days of counts that a page is given, at least as many as it draws."""


def renew_page(place: Deployment, key: NightKey, site_id: str) -> None:
    """As :func:`write_page`; a page that fails is logged, and what it tells of stands."""
    try:
        write_page(place, key, site_id)
    except Exception:
        log.exception("no page", site=site_id, night=str(key.night), stage="publish")


def write_page(place: Deployment, key: NightKey, site_id: str) -> str:
    """Write the page of a site's published night in place of an earlier one, and keep a copy with its run.

    Returns:
        The page's address.
    """
    from forecasting.report import SiteNight, site_page
    from forecasting.staffing.approval import signed

    settings = read_settings(place.config)
    engine = warehouse.connect(place.warehouse)
    issued_at = settings.issued_at(key.night)
    night = warehouse.find_night(engine, site_id, key.night)
    page = site_page(
        SiteNight(
            settings=settings,
            site=settings.site(site_id),
            night=key.night,
            issued_at=issued_at,
            recommendations=signed(
                warehouse.recommendations(engine, key.night, [site_id]),
                warehouse.decisions(engine, key.night, [site_id]),
            ),
            night_before=warehouse.recommendations(engine, key.night - timedelta(days=1), [site_id]),
            forecast=warehouse.forecasts(engine, key.night, [site_id]),
            history=recorded(place, settings, [site_id], None, issued_at, days=DAYS_COUNTED),
            quarantined=warehouse.quarantined_rows(engine, key.night, [site_id]),
            warning=night.why if night else "",
            instruments={
                ratio.rule_id: (ratio.instrument, ratio.source_url) for ratio in read_published(seed_file())
            },
        )
    )
    address = page_address(place, key.night, site_id)
    with placed(address) as sink:
        sink.write(page.encode())
    run_id = key.mlflow_run_id or (night.mlflow_run_id if night else None)
    if run_id:
        Runs(place.mlflow, place.artifacts).log_text(run_id, page, f"page/{site_id}.html")
    log.info("page", site=site_id, night=str(key.night), stage="publish", address=address)
    return address


def page_address(place: Deployment, night: date, site_id: str) -> str:
    """The fsspec URL of the page of a site's night, whether it is there or not."""
    return f"{place.pages.rstrip('/')}/{night.isoformat()}/{site_id}.html"


def pages(place: Deployment, night: date) -> list[str]:
    """Where the night's pages lie: paths on this machine, else addresses; of each site that has one."""
    found = []
    for site_id in read_settings(place.config).site_ids:
        address = page_address(place, night, site_id)
        filesystem, path = located(address)
        if filesystem.exists(path):
            found.append(path if "file" in filesystem.protocol else address)
    return found
