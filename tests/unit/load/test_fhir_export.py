"""Encounters are read to where and when, whatever their locations are called by."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from forecasting.config import read_settings
from forecasting.load import Feed, Piece, Places, Pseudonym, lines, read_fhir
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
    texts = [one if isinstance(one, str) else json.dumps(one) for one in (*resources, *LOCATIONS)]
    told = [Piece(text, f"export.ndjson, line {number}") for number, text in enumerate(texts, 1)]
    return read_fhir(told, Places(SITES), Pseudonym(b"key"))


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


def test_an_end_in_the_year_9999_says_that_there_was_none_yet() -> None:
    (way,) = read(encounter("EMER", ("Location/e9", START, "9999-12-31T23:59:59-05:00"))).ways
    assert way.segments[0].until is None


def test_a_leap_second_is_a_moment() -> None:
    (way,) = read(encounter("EMER", ("Location/e9", START, "2026-06-30T23:59:60Z"))).ways
    assert way.segments[0].until == datetime(2026, 6, 30, 23, 59, 59, tzinfo=UTC)


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
        (encounter("AMB"), "encounters of class 'AMB': neither ED nor bed"),
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
        (
            encounter("EMER", period={"start": START, "end": "2026-03-09"}),
            "encounters that end on a date without an hour",
        ),
        (
            encounter("EMER", period={"start": "0001-01-01T00:00:00+14:00"}),
            "encounters that start before 1900",
        ),
        (encounter("EMER", id=None), "encounters without an id"),
        (encounter("EMER", period={"start": "noon"}), "Encounter that is not as FHIR R4 has it, at 'period"),
        (encounter("EMER", status=None), "Encounter that is not as FHIR R4 has it, at 'status"),
        ("{", "lines that are no JSON"),
        ("[" * 100_000, "lines that are no JSON"),
        ("7", "resources of type 'None': not of use"),
        ({"resourceType": "Patient", "id": "PLANTED"}, "resources of type 'Patient': not of use"),
    ],
)
def test_what_cannot_be_used_is_counted_with_its_reason(resource: dict[str, Any] | str, why: str) -> None:
    feed = read(resource)
    assert not feed.ways
    assert [reason for reason in feed.told.left_out if reason.startswith(why)], feed.told.left_out


def test_a_published_export_is_read_or_left_out_for_a_reason() -> None:
    if not DATA.exists():
        pytest.skip("needs ../shared/data/fhir_synthea")
    files = sorted(DATA.glob("*.ndjson"))
    newman = SITES[0].model_copy(update={"source_id": "NEWMAN REGIONAL HEALTH"})
    feed = read_fhir([line for file in files for line in lines(file)], Places((newman,)), Pseudonym(b"key"))
    encounters = sum(file.read_text().count('"resourceType":"Encounter"') for file in files)
    assert sum(feed.told.read.values()) + sum(feed.told.left_out.values()) == encounters
    assert feed.told.read["encounters"] >= 49
