"""Whether some sites, or kinds of units, are forecast worse than the others, by more than noise."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from forecasting.evaluate.bootstrap import Resampling
from forecasting.evaluate.by_day import ratios, sums_by_day

FIGURES: Mapping[str, tuple[str, str]] = {
    "coverage_80": ("pit_80", "pit_hours"),
    "relative_loss": ("pinball", "climatology_pinball"),
    "relative_bias": ("bias", "outcome"),
}
"""What is held against the others', as one sum over another: the share of outcomes in the 80 % interval, the
loss over climatology's, and the error of the median over the patients."""
COLUMNS = ["group", "figure", "value", "others", "difference", "low", "high", "differs"]


def disparity(table: pd.DataFrame, group: str, resampling: Resampling) -> pd.DataFrame:
    """Each group's figures beside those of all the other groups together, on the same days.

    The more groups and figures are looked at, the wider is each interval, so that one of them all differs by
    chance as seldom as the level says (Bonferroni).

    Args:
        table: of one target: the group, ``day``, and the columns of :data:`FIGURES`.
        group: name of the column that tells groups.
        resampling: level of all intervals together, draws and seed.

    Returns:
        group, figure, value, others, difference (value - others), low, high, and differs, whether the
        interval leaves 0 out; no rows where there is but one group.
    """
    columns = sorted({name for pair in FIGURES.values() for name in pair})
    index, _, sums = sums_by_day(table, [group], columns)
    if len(index) < 2:
        return pd.DataFrame(columns=COLUMNS)
    looks = len(index) * len(FIGURES)
    how = Resampling(1 - (1 - resampling.level) / looks, resampling.draws, resampling.seed)
    found = []
    for name, (over, under) in FIGURES.items():
        mine = ratios(sums[over], sums[under], how)
        rest = {each: sums[each].sum(axis=1, keepdims=True) - sums[each] for each in (over, under)}
        others = ratios(rest[over], rest[under], how)
        apart = mine.minus(others)
        low, high = apart.interval()
        told = {
            "group": index[group].astype(str),
            "figure": name,
            "value": mine.value,
            "others": others.value,
            "difference": apart.value,
            "low": low,
            "high": high,
            "differs": np.asarray((low > 0) | (high < 0)),
        }
        found.append(pd.DataFrame(told))
    return pd.concat(found, ignore_index=True)[COLUMNS]
