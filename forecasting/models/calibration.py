"""Calibration: quantiles moved to where past outcomes say they should have been.

Half-life and trust were chosen on Iowa's origins from 2015-04-06 and 2016-04-04 (:mod:`benchmarks.iowa`), so
that a forecast which holds what it says already loses nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

import numpy as np
import pandas as pd

from forecasting.models.feedback import followed, moved, spreads
from forecasting.models.quantile_table import LEAD_BUCKETS, hours_wide, lead_bucket, outcomes
from forecasting.schema import Target

HALF_LIFE_DAYS = 182.0
CHANCE = 2.0
"""Squared standard errors of a miss that count as chance."""
HOURS_PER_DAY, DAYS_PER_WEEK = 24, 7
TIMES = ("issued_at", "valid_at")
WITHIN_A_COUNT = np.array([-1 / 3, 0.0, 1 / 3])
FEWEST_DAYS = 56
"""Fewer teach too little of one series."""

Key = tuple[str, str]


@dataclass(frozen=True)
class Calibration:
    """By series and lead bucket, how far each quantile moves, in spreads of the forecast it corrects.

    Conformalised quantile regression (Romano, Patterson and Candès 2019), one-sided for each level, with
    newer outcomes weighing more (Barber, Candès, Ramdas and Tibshirani 2023, Conformal prediction beyond
    exchangeability) so that it follows what changes, as adaptive conformal inference does. A census keeps
    its misses for weeks, so that what some weeks teach makes the next ones worse (seen on simulated
    hospitals, seeds 101 and 102): it is not moved so, it only follows what it missed, slowly.
    """

    levels: tuple[float, ...]
    moves: dict[Key, np.ndarray]
    """By (site_id, unit_id), (buckets, levels); buckets of :mod:`~.quantile_table`."""
    follows: dict[Key, np.ndarray] = field(default_factory=dict)
    """By (site_id, unit_id), how far each quantile follows what was missed of late (levels,), in spreads; of
    a census alone, see :mod:`~.feedback`."""

    @classmethod
    def learn(
        cls, past: pd.DataFrame, panel: pd.DataFrame, issued_at: datetime, levels: tuple[float, ...]
    ) -> Self:
        """The corrections that past forecasts would have needed, drawn to none where they are few.

        Args:
            past: one model's rows of :data:`forecasting.schema.FORECAST`, issued at past times; hours from
                ``issued_at`` on are not looked at.
            panel: what came.
            issued_at: the present.
            levels: the quantile levels.
        """
        wide = hours_wide(past[past["issued_at"] < issued_at])
        if wide.empty:
            return cls(levels, {})
        came = outcomes(panel, wide.index, issued_at)
        wide, came = wide[~np.isnan(came)], came[~np.isnan(came)]
        if wide.empty:
            return cls(levels, {})
        if past["target"].iloc[0] == Target.BED_CENSUS:
            return cls(levels, {}, _follows(wide.reindex(columns=levels), came, issued_at))
        hours = wide.index
        said = wide.reindex(columns=levels).to_numpy()
        error = (came[:, None] - said) / spreads(said)[:, None]
        step = 1 / spreads(said)
        valid_at = pd.DatetimeIndex(hours.get_level_values("valid_at"))
        age = (pd.Timestamp(issued_at) - valid_at) / pd.Timedelta(days=1)
        weight = 0.5 ** (age.to_numpy() / HALF_LIFE_DAYS)
        bucket = lead_bucket(hours)
        day = ((valid_at - pd.Timestamp(0, tz="UTC")) // pd.Timedelta(days=1)).to_numpy()
        moves: dict[Key, np.ndarray] = {}
        places = pd.Series(np.arange(len(hours))).groupby(
            [hours.get_level_values("site_id"), hours.get_level_values("unit_id")]
        )
        for (site_id, unit_id), rows in places:
            mine = rows.to_numpy()
            moves[str(site_id), str(unit_id)] = np.stack(
                [
                    _moves(error[at], step[at], weight[at], day[at], np.asarray(levels))
                    for at in (mine[bucket[mine] == one] for one in range(LEAD_BUCKETS))
                ]
            )
        return cls(levels, moves)

    def correct(self, wide: pd.DataFrame) -> pd.DataFrame:
        """The forecast of :func:`forecasting.models.quantile_table.hours_wide`, corrected and in order.

        A series of which nothing was learnt stays as it is.
        """
        if wide.empty:
            return wide
        said = wide.reindex(columns=self.levels).to_numpy()
        bucket = lead_bucket(wide.index)
        none, still = np.zeros((LEAD_BUCKETS, len(self.levels))), np.zeros(len(self.levels))
        keys = [
            (str(site), str(unit))
            for site, unit in zip(
                wide.index.get_level_values("site_id"), wide.index.get_level_values("unit_id"), strict=True
            )
        ]
        move = np.stack([self.moves.get(key, none)[one] for key, one in zip(keys, bucket, strict=True)])
        corrected = np.sort(np.maximum(said + move * spreads(said)[:, None], 0.0), axis=1)
        if self.follows:
            follow = np.stack([self.follows.get(key, still) for key in keys])
            corrected = moved(corrected, follow, self.levels)
        return pd.DataFrame(corrected, wide.index, pd.Index(self.levels))


def _follows(wide: pd.DataFrame, came: np.ndarray, issued_at: datetime) -> dict[Key, np.ndarray]:
    """By series, how far its quantiles are to follow what past ones missed (levels,).

    Args:
        wide: past forecasts, their columns the levels.
        came: what came in each of their hours (n,).
        issued_at: the present.
    """
    said, levels = wide.to_numpy(), tuple(float(level) for level in wide.columns)
    issued, valid = (_hours_since_1970(wide.index.get_level_values(name)) for name in TIMES)
    now = int(_hours_since_1970(pd.DatetimeIndex([issued_at]))[0])
    follows: dict[Key, np.ndarray] = {}
    places = pd.Series(np.arange(len(wide))).groupby(
        [wide.index.get_level_values("site_id"), wide.index.get_level_values("unit_id")]
    )
    for (site_id, unit_id), rows in places:
        at = rows.to_numpy()
        if len(np.unique(valid[at] // HOURS_PER_DAY)) >= FEWEST_DAYS:
            follows[str(site_id), str(unit_id)] = followed(
                said[at], came[at], issued[at], valid[at], now, levels
            )
    return follows


def _hours_since_1970(times: pd.Index) -> np.ndarray:
    """Whole hours (n,)."""
    return np.asarray((pd.DatetimeIndex(times) - pd.Timestamp(0, tz="UTC")) // pd.Timedelta(hours=1))


def _moves(
    error: np.ndarray, step: np.ndarray, weight: np.ndarray, day: np.ndarray, levels: np.ndarray
) -> np.ndarray:
    """What to add to each quantile, in spreads (levels,).

    Args:
        error: outcome less quantile, in spreads (n, levels).
        step: a whole count in spreads (n,); an outcome stands for all that lies within its count.
        weight: of each outcome (n,).
        day: number of the day of each outcome (n,).
        levels: quantile levels.
    """
    if len(np.unique(day)) < FEWEST_DAYS:
        return np.zeros(len(levels))
    points = (error[:, None, :] + (step[:, None] * WITHIN_A_COUNT)[:, :, None]).reshape(-1, len(levels))
    weights = np.repeat(weight, len(WITHIN_A_COUNT))
    needed = np.array(
        [_weighted_quantile(points[:, one], weights, level) for one, level in enumerate(levels)]
    )
    below = (points < 0).reshape(len(error), -1, len(levels)).mean(axis=1)
    return np.asarray(needed * _trust(below - levels, weight, day))


def _trust(miss: np.ndarray, weight: np.ndarray, day: np.ndarray) -> np.ndarray:
    """How much of a correction to make, 0..1 (levels,): none where chance explains the misses.

    The positive part of the shrinkage 1 - c / z^2 of James and Stein (1961). The misses of one day move
    together, and those of one week: z is the lesser of what days and weeks allow.

    Args:
        miss: share of each outcome below its quantile, less the level (n, levels).
        weight: of each outcome (n,).
        day: its day (n,).
    """
    mean = weight @ miss / weight.sum()
    weighted = weight[:, None] * (miss - mean) / weight.sum()
    week = (day.max() - day) // DAYS_PER_WEEK
    error = np.maximum(_summed(weighted, day - day.min()), _summed(weighted, week))
    return np.asarray(np.clip(1 - CHANCE * error / np.maximum(mean**2, np.finfo(float).tiny), 0.0, 1.0))


def _summed(parts: np.ndarray, cluster: np.ndarray) -> np.ndarray:
    """Squared error of a mean whose parts (n, levels) move together within a cluster (n,); (levels,)."""
    sums = np.stack([np.bincount(cluster, weights=level) for level in parts.T])
    return np.asarray((sums**2).sum(axis=1))


def _weighted_quantile(values: np.ndarray, weights: np.ndarray, level: float) -> float:
    order = np.argsort(values)
    share = np.cumsum(weights[order]) / weights.sum()
    place = min(int(np.searchsorted(share, level)), len(values) - 1)
    return float(values[order][place])
