"""A FHIR bulk export (NDJSON of Encounter, Location and Organization, R4): whole visits and their places."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from forecasting.config import Site
from forecasting.load.feed import Feed
from forecasting.load.identity import Pseudonym
from forecasting.load.places import Places, site_name
from forecasting.load.segment import Segment, Way

INPATIENT = frozenset({"IMP", "ACUTE", "NONAC", "OBSENC", "SS"})
"""Encounter classes (HL7 v3 ActCode) whose patients take a bed."""
EMERGENCY = "EMER"
WITHDRAWN = frozenset({"cancelled", "entered-in-error"})
TO_COME = frozenset({"planned"})


class _LeftOutError(Exception):
    """The encounter tells nothing that can be counted; why."""


def read_fhir(lines: Iterable[str], places: Places, pseudonym: Pseudonym) -> Feed:
    """The visits that an export's lines tell of; encounters of other kinds are counted and left out.

    A location belongs to a unit if it, or one that it is part of, has its name, id or identifier.

    Args:
        lines: of all files of the export, in any order.
        places: sites by organization or location, units by location.
        pseudonym: names the visits; nothing of the subject is kept.
    """
    feed = Feed()
    resources = list(_resources(lines, feed))
    names = _Names([one for one in resources if one["resourceType"] != "Encounter"])
    for encounter in (one for one in resources if one["resourceType"] == "Encounter"):
        try:
            way = _way(encounter, names, places, pseudonym, feed)
        except _LeftOutError as why:
            feed.told.left_out[str(why)] += 1
        else:
            if way is not None:
                feed.ways.append(way)
                feed.told.read["encounters"] += 1
    return feed


def _resources(lines: Iterable[str], feed: Feed) -> Iterator[dict[str, Any]]:
    from fhir.resources.R4B.encounter import Encounter

    for line in lines:
        if not line.strip():
            continue
        try:
            resource = json.loads(line)
            kind = resource.get("resourceType") if isinstance(resource, dict) else None
            if kind == "Encounter":
                Encounter.model_validate(resource)
        except (json.JSONDecodeError, ValidationError) as error:
            feed.told.left_out[f"line that is no FHIR R4 resource ({type(error).__name__})"] += 1
            continue
        if kind in ("Encounter", "Location", "Organization"):
            yield resource
        else:
            feed.told.left_out[f"resource {kind}: not of use"] += 1


class _Names:
    """By what names a reference's target is known, itself before what it is part of."""

    def __init__(self, resources: Iterable[dict[str, Any]]) -> None:
        self._by_reference: dict[str, dict[str, Any]] = {}
        for resource in resources:
            kind = resource["resourceType"]
            self._by_reference[f"{kind}/{resource.get('id')}"] = resource
            for identifier in resource.get("identifier", []):
                told = f"{identifier.get('system', '')}|{identifier.get('value')}"
                self._by_reference[f"{kind}?identifier={told}"] = resource

    def of(self, reference: dict[str, Any] | None) -> tuple[str, ...]:
        names: list[str] = []
        seen: set[str] = set()
        while reference:
            told = str(reference.get("reference", ""))
            names += [str(reference.get("display", "")), told.rpartition("/")[2], told.rpartition("|")[2]]
            target = self._by_reference.get(told)
            if target is None or told in seen:
                break
            seen.add(told)
            names += [str(target.get("name", "")), str(target.get("id", ""))]
            names += [str(identifier.get("value", "")) for identifier in target.get("identifier", [])]
            reference = target.get("partOf")
        return tuple(dict.fromkeys(name for name in names if name))

    def organization_of(self, reference: dict[str, Any] | None) -> tuple[str, ...]:
        target = self._by_reference.get(str((reference or {}).get("reference", "")))
        return self.of(target.get("managingOrganization")) if target else ()


def _way(
    encounter: dict[str, Any], names: _Names, places: Places, pseudonym: Pseudonym, feed: Feed
) -> Way | None:
    code = encounter["class"].get("code")
    if code != EMERGENCY and code not in INPATIENT:
        raise _LeftOutError(f"encounters of class {code}: neither ED nor bed")
    if encounter["status"] in TO_COME:
        raise _LeftOutError("encounters still to come")
    stays = encounter.get("location", [])
    site = _site(encounter, stays, names, places)
    visit_id = pseudonym.of(site.site_id, encounter["id"])
    if encounter["status"] in WITHDRAWN:
        feed.withdrawn.add((site_name(site), visit_id))
        feed.told.read["encounters withdrawn"] += 1
        return None
    whole = encounter.get("period") or {}
    if len(stays) > 1 and not all((stay.get("period") or {}).get("start") for stay in stays):
        raise _LeftOutError("encounters in several places without a period for each")
    told = [(stay.get("location"), stay.get("period") or whole) for stay in stays] or [(None, whole)]
    segments = sorted(
        (_segment(reference, period, code, site, names, places) for reference, period in told),
        key=lambda segment: segment.since,
    )
    return Way(visit_id, site_name(site), tuple(segments), _disposition(encounter))


def _site(encounter: dict[str, Any], stays: list[dict[str, Any]], names: _Names, places: Places) -> Site:
    told = list(names.of(encounter.get("serviceProvider")))
    for stay in stays:
        told += [*names.of(stay.get("location")), *names.organization_of(stay.get("location"))]
    site = places.site(told)
    if site is None:
        raise _LeftOutError(f"organization {next(iter(told), 'none named')!r} is no site's source_id")
    return site


def _segment(
    reference: dict[str, Any] | None,
    period: dict[str, Any],
    code: str,
    site: Site,
    names: _Names,
    places: Places,
) -> Segment:
    told = names.of(reference)
    ed = places.ed(site)
    unit_id = places.unit(site, told)
    if unit_id is None:
        unit_id = ed if code == EMERGENCY else next(iter(told), "")
    since = _time(period.get("start"))
    if since is None:
        raise _LeftOutError("encounters without a start to the hour")
    return Segment(unit_id or "", unit_id is not None and unit_id == ed, since, _time(period.get("end")))


def _time(told: str | None) -> datetime | None:
    # A date alone, which FHIR allows, tells no hour.
    return datetime.fromisoformat(told).astimezone(UTC) if told and "T" in told else None


def _disposition(encounter: dict[str, Any]) -> str | None:
    told = (encounter.get("hospitalization") or {}).get("dischargeDisposition") or {}
    codes = {coding.get("code") for coding in told.get("coding", [])}
    if codes & {"aadvice"}:
        return "left_without_being_seen"
    if codes & {"other-hcf", "hosp", "long", "rehab", "psy", "snf"}:
        return "transferred"
    return "home"
