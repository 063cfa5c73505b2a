"""What was made of a file of a feed, and what was not."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import pandas as pd

from forecasting.load.event import AdtEvent, Renumbering
from forecasting.load.segment import Way


@dataclass
class Told:
    """How many of a feed's items were read, and how many were left out, by the reason."""

    read: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    first_at: dict[str, str] = field(default_factory=dict)
    """Where the first item stands that was left out, by the reason."""

    def leave_out(self, why: str, where: str, items: int = 1) -> None:
        """Count some items as left out; ``where`` the first of them stands."""
        self.left_out[why] += items
        self.first_at.setdefault(why, where)

    def add(self, other: Told) -> None:
        """Add another file's counts to these."""
        self.read.update(other.read)
        self.left_out.update(other.left_out)
        self.first_at = other.first_at | self.first_at


@dataclass
class Feed:
    """What some files hold: events still to be put together, whole visits, rows, visits to remove."""

    events: list[AdtEvent] = field(default_factory=list)
    renumberings: list[Renumbering] = field(default_factory=list)
    ways: list[Way] = field(default_factory=list)
    withdrawn: set[tuple[str, str]] = field(default_factory=set)
    """Site and visit of what the feed says should never have been there."""
    tables: list[tuple[str, pd.DataFrame]] = field(default_factory=list)
    told: Told = field(default_factory=Told)
