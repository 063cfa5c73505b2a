"""Forecasts of shifts and days, from sample paths."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from forecasting.blocks import Blocks, whole_blocks
from forecasting.config import Settings
from forecasting.models.paths import Paths
from forecasting.schema import FORECAST, Target


def period_forecast(paths: Paths, settings: Settings, periods: Sequence[str]) -> pd.DataFrame:
    """What each whole block of the periods sums to, or averages: arrivals are summed, census averaged.

    Args:
        paths: of one target.
        settings: gives each site's zone, the shifts that the blocks follow, and the quantile levels.
        periods: of :data:`forecasting.blocks.BLOCK_HOURS`.

    Returns:
        Rows of :data:`forecasting.schema.FORECAST` with that period; valid_at is the block's first hour.

    Raises:
        ConfigError: a site is not configured.
        ValueError: a period has no blocks.
    """
    target = Target(paths.forecast["target"].iloc[0])
    frames = [FORECAST.empty()]
    for period in periods:
        for here, blocks in _sites(paths, settings, period):
            value = blocks.sums(paths.counts[:, here])
            if target is Target.BED_CENSUS:
                value = value / blocks.hours
            frames.append(_told(paths, here, blocks, value, settings).assign(period=period))
    return FORECAST.conform(pd.concat(frames, ignore_index=True))


def _sites(paths: Paths, settings: Settings, period: str) -> Iterator[tuple[np.ndarray, Blocks]]:
    """Which series are of each site, and the blocks on its clock, where there is a whole one."""
    for site_id in paths.forecast["site_id"].unique():
        blocks = whole_blocks(paths.valid_at, settings.site(site_id), period, settings.shifts)
        if len(blocks.valid_at):
            yield np.flatnonzero(paths.forecast["site_id"] == site_id), blocks


def _told(
    paths: Paths, here: np.ndarray, blocks: Blocks, value: np.ndarray, settings: Settings
) -> pd.DataFrame:
    """Quantiles of the blocks' values (paths, series, blocks) as rows."""
    levels = settings.horizon.quantile_levels
    quantiles = np.quantile(value, levels, axis=0, method="inverted_cdf")
    count = len(blocks.valid_at) * len(levels)
    about = paths.forecast.iloc[here]
    rows = about.loc[about.index.repeat(count)].reset_index(drop=True)
    return rows.assign(
        valid_at=blocks.valid_at.repeat(len(levels))[np.tile(np.arange(count), len(here))],
        quantile=np.tile(levels, len(here) * len(blocks.valid_at)),
        value=np.moveaxis(quantiles, 0, -1).ravel(),
    )
