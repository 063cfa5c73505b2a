"""Names that nobody configured: told where they are a place's, withheld where they could be a person's."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd

FEWEST_ROWS = 10
"""A name that fewer rows of an answer bear may be anything that a row was given in the wrong column."""
WITHHELD = "withheld"
"""What stands for such a name where a row goes on."""


def unplaced(names: pd.Series, places: Collection[str]) -> pd.Series:
    """Which rows bear a name that is no known place's and that hardly any other row bears."""
    bearers = names.map(names.value_counts())
    return names.notna() & ~names.isin(list(places)) & bearers.lt(FEWEST_ROWS)
