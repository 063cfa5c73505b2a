"""The hospital's reporting database: its shape, and how much of it is read."""

from __future__ import annotations

from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from forecasting.config.fields import Days, Identifier, LookbackDays, Positive, SourceName, TimeZoneName
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
    measures: dict[Literal["ed_arrivals", "bed_census"], SourceName] = {}
    """What ``hourly_count.measure`` says where a row counts that target; its own name if left out."""

    def zone(self, site: Site) -> ZoneInfo:
        """The zone of the times that the source stores without an offset."""
        return site.zone if self.time_zone == "site" else ZoneInfo(self.time_zone)


class Events(Table):
    """What the times of a source mean whose visits and stays are counted."""

    time_zone: Literal["site"] | TimeZoneName = "UTC"
    """Whose clock tells times that are stored without an offset: ``site``, each site's own; or a zone's."""

    def zone(self, site: Site) -> ZoneInfo:
        """The zone of the times that the source stores without an offset."""
        return site.zone if self.time_zone == "site" else ZoneInfo(self.time_zone)


Concepts = Annotated[tuple[Annotated[int, Field(ge=0, lt=2**63)], ...], Field(max_length=100)]


class Omop(Table):
    """Which rows of an OMOP source are whose."""

    ed_visit_concepts: Concepts = (9203,)
    """``visit_concept_id`` of visits that begin and end in the emergency department."""
    ed_admission_concepts: Concepts = (262,)
    """Of visits that begin there and go on as a stay in the hospital."""
    site: Literal["one", "location"] = "one"
    """What tells a row's site: nothing, all are of one; or ``location_id`` of its care site."""


class Source(Table):
    """The shape of the hospital's reporting database and how much of it a night reads."""

    profile: Profile = Profile.ADT
    history_days: Annotated[Days, Field(ge=21)] = 730
    lookback_days: LookbackDays = 3
    """How far later nights re-read, to take up late and changed rows; a site may have its own."""
    stale_after_hours: Annotated[Positive, Field(le=24 * 366)] = 24
    catch_up: Literal["missing", "spread"] = "missing"
    """The arrivals of an outage, stamped on the hour after it: left out, or given back to its hours."""
    timeout_seconds: Annotated[Positive, Field(le=24 * 3600)] = 900
    """How long PostgreSQL may take to answer one question."""
    tables: dict[Identifier, SourceName] = {}
    columns: dict[Identifier, dict[Identifier, SourceName]] = {}
    hourly: Hourly = Hourly()
    events: Events = Events()
    omop: Omop = Omop()

    @property
    def tells_sites_apart(self) -> bool:
        """Whether a row of it is of one of several sites."""
        return self.profile is not Profile.MIMIC_IV_ED and (
            self.profile is not Profile.OMOP or self.omop.site != "one"
        )
