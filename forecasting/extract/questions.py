"""The profile's queries, asked of one site."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import cached_property
from types import MappingProxyType

import pandas as pd
import sqlalchemy as sa

from forecasting.config import LONGEST_WARD_STAY_HOURS, Site, Source
from forecasting.extract.clock import UTC_CLOCK, SourceClock
from forecasting.extract.contract import SourceTable, resolve
from forecasting.extract.errors import SourceContractBroken
from forecasting.extract.local_time import in_utc
from forecasting.extract.queries import NO_LISTS, Lists, Row, bound_time, query

TIMES = [
    "valid_at",
    "issued_at",
    "source_time",
    "shift_start",
    "shift_end",
    "first_arrival",
    "last_arrival",
]
NUMBERS = [
    "value",
    "temperature",
    "events",
    "lowest",
    "highest",
    "staffed_beds",
    "source_rows",
    "stated",
    "numbers",
]


class Questions:
    """The queries of one site and window, on one connection.

    They are asked of the profile's tables, or of others that are given beside it.

    Raises:
        SourceContractBroken: the source has not the shape of its profile.
    """

    def __init__(
        self,
        connection: sa.Connection,
        source: Source,
        site: Site,
        since: datetime,
        issued_at: datetime,
        beside: Mapping[str, SourceTable] | None = None,
    ) -> None:
        self.connection = connection
        self.source = source
        self.profile = source.profile
        self.site = site
        self.since = since
        self.issued_at = issued_at
        self.tables = resolve(connection, source) if beside is None else beside
        if beside is None and self.profile.counts_events:
            dialect = connection.dialect.name
            self.tables = in_utc(self.tables, self.clock, since, issued_at, dialect)

    @cached_property
    def clock(self) -> SourceClock:
        """Whose time the source's events without an offset are told in; those of hours tell their own."""
        return SourceClock(self.source.events.zone(self.site)) if self.profile.counts_events else UTC_CLOCK

    def ask(
        self,
        name: str,
        since: datetime | None = None,
        until: datetime | None = None,
        hours: Mapping[str, int] = MappingProxyType({}),
        lists: Lists = NO_LISTS,
    ) -> pd.DataFrame:
        """The answer to ``<name>.sql``, its times in UTC; over another window where one is given.

        Sites and units are asked for by the source's names for them, and answered by ours.

        ``hours`` are whole numbers that the query names besides, ``lists`` tables that are given with it.
        Where it answers by numbers of hours, ``valid_at`` stands for them.
        """
        dialect = self.connection.dialect.name
        omop = self.source.omop
        concepts = {
            "ed_visit_concept": [(concept,) for concept in omop.ed_visit_concepts],
            "ed_admission_concept": [(concept,) for concept in omop.ed_admission_concepts],
        }
        limits = {"stay_limit": stay_limits(self.site)}
        clause = query(self.profile, name, self.tables, dialect, {**concepts, **limits, **lists})
        values = {
            "site_id": self.site.source_id or self.site.site_id,
            "ed_unit_id": (self.site.ed.source_id or self.site.ed.unit_id) if self.site.ed else "",
            "since": bound_time(since or self.since, dialect),
            "until": bound_time(until or self.issued_at, dialect),
            "since_hour": hour_number(since or self.since),
            "until_hour": hour_number(until or self.issued_at),
            "longest_hours": LONGEST_WARD_STAY_HOURS,
            "last_hour": bound_time(self.issued_at - timedelta(hours=1), dialect),
            "one_site": int(omop.site == "one"),
            **hours,
        }
        used = {key: value for key, value in values.items() if key in clause.compile().params}
        result = self.connection.execute(clause, used)
        frame = pd.DataFrame(result.all(), columns=list(result.keys()))
        if "hour_number" in frame:
            seconds = frame.pop("hour_number").astype("int64") * 3600
            frame["valid_at"] = pd.to_datetime(seconds, unit="s", utc=True)
        for column in frame.columns.intersection(TIMES):
            frame[column] = _times(frame[column], name)
        if "unit_id" in frame:
            frame["unit_id"] = _our_units(frame["unit_id"], self.site)
        # PostgreSQL gives the sum of whole numbers as a Decimal.
        return frame.astype(dict.fromkeys(frame.columns.intersection(NUMBERS), float))


def hour_number(time: datetime) -> int:
    """Whole hours since 1970-01-01 00:00 UTC, as queries number them."""
    return int(time.timestamp()) // 3600


def stay_limits(site: Site) -> list[Row]:
    """For how many hours each unit's stays are counted at most, by the source's name for it."""
    return [(unit.source_id or unit.unit_id, unit.counted_hours) for unit in site.units]


def _our_units(units: pd.Series, site: Site) -> pd.Series:
    """Each unit by its ``unit_id``; one that only has another's name in the source is not that one."""
    ours = {unit.source_id or unit.unit_id: unit.unit_id for unit in site.units}
    taken = set(ours.values())

    def named(theirs: object) -> str:
        name = str(theirs)
        return ours.get(name, f"{name} in the source" if name in taken else name)

    return units.map({theirs: named(theirs) for theirs in units.dropna().unique()})


def _times(column: pd.Series, name: str) -> pd.Series:
    parse: Callable[..., pd.Series] = pd.to_datetime
    try:
        return parse(column, utc=True, format="ISO8601")
    except ValueError:
        # What stands there instead may be a patient's.
        raise SourceContractBroken(
            f"a time read by {name}.sql is not one; SQLite holds UTC as 'YYYY-MM-DD HH:MM:SS': find the rows "
            "with other text, or map a view without them"
        ) from None
