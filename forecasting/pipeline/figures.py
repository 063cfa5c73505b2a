"""How a night went, in figures for a dashboard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import pandas as pd
import sqlalchemy as sa

from forecasting import warehouse
from forecasting.config import Settings, read_settings
from forecasting.deployment import Deployment
from forecasting.pipeline.night import NightKey
from forecasting.schema import OBSERVATION, NightState
from forecasting.staging import Stage

LONGEST_SILENCE = timedelta(days=14)
"""How far back the last known hour is looked for; beyond it is far too old in any case."""
HOUR = pd.Timedelta(hours=1)


@dataclass(frozen=True)
class SiteFigures:
    """One site's night."""

    site_id: str
    state: NightState | None
    """None where the night was never opened for the site."""
    seconds: Mapping[str, float]
    """What each of its stages took, the last time it ran."""
    quarantined_share: float | None
    """Of the hours that validation checked, those set aside; None where it checked none."""
    stale_hours: float
    """From the end of the site's last known hour to the issue time; 336 where it is that or more."""


def figures(place: Deployment, key: NightKey, site_ids: Sequence[str]) -> list[SiteFigures]:
    """How the night of these sites stands, in their order."""
    settings, engine = read_settings(place.config), warehouse.connect(place.warehouse)
    return [_of_site(place, engine, settings, key, site_id) for site_id in site_ids]


def _of_site(
    place: Deployment, engine: sa.Engine, settings: Settings, key: NightKey, site_id: str
) -> SiteFigures:
    night, stage = warehouse.find_night(engine, site_id, key.night), Stage(place.staging, key.night, site_id)
    return SiteFigures(
        site_id=site_id,
        state=night.state if night else None,
        seconds=stage.read_record("timings") if stage.has("timings.json") else {},
        quarantined_share=_quarantined_share(engine, key, site_id),
        stale_hours=_stale_hours(engine, settings, key, site_id),
    )


def _quarantined_share(engine: sa.Engine, key: NightKey, site_id: str) -> float | None:
    results = warehouse.validation_results(engine, key.night, [site_id])
    checked = results.loc[results["table_name"] == OBSERVATION.name, "checked_rows"].max()
    if not checked > 0:
        return None
    rows = warehouse.quarantined_rows(engine, key.night, [site_id])
    hours = rows[rows["table_name"] == OBSERVATION.name].drop_duplicates(["unit_id", "target", "valid_at"])
    return float(len(hours) / checked)


def _stale_hours(engine: sa.Engine, settings: Settings, key: NightKey, site_id: str) -> float:
    issued_at = settings.issued_at(key.night)
    since = issued_at - LONGEST_SILENCE
    known = warehouse.observations(engine, [site_id], None, since, issued_at).dropna(subset="value")
    last = known["valid_at"].max() + HOUR if len(known) else pd.Timestamp(since)
    return float((issued_at - last) / HOUR)
