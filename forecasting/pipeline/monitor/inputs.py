"""What comes in, watched: whether hours are missing, and whether a series has changed its level."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from forecasting.config import Settings, Site
from forecasting.deployment import Deployment
from forecasting.features import build_panel
from forecasting.models.interface import hours_before, series_of
from forecasting.models.standing import Standing
from forecasting.pipeline.ingest import recorded
from forecasting.schema import Target

HOURS_PER_DAY = 24


def site_inputs(
    place: Deployment, settings: Settings, site: Site, target: Target, issued_at: datetime, days: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What was observed of a site's series up to an issue time.

    Returns:
        By series and ``day`` (24 hours each, counted back from the issue time) hours and missing, of the last
        days; and by series level_change, the share by which its level has just changed, 0 where it has not.
    """
    history = recorded(place, settings, [site.site_id], target, issued_at)
    panel = build_panel(history, target, settings, issued_at, [site])
    missing, levels = [], []
    for (site_id, unit_id), rows in series_of(panel):
        now = hours_before(rows, issued_at)
        of = {"site_id": site_id, "unit_id": unit_id, "target": target.value}
        changed = Standing.of(rows, now).changed
        levels.append({**of, "level_change": float(changed[min(now // HOURS_PER_DAY, len(changed) - 1)]) - 1})
        past = rows.iloc[max(0, now - days * HOURS_PER_DAY) : now]
        missing.append(_missing(past, issued_at).assign(**of))
    if not levels:
        nothing = pd.DataFrame(columns=["site_id", "unit_id", "target"])
        return nothing.assign(day=None, hours=0, missing=0), nothing.assign(level_change=0.0)
    return pd.concat(missing, ignore_index=True), pd.DataFrame(levels)


def _missing(past: pd.DataFrame, issued_at: datetime) -> pd.DataFrame:
    """Hours and missing ones by day; the last day ends at the issue time."""
    hours_back = len(past) - np.arange(len(past))
    day = [issued_at.date() - timedelta(days=int(number)) for number in -(-hours_back // HOURS_PER_DAY)]
    table = pd.DataFrame({"day": day, "hours": 1, "missing": past["value"].isna().astype(int).to_numpy()})
    return table.groupby("day", as_index=False).sum()
