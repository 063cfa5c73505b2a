"""Heads who are rostered and don't come."""

from __future__ import annotations

from zlib import crc32

import numpy as np
import pandas as pd

POST = ["site_id", "unit_id", "role"]


def thinned(roster: pd.DataFrame, absence: float) -> pd.DataFrame:
    """A roster without a share of its heads, whole ones.

    Over all rows of a unit and role so many are missing as the share says, to within half a head. Which
    shifts miss them is drawn by lot, always alike for a roster of as many shifts.

    Args:
        roster: SCHEDULED_SHIFT rows.
        absence: the share, 0 to 1.
    """
    heads = roster["heads"].to_numpy(copy=True)
    for key, places in roster.groupby(POST, sort=False).indices.items():
        order = np.random.default_rng(crc32(repr(key).encode())).permutation(places)
        missing = np.floor(absence * np.cumsum(heads[order]) + 0.5)
        heads[order] -= np.diff(missing, prepend=0).astype(heads.dtype)
    return roster.assign(heads=heads)
