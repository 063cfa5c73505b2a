"""Encounters are read to where and when, whatever their locations are called by."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from forecasting.config import read_settings
from forecasting.load import Feed, Places, Pseudonym, read_fhir
from forecasting.load.segment import source_rows

pytestmark = pytest.mark.unit

SITES = read_settings(Path(__file__).parents[2] / "hospital.toml").sites
DATA = Path(__file__).parents[4] / "shared" / "data" / "fhir_synthea"
LOCATIONS = [
    {"resourceType": "Location", "id": "w1", "status": "active", "name": "icu"},
    {"resourceType": "Location", "id": "b7", "name": "Bed 7", "partOf": {"reference": "Location/r2"}},
    {"resourceType": "Location", "id": "r2", "name": "Room 2", "partOf": {"reference": "Location/w1"}},
    {
        "resourceType": "Location",
        "id": "e9",
        "identifier": [{"system": "urn:places", "value": "ed"}],
        "managingOrganization": {"reference": "Organization/o1"},
    },
    {"resourceType": "Organization", "id": "o1", "name": "north"},
]
START, END = "2026-03-08T01:30:00-05:00", "2026-03-08T12:00:00-04:00"


def encounter(code: str = "IMP", *places: tuple[str, str, str | None], **other: Any) -> dict[str, Any]:
    located = [
        {"location": {"reference": place}, "period": {"start": start} | ({"end": end} if end else {})}
        for place, start, end in places
    ]
    return {
        "resourceType": "Encounter",
        "id": "enc-4711",
        "status": "finished",
        "class": {"code": code},
        "subject": {"reference": "Patient/PLANTED", "display": "Planted Name"},
        "serviceProvider": {"reference": "Organization/o1"},
        "period": {"start": START, "end": END},
        "location": located,
    } | other


def read(*resources: dict[str, Any] | str) -> Feed:
    lines = [one if isinstance(one, str) else json.dumps(one) for one in (*resources, *LOCATIONS)]
    return read_fhir(lines, Places(SITES), Pseudonym(b"key"))


def test_a_bed_belongs_to_the_ward_that_it_is_part_of() -> None:
    (way,) = read(encounter("IMP", ("Location/b7", START, END))).ways
    (segment,) = way.segments
    assert (way.site_id, segment.unit_id, segment.in_ed) == ("north", "icu", False)
    assert segment.since == datetime(2026, 3, 8, 6, 30, tzinfo=UTC)
    assert segment.until == datetime(2026, 3, 8, 16, tzinfo=UTC)


def test_a_place_is_found_by_its_identifier_and_a_site_by_the_place() -> None:
    told = encounter("EMER", ("Location?identifier=urn:places|ed", START, END))
    del told["serviceProvider"]
    (way,) = read(told).ways
    assert way.site_id == "north"
    assert way.segments[0].in_ed


def test_an_encounter_from_ed_to_bed_is_a_visit_and_a_stay() -> None:
    noon = "2026-03-08T11:00:00-04:00"
    rows = source_rows(read(encounter("IMP", ("Location/w1", noon, None), ("Location/e9", START, noon))).ways)
    assert [row["disposition"] for row in rows.ed_visit] == ["admitted"]
    assert [(row["unit_id"], row["bed_to"]) for row in rows.bed_stay] == [("icu", None)]


def test_nothing_of_the_patient_is_kept() -> None:
    kept = repr(read(encounter("EMER", ("Location/e9", START, END))))
    assert not any(planted in kept for planted in ("PLANTED", "Planted", "4711"))


@pytest.mark.parametrize("status", ["cancelled", "entered-in-error"])
def test_what_should_never_have_been_there_is_withdrawn(status: str) -> None:
    feed = read(encounter("EMER", ("Location/e9", START, END), status=status))
    assert not feed.ways
    assert len(feed.withdrawn) == 1


@pytest.mark.parametrize(
    ("resource", "why"),
    [
        (encounter("AMB"), "encounters of class AMB: neither ED nor bed"),
        (encounter("EMER", status="planned"), "encounters still to come"),
        (encounter("EMER", period={"start": "2026-03-08"}), "encounters without a start to the hour"),
        (
            encounter("EMER", serviceProvider={"display": "Else"}),
            "organization 'Else' is no site's",
        ),
        (
            encounter(location=[{"location": {"reference": "Location/w1"}}] * 2),
            "encounters in several",
        ),
        (encounter("EMER", period={"start": "noon"}), "line that is no FHIR R4 resource"),
        ("{", "line that is no FHIR R4 resource"),
        ("7", "resource None: not of use"),
        ({"resourceType": "Patient", "id": "PLANTED"}, "resource Patient: not of use"),
    ],
)
def test_what_cannot_be_used_is_counted_with_its_reason(resource: dict[str, Any] | str, why: str) -> None:
    feed = read(resource)
    assert not feed.ways
    assert [reason for reason in feed.told.left_out if reason.startswith(why)], feed.told.left_out


def test_a_published_export_is_read_or_left_out_for_a_reason() -> None:
    if not DATA.exists():
        pytest.skip("needs ../shared/data/fhir_synthea")
    lines = [line for file in sorted(DATA.glob("*.ndjson")) for line in file.read_text().splitlines()]
    newman = SITES[0].model_copy(update={"source_id": "NEWMAN REGIONAL HEALTH"})
    feed = read_fhir(lines, Places((newman,)), Pseudonym(b"key"))
    encounters = sum('"resourceType":"Encounter"' in line for line in lines)
    assert sum(feed.told.read.values()) + sum(feed.told.left_out.values()) == encounters
    assert feed.told.read["encounters"] >= 49
