"""Outcomes of shifts and days, from those of hours."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from forecasting.blocks import whole_blocks
from forecasting.config import Settings
from forecasting.schema import Target

COLUMNS = ["target", "site_id", "unit_id", "period", "valid_at", "value"]


def period_outcomes(outcomes: pd.DataFrame, settings: Settings, periods: Sequence[str]) -> pd.DataFrame:
    """What came in each whole block of the periods: arrivals summed, census averaged over its hours.

    Args:
        outcomes: rows with site_id, unit_id, target, valid_at and value, by the hour.
        settings: gives each site's zone, and the shifts that the blocks follow.
        periods: of :data:`forecasting.blocks.BLOCK_HOURS`.

    Returns:
        target, site_id, unit_id, period, valid_at (the block's first hour, UTC) and value; missing if any
        hour of the block is missing.

    Raises:
        ConfigError: a site is not configured.
        ValueError: a period has no blocks.
    """
    frames = []
    for key, rows in outcomes.groupby(["target", "site_id", "unit_id"]):
        target, site_id, unit_id = map(str, key)
        site = settings.site(site_id)
        series = rows.set_index("valid_at")["value"].sort_index()
        hours = pd.date_range(series.index[0], series.index[-1], freq="h", unit="us")
        values = series.reindex(hours).to_numpy(dtype=float)
        for period in periods:
            blocks = whole_blocks(hours, site, period, settings.shifts)
            total = blocks.sums(values)
            value = total if target == Target.ED_ARRIVALS else total / blocks.hours
            told = pd.DataFrame({"valid_at": blocks.valid_at, "value": value})
            frames.append(told.assign(target=target, site_id=site_id, unit_id=unit_id, period=period))
    if not frames:
        return outcomes.iloc[:0].assign(period="")[COLUMNS]
    return pd.concat(frames, ignore_index=True)[COLUMNS]
