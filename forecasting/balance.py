"""An emergency department's census against its arrivals: it rises by those who come. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

HOUR = pd.Timedelta(hours=1)
FEWEST_RISES = 100
"""With fewer, a share of them says little."""
ALLOWED_SHARE = 0.05
"""Patients who come otherwise, or whose arrival is written down late, make up for less."""


@dataclass(frozen=True)
class Balance:
    """In how many hours a census rose, and in how many of them by more patients than arrived."""

    rises: int
    unexplained: int
    most: float
    """By how many patients more than arrived it rose in the worst of them."""
    worst: pd.Timestamp | None

    @property
    def share(self) -> float:
        """Of the rises those that the arrivals don't explain; 0 where there are too few to tell."""
        return self.unexplained / self.rises if self.rises >= FEWEST_RISES else 0.0

    @property
    def says(self) -> str:
        """What is wrong, for a data engineer."""
        return (
            f"The emergency department's census rose in {self.rises} hours, in {self.unexplained} of them "
            f"({self.share:.0%}) by more patients than had arrived, by up to {self.most:.0f} more "
            f"({self.worst:%Y-%m-%d %H:%M} UTC): do arrivals and census count the same patients, by the same "
            "clock, and is an hour's time its start in both?"
        )


def balance_of(arrivals: pd.Series, census: pd.Series) -> Balance:
    """How an emergency department's census rose from one hour's start to the next, and who came meanwhile.

    Args:
        arrivals: patients who came in each hour, by its start.
        census: patients who were there at each hour's start; of both, missing hours say nothing.
    """
    rise = census.set_axis(pd.DatetimeIndex(census.index) - HOUR).sub(census).dropna()
    came = arrivals.dropna()
    rise = rise[rise.gt(0) & rise.index.isin(came.index)]
    more = rise - came.reindex(rise.index)
    more = more[more > 0]
    worst = pd.Timestamp(more.index[int(more.to_numpy().argmax())]) if len(more) else None
    return Balance(len(rise), len(more), float(more.max()) if len(more) else 0.0, worst)
