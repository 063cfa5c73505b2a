"""The hospital's reporting database: its shape, and how much of it is read."""

from __future__ import annotations

from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from forecasting.config.fields import Identifier, Positive, SourceName, TimeZoneName
from forecasting.config.site import Site
from forecasting.config.table import Table
from forecasting.profile import Profile


class Hourly(Table):
    """What the times and rows of a source of profile ``hourly`` mean."""

    time_zone: Literal["site"] | TimeZoneName = "UTC"
    """Whose clock tells times that are stored without an offset: ``site``, each site's own; or a zone's."""
    arrivals_hour: Literal["start", "end"] = "start"
    """What of the hour in which arrivals were counted its row's time is."""
    census_hour: Literal["start", "end"] = "start"
    """When patients were counted: at the row's time, or at the end of the hour that begins then."""
    absent_is_zero: tuple[Literal["ed_arrivals", "bed_census"], ...] = ()
    """Targets of which no row means nobody; else it means that nothing is known."""
    measures: dict[Literal["ed_arrivals", "bed_census"], Annotated[str, Field(min_length=1)]] = {}
    """What ``hourly_count.measure`` says where a row counts that target; its own name if left out."""

    def zone(self, site: Site) -> ZoneInfo:
        """The zone of the times that the source stores without an offset."""
        return site.zone if self.time_zone == "site" else ZoneInfo(self.time_zone)


class Source(Table):
    """The shape of the hospital's reporting database and how much of it a night reads."""

    profile: Profile = Profile.ADT
    history_days: Annotated[int, Field(ge=21)] = 730
    lookback_days: Annotated[int, Field(ge=0, le=60)] = 3
    stale_after_hours: Positive = 24
    timeout_seconds: Positive = 900
    """How long PostgreSQL may take to answer one question."""
    tables: dict[Identifier, SourceName] = {}
    columns: dict[Identifier, dict[Identifier, SourceName]] = {}
    hourly: Hourly = Hourly()
