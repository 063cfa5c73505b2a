"""A FHIR bulk export (NDJSON of Encounter, Location and Organization, R4): whole visits and their places."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from typing import Any

from pydantic import BaseModel, ValidationError

from forecasting.config import Site
from forecasting.load.feed import Feed
from forecasting.load.identity import Pseudonym
from forecasting.load.moments import RANGE, in_range
from forecasting.load.piece import Piece
from forecasting.load.places import Places, site_name
from forecasting.load.plain_text import plain, shown
from forecasting.load.segment import Segment, Way

INPATIENT = frozenset({"IMP", "ACUTE", "NONAC", "OBSENC", "SS"})
"""Encounter classes (HL7 v3 ActCode) whose patients take a bed."""
EMERGENCY = "EMER"
WITHDRAWN = frozenset({"cancelled", "entered-in-error"})
TO_COME = frozenset({"planned"})

Resource = Any
"""A validated one: the library's classes are made when they are first asked for."""


class _LeftOutError(Exception):
    """The line or the encounter tells nothing that can be counted; why."""


def read_fhir(lines: Iterable[Piece], places: Places, pseudonym: Pseudonym) -> Feed:
    """The visits that an export's lines tell of; encounters of other kinds are counted and left out.

    A location belongs to a unit if it, or one that it is part of, has its name, id or identifier.

    Args:
        lines: of all files of the export, in any order.
        places: sites by organization or location, units by location.
        pseudonym: names the visits; nothing of the subject is kept.
    """
    feed = Feed()
    resources = list(_resources(lines, feed))
    names = _Names([one for one, _ in resources if not _is_encounter(one)])
    for encounter, where in resources:
        if not _is_encounter(encounter):
            continue
        try:
            way = _way(encounter, names, places, pseudonym, feed)
        except _LeftOutError as why:
            feed.told.leave_out(str(why), where)
        else:
            if way is not None:
                feed.ways.append(way)
                feed.told.read["encounters"] += 1
    return feed


def _is_encounter(resource: Resource) -> bool:
    return bool(resource.get_resource_type() == "Encounter")


def _resources(lines: Iterable[Piece], feed: Feed) -> Iterator[tuple[Resource, str]]:
    """The resources of use, each with where it stands."""
    for line in lines:
        if not line.text.strip():
            continue
        try:
            yield _resource(line.text), line.where
        except _LeftOutError as why:
            feed.told.leave_out(str(why), line.where)


def _resource(line: str) -> Resource:
    try:
        told = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _LeftOutError("lines that are no JSON") from error
    kind = told.get("resourceType") if isinstance(told, dict) else None
    known = _models().get(str(kind))
    if known is None:
        raise _LeftOutError(f"resources of type {shown(str(kind))}: not of use")
    try:
        return known.model_validate(told)
    except ValidationError as error:
        at = ".".join(str(part) for part in error.errors(include_input=False)[0]["loc"])
        raise _LeftOutError(f"{kind} that is not as FHIR R4 has it, at {shown(at)}") from error
    except (ValueError, TypeError, RecursionError) as error:
        raise _LeftOutError(f"{kind} that is not as FHIR R4 has it") from error


def _models() -> dict[str, type[BaseModel]]:
    from fhir.resources.R4B.encounter import Encounter
    from fhir.resources.R4B.location import Location
    from fhir.resources.R4B.organization import Organization

    return {"Encounter": Encounter, "Location": Location, "Organization": Organization}


class _Names:
    """By what names a reference's target is known, itself before what it is part of."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self._by_reference: dict[str, Resource] = {}
        for resource in resources:
            kind = resource.get_resource_type()
            self._by_reference[f"{kind}/{resource.id}"] = resource
            for identifier in resource.identifier or []:
                told = f"{identifier.system or ''}|{identifier.value}"
                self._by_reference[f"{kind}?identifier={told}"] = resource

    def of(self, reference: Resource | None) -> tuple[str, ...]:
        names: list[str | None] = []
        seen: set[str] = set()
        while reference is not None:
            told = reference.reference or ""
            names += [reference.display, told.rpartition("/")[2], told.rpartition("|")[2]]
            target = self._by_reference.get(told)
            if target is None or told in seen:
                break
            seen.add(told)
            names += [target.name, target.id]
            names += [identifier.value for identifier in target.identifier or []]
            reference = target.partOf
        kept = (plain(str(name)) for name in names if name)
        return tuple(dict.fromkeys(name for name in kept if name))

    def organization_of(self, reference: Resource | None) -> tuple[str, ...]:
        target = self._by_reference.get((reference.reference or "") if reference else "")
        return self.of(getattr(target, "managingOrganization", None))


def _way(encounter: Resource, names: _Names, places: Places, pseudonym: Pseudonym, feed: Feed) -> Way | None:
    code = encounter.class_fhir.code if encounter.class_fhir else None
    if code != EMERGENCY and code not in INPATIENT:
        raise _LeftOutError(f"encounters of class {shown(str(code))}: neither ED nor bed")
    if encounter.status in TO_COME:
        raise _LeftOutError("encounters still to come")
    if not encounter.id:
        raise _LeftOutError("encounters without an id")
    stays = encounter.location or []
    site = _site(encounter, stays, names, places)
    visit_id = pseudonym.of(site.site_id, str(encounter.id))
    if encounter.status in WITHDRAWN:
        feed.withdrawn.add((site_name(site), visit_id))
        feed.told.read["encounters withdrawn"] += 1
        return None
    if len(stays) > 1 and not all(stay.period and stay.period.start for stay in stays):
        raise _LeftOutError("encounters in several places without a period for each")
    told = [(stay.location, stay.period or encounter.period) for stay in stays] or [(None, encounter.period)]
    segments = sorted(
        (_segment(reference, period, code, site, names, places) for reference, period in told),
        key=lambda segment: segment.since,
    )
    return Way(visit_id, site_name(site), tuple(segments), _disposition(encounter))


def _site(encounter: Resource, stays: list[Resource], names: _Names, places: Places) -> Site:
    told = list(names.of(encounter.serviceProvider))
    for stay in stays:
        told += [*names.of(stay.location), *names.organization_of(stay.location)]
    site = places.site(told)
    if site is None:
        raise _LeftOutError(f"organization {shown(next(iter(told), 'none named'))} is no site's source_id")
    return site


def _segment(
    reference: Resource | None, period: Resource, code: str, site: Site, names: _Names, places: Places
) -> Segment:
    told = names.of(reference)
    ed = places.ed(site)
    unit_id = places.unit(site, told)
    if unit_id is None:
        unit_id = ed if code == EMERGENCY else next(iter(told), "")
    since, until = (_time(period.start), _time(period.end)) if period else (None, None)
    if since is None:
        raise _LeftOutError("encounters without a start to the hour")
    if not in_range(since):
        raise _LeftOutError(f"encounters that start {RANGE}")
    if period.end is not None and until is None:
        raise _LeftOutError("encounters that end on a date without an hour")
    # An end in 9999 says that there was none yet.
    ended = until if until and in_range(until) else None
    return Segment(unit_id or "", unit_id is not None and unit_id == ed, since, ended)


def _time(told: date | str | None) -> datetime | None:
    """A moment in UTC; a date alone, which FHIR allows, tells no hour."""
    if isinstance(told, str) and "T" in told:
        # With a leap second it is left a text.
        told = datetime.fromisoformat(told.replace(":60", ":59"))
    if not isinstance(told, datetime):
        return None
    try:
        return told.astimezone(UTC)
    except OverflowError:
        # So near to the first or the last year that there is that its offset leads out of it.
        return told.replace(tzinfo=UTC)


def _disposition(encounter: Resource) -> str | None:
    stay = encounter.hospitalization
    told = stay.dischargeDisposition if stay else None
    codes = {coding.code for coding in (told.coding if told else None) or []}
    if codes & {"aadvice"}:
        return "left_without_being_seen"
    if codes & {"other-hcf", "hosp", "long", "rehab", "psy", "snf"}:
        return "transferred"
    return "home"
