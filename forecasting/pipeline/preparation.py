"""What must stand before the first night: a readable source, or demo hospitals; the warehouse's tables."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path

import sqlalchemy as sa

from forecasting import extract, warehouse
from forecasting.config import read_settings
from forecasting.deployment import Deployment
from forecasting.outcome import SiteBlocked, SourceLost

CARD = "simulated.json"
TRUTH = "truth.parquet"


def migrate(place: Deployment) -> None:
    """Bring the warehouse's tables to this version."""
    warehouse.migrate(warehouse.connect(place.warehouse))


def check_source(place: Deployment, night: date, site_ids: Sequence[str]) -> extract.SourceReport:
    """What a night, were it these sites' first, would read of their source, and what speaks against it.

    Raises:
        SourceLost: the source does not answer.
        SiteBlocked: it has not the shape of its profile, or can't be used at all.
    """
    settings = read_settings(place.config)
    sites = [settings.site(site_id) for site_id in site_ids]
    try:
        engine = extract.connect(place.source)
        return extract.check_source(engine, settings, sites, settings.issued_at(night))
    except extract.SourceUnreachable as error:
        raise SourceLost(str(error)) from error
    except extract.SourceError as error:
        raise SiteBlocked(str(error)) from error


def render_queries(place: Deployment, night: date, site_id: str, dialect: str, folder: Path) -> list[Path]:
    """Write the profile's queries in the words of a database that they were not run on; returns the files.

    Args:
        place: whose configuration; no database is asked.
        night: whose times the texts name for an example.
        site_id: whose parameters they name.
        dialect: one of :class:`forecasting.extract.rendering.Dialect`.
        folder: gets a file for each query.
    """
    from forecasting.extract.rendering import Dialect, render_queries

    settings = read_settings(place.config)
    issued_at = settings.issued_at(night)
    site = settings.site(site_id)
    since = issued_at - settings.look_back(site)
    texts = render_queries(settings, site, since, issued_at, Dialect(dialect))
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for name, text in texts.items():
        files.append(folder / f"{name}.sql")
        files[-1].write_text(text, encoding="utf-8")
    return files


def simulated_span(place: Deployment) -> tuple[datetime, datetime] | None:
    """From when to when the simulated source tells, in UTC; None where none was written."""
    card = place.var / CARD
    if not card.exists():
        return None
    written = json.loads(card.read_text())
    return datetime.fromisoformat(written["start"]), datetime.fromisoformat(written["until"])


def simulate_source(
    place: Deployment,
    start: datetime,
    until: datetime,
    seed: int,
    progress: Callable[[str, int, int], None] | None = None,
) -> None:
    """Write hospitals that do not exist into the source, and what they were drawn from to ``truth.parquet``.

    Nothing in the pipeline reads the truth.

    Args:
        place: whose source is written; its tables are replaced.
        start: the first hour, UTC.
        until: when the source's rows end, UTC; rosters reach further.
        seed: same seed, same rows.
        progress: told (what, done, total).
    """
    from forecasting import simulate

    settings = read_settings(place.config)
    place.var.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(place.source)
    simulate.simulate_source(settings, start, until, seed, engine, place.var / TRUTH, progress)
    engine.dispose()
    card = {"start": start.isoformat(), "until": until.isoformat(), "seed": seed}
    (place.var / CARD).write_text(json.dumps(card))
