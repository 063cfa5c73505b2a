"""What was made of a file of a feed, and what was not."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import pandas as pd

from forecasting.load.event import AdtEvent
from forecasting.load.segment import Way


@dataclass
class Told:
    """How many of a feed's items were read, and how many were left out, by the reason."""

    read: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)

    def add(self, other: Told) -> None:
        """Add another file's counts to these."""
        self.read.update(other.read)
        self.left_out.update(other.left_out)


@dataclass
class Feed:
    """What some files hold: events still to be put together, whole visits, rows, visits to remove."""

    events: list[AdtEvent] = field(default_factory=list)
    ways: list[Way] = field(default_factory=list)
    withdrawn: set[tuple[str, str]] = field(default_factory=set)
    """Site and visit of what the feed says should never have been there."""
    tables: list[tuple[str, pd.DataFrame]] = field(default_factory=list)
    told: Told = field(default_factory=Told)
