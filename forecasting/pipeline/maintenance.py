"""What is kept no longer, and the warehouse's upkeep."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import structlog

from forecasting import warehouse
from forecasting.config import read_settings
from forecasting.deployment import Deployment
from forecasting.pipeline.tracked import UNTOLD
from forecasting.staging import Stage, nights_under, remove_folder

log = structlog.get_logger()


def maintain(place: Deployment, today: date, *, dry_run: bool = False) -> Mapping[str, int]:
    """Remove what is older than the configuration keeps, and tidy the warehouse.

    The last night that each site published stays whole, and so do staged files of a night of which
    MLflow is yet to be told.
    Decisions, promotions, recommendations and observations are never removed.

    Args:
        place: this installation.
        today: the date from which ages are counted.
        dry_run: remove nothing, and say what would go.

    Returns:
        How many of each go, by name.
    """
    settings = read_settings(place.config)
    keep = settings.retention
    engine = warehouse.connect(place.warehouse)
    standing = [warehouse.last_published(engine, [site_id]) for site_id in settings.site_ids]
    last = min((night for night in standing if night is not None), default=today)

    def before(days: int) -> date:
        return min(today - timedelta(days=days), last)

    staged = [
        night
        for night in nights_under(place.staging, "night=")
        if night < before(keep.staged_days) and not Stage(place.staging, night).has(f"{UNTOLD}.json")
    ]
    pages = [night for night in nights_under(place.pages) if night < before(keep.page_days)]
    checkpoints = [
        folder
        for folder in sorted((place.var.absolute() / "training").glob("night=*"))
        if _night_of(folder) < before(keep.staged_days)
    ]
    oldest = datetime.combine(today - timedelta(days=keep.forecast_days), time(), UTC)
    gone = {
        "staged nights": len(staged),
        "nights of pages": len(pages),
        "nights of checkpoints": len(checkpoints),
        "quarantined rows": warehouse.expire_quarantine(
            engine, before(keep.quarantine_days), dry_run=dry_run
        ),
        "forecast rows": warehouse.expire_forecasts(engine, oldest, dry_run=dry_run),
        "shadow forecast rows": warehouse.expire_shadow_forecasts(engine, oldest, dry_run=dry_run),
        "score rows": warehouse.expire_scores(engine, before(keep.score_days), dry_run=dry_run),
    }
    if not dry_run:
        for night in staged:
            remove_folder(place.staging, f"night={night}")
        for night in pages:
            remove_folder(place.pages, str(night))
        for folder in checkpoints:
            shutil.rmtree(folder)
        warehouse.tidy(engine)
    log.info("maintained", dry_run=dry_run, **{name.replace(" ", "_"): count for name, count in gone.items()})
    return gone


def _night_of(folder: Path) -> date:
    return date.fromisoformat(folder.name.removeprefix("night="))
