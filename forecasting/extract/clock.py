"""A source's clock: what its times without an offset say, and which hours it names twice or never."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pandas as pd


@dataclass(frozen=True)
class SourceClock:
    """Times as a zone's clocks show them; a zone without clock changes names every hour once."""

    zone: ZoneInfo

    def label(self, moment: datetime) -> datetime:
        """What the clock shows at an aware moment, without an offset."""
        return moment.astimezone(self.zone).replace(tzinfo=None)

    def moments(self, labels: pd.Series) -> pd.DataFrame:
        """The moments at which the clock shows each label.

        Args:
            labels: times without an offset.

        Returns:
            ``first`` and ``second``, UTC, with the labels' index: equal but for an hour that the clock shows
            twice, and missing where it never does.
        """
        return pd.DataFrame(
            {
                name: labels.dt.tz_localize(
                    self.zone, ambiguous=[summer] * len(labels), nonexistent="NaT"
                ).dt.tz_convert(UTC)
                for name, summer in (("first", True), ("second", False))
            }
        )

    def nearest(self, labels: pd.Series) -> pd.Series:
        """The first moment at which the clock shows each label, or the next one after it, UTC."""
        summer = [True] * len(labels)
        local = labels.dt.tz_localize(self.zone, ambiguous=summer, nonexistent="shift_forward")
        moments: pd.Series = local.dt.tz_convert(UTC)
        return moments


UTC_CLOCK = SourceClock(ZoneInfo("UTC"))
