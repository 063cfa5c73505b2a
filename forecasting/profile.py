"""The shapes of a hospital's reporting database, and what each can tell."""

from __future__ import annotations

from enum import StrEnum


class Profile(StrEnum):
    """A folder of ``sql/extract``: which tables a source has, whatever it calls them."""

    ADT = "adt"
    """Visits and bed stays, counted by the database."""
    HOURLY = "hourly"
    """Hours that the hospital has counted itself."""
    OMOP = "omop"
    """Visits and their details of the OMOP common data model, counted as those of ``adt`` are."""
    MIMIC_IV_ED = "mimic_iv_ed"
    """Stays in an emergency department as MIMIC-IV-ED has them; no wards."""

    @property
    def counts_events(self) -> bool:
        """Whether the database counts visits and stays; their questions are those of ``adt``."""
        return self is not Profile.HOURLY

    @property
    def has_flows(self) -> bool:
        """Whether it knows stays from beginning to end, and with them how patients flow through units."""
        return self.counts_events

    @property
    def has_wards(self) -> bool:
        """Whether it tells of any unit but the emergency department."""
        return self is not Profile.MIMIC_IV_ED

    @property
    def has_ed_stays(self) -> bool:
        """Whether it knows an ED's visits from arrival to departure, and so the load of its arrivals."""
        return self is Profile.ADT

    @property
    def feeds(self) -> tuple[str, ...]:
        """The tables whose rows become hours."""
        return _FEEDS[self]

    def feed(self, *, of_ed: bool, of_arrivals: bool) -> str:
        """The table that the hours of a series come from.

        Args:
            of_ed: whether it is a series of the emergency department.
            of_arrivals: of arrivals, else of the census.
        """
        first = of_ed if self.counts_events else of_arrivals
        return self.feeds[0] if first else self.feeds[-1]


_FEEDS = {
    Profile.ADT: ("ed_visit", "bed_stay"),
    Profile.HOURLY: ("ed_arrivals_hourly", "bed_census_hourly"),
    Profile.OMOP: ("visit_occurrence", "visit_detail"),
    Profile.MIMIC_IV_ED: ("edstays",),
}
