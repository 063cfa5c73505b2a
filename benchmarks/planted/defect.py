"""What a defect is, and the ways in which it is strewn over a year."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

Tables = dict[str, pd.DataFrame]
Change = Callable[[str, pd.DataFrame], pd.DataFrame]
"""From a table's name and its rows that are hit to those that take their place."""

RATES = (0.001, 0.01, 0.05)
EVERYWHERE = (1.0,)


class Planted(NamedTuple):
    """Tables with a defect in them."""

    tables: Tables
    rows: int
    """How many of the clean rows are hit."""


Plant = Callable[[Tables, float, np.random.Generator], Planted]


@dataclass(frozen=True)
class Defect:
    """What goes wrong, and at which rates: shares of rows, of hours, or of the year up to its end."""

    name: str
    plant: Plant
    rates: tuple[float, ...] = RATES
    is_news: bool = False
    """The hospital itself has changed: what comes is not what would have come, and no loss can be told."""


def of_rows(change: Change, tables: Sequence[str]) -> Plant:
    """Rows here and there."""

    def plant(whole: Tables, rate: float, random: np.random.Generator) -> Planted:
        chosen = {name: random.random(len(whole[name])) < rate for name in tables}
        return _changed(whole, chosen, change)

    return plant


def of_the_last(change: Change, tables: Sequence[str], times: dict[str, str]) -> Plant:
    """All rows of the end of the year: something has changed for good.

    Args:
        change: of those rows.
        tables: which.
        times: the column of each that says when a row is of.
    """

    def plant(whole: Tables, rate: float, random: np.random.Generator) -> Planted:
        begin = since(whole, times, rate)
        return _changed(
            whole, {name: whole[name][times[name]].ge(begin).to_numpy() for name in tables}, change
        )

    return plant


def since(whole: Tables, times: dict[str, str], rate: float) -> pd.Timestamp:
    """The hour from which on a share of the year is left."""
    ends = [whole[name][column].max() for name, column in times.items()]
    begins = [whole[name][column].min() for name, column in times.items()]
    return pd.Timestamp(max(ends) - rate * (max(ends) - min(begins))).floor("h")


def _changed(whole: Tables, chosen: dict[str, np.ndarray], change: Change) -> Planted:
    changed = dict(whole)
    for name, hit in chosen.items():
        rows = whole[name]
        changed[name] = pd.concat([rows[~hit], change(name, rows[hit])], ignore_index=True)
    return Planted(changed, int(sum(hit.sum() for hit in chosen.values())))
