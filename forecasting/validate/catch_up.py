"""Arrivals of an outage, stamped on the hour in which the source came back. Pure functions."""

from __future__ import annotations

import numpy as np
import pandas as pd

from forecasting.schema import Target
from forecasting.validate.facts import DISPERSION

STANDING_OUT = 5.0
"""Standard deviations above the usual; by chance, once in three million hours."""
LEAST_SHARE = 1 / 3
"""Of what was to be expected in the outage, so much at least must have come too much."""


def catch_ups(known: pd.Series) -> pd.DataFrame:
    """The hours that hold what came while the source was silent just before.

    The usual of an hour is the mean of its hour of the week in the other weeks.

    Args:
        known: one series of arrivals by hour (UTC); hours may lack, or have no value.

    Returns:
        ``valid_at, value``; ``silent_hours`` before it; ``expected``, what is usual in those and in itself.
    """
    grid = _gapless(known)
    usual = _usual(grid)
    silent = grid.isna()
    run = silent.ne(silent.shift()).cumsum()
    outages = pd.DataFrame({"run": run, "usual": usual})[silent].groupby("run")["usual"].agg(["size", "sum"])
    before = outages.reindex(run.shift().array).set_axis(grid.index)
    excess = grid - usual
    spread = np.sqrt(DISPERSION[Target.ED_ARRIVALS] * usual.clip(lower=1))
    found = (
        before["size"].notna()
        & grid.notna()
        & (excess > STANDING_OUT * spread)
        & (excess > LEAST_SHARE * before["sum"])
    )
    return pd.DataFrame(
        {
            "valid_at": grid.index[found],
            "silent_hours": before.loc[found, "size"].astype(int).array,
            "expected": (before["sum"] + usual)[found].array,
            "value": grid[found].array,
        }
    )


def spread_out(known: pd.Series, found: pd.DataFrame) -> pd.Series:
    """Each catch-up given back to its outage as is usual there: whole patients, their number kept.

    What remains of rounding down goes to the hours of the largest fractions (Hamilton's method).

    Args:
        known: the series in which they were found.
        found: see :func:`catch_ups`.

    Returns:
        The hours of the outages and the catch-ups alone, with their shares.
    """
    grid = _gapless(known)
    usual = _usual(grid)
    parts = [grid.iloc[:0]]
    for at, silent, value in found[["valid_at", "silent_hours", "value"]].itertuples(index=False, name=None):
        hours = pd.date_range(end=at, periods=silent + 1, freq="h", unit="us")
        weights = usual.reindex(hours).to_numpy(float)
        parts.append(pd.Series(_in_whole(weights, value), index=hours))
    shares: pd.Series = pd.concat(parts)
    return shares


def _in_whole(weights: np.ndarray, total: float) -> np.ndarray:
    """A whole number of patients in proportion to weights; to all alike where these are zero."""
    share = weights / weights.sum() if weights.sum() > 0 else np.full(len(weights), 1 / len(weights))
    exact = share * total
    whole = np.floor(exact)
    left = round(total - whole.sum())
    whole[np.argsort(whole - exact, kind="stable")[:left]] += 1
    return whole


def _gapless(known: pd.Series) -> pd.Series:
    hours = pd.date_range(known.index.min(), known.index.max(), freq="h", unit="us") if len(known) else None
    return known.sort_index() if hours is None else known.reindex(hours)


def _usual(grid: pd.Series) -> pd.Series:
    index = pd.DatetimeIndex(grid.index)
    weeks = grid.groupby(np.asarray(index.dayofweek * 24 + index.hour))
    others = weeks.transform("count") - grid.notna()
    usual = (weeks.transform("sum") - grid.fillna(0)) / others.where(others > 0)
    return pd.Series(usual.fillna(grid.mean()), index=index)
