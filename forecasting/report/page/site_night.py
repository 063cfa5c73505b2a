"""What a site's page is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property

import pandas as pd

from forecasting.blocks import HOUR
from forecasting.config import Settings, Site
from forecasting.wording import in_order, post_name, role_title


@dataclass(frozen=True, kw_only=True)
class SiteNight:
    """A site's night as it stands published, and what is known of how it came about.

    Columns of the recommendations beyond STAFFING_RECOMMENDATION's are told where the page knows them.
    """

    settings: Settings
    site: Site
    night: date
    issued_at: datetime
    recommendations: pd.DataFrame
    """STAFFING_RECOMMENDATION rows of the site's night; one or more."""
    night_before: pd.DataFrame
    """Those of the night before; none where it has none."""
    forecast: pd.DataFrame
    """FORECAST rows of the site's night."""
    history: pd.DataFrame
    """OBSERVATION rows of the site's last days, as known at the issue time."""
    quarantined: pd.DataFrame
    """QUARANTINED_ROW rows of the site's night."""
    warning: str
    """What validation asks to look at, in sentences; "" where there is nothing."""
    instruments: Mapping[str, tuple[str, str]]
    """By ``rule_id`` of each published rule, the instrument's name and address."""

    @cached_property
    def day(self) -> date:
        """The local date that the page tells first: tomorrow, or the first that is planned."""
        dates = self.recommendations["shift_date"]
        tomorrow = self.night + timedelta(days=1)
        return tomorrow if (dates == tomorrow).any() else dates.min()

    @cached_property
    def plan(self) -> pd.DataFrame:
        """The recommendations of that date, by start of shift, then in the configuration's order."""
        return self.in_order(self.recommendations[self.recommendations["shift_date"] == self.day])

    @cached_property
    def fans(self) -> pd.DataFrame:
        """The hourly forecasts: a row by unit, target and hour, a column a quantile level."""
        hourly = self.forecast[self.forecast["period"] == HOUR]
        return hourly.set_index(["unit_id", "target", "valid_at", "quantile"])["value"].unstack()  # noqa: PD010

    @cached_property
    def counts(self) -> pd.Series[float]:
        """What was counted by unit, target and hour."""
        return self.history.set_index(["unit_id", "target", "valid_at"])["value"].astype(float)

    def in_order(self, heads: pd.DataFrame) -> pd.DataFrame:
        """The rows by start of shift, then unit and role in the configuration's order."""
        return in_order(heads, self.settings, self.site)

    def unit_name(self, unit_id: str) -> str:
        """What the unit or float pool is called; its id where it is not configured any more."""
        return post_name(unit_id, self.site)

    def role_title(self, role_id: str) -> str:
        """What the role is called; its id where it is not configured any more."""
        return role_title(role_id, self.settings)
