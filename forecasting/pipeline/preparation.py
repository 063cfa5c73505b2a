"""What must stand before the first night: the warehouse's tables, and demo hospitals without a source."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime

import sqlalchemy as sa

from forecasting import warehouse
from forecasting.config import read_settings
from forecasting.deployment import Deployment

CARD = "simulated.json"
TRUTH = "truth.parquet"


def migrate(place: Deployment) -> None:
    """Bring the warehouse's tables to this version."""
    warehouse.migrate(warehouse.connect(place.warehouse))


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
