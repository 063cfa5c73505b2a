"""Which of HL7's events change a unit's census: visits that change numbers, swapped beds; and which don't."""

from __future__ import annotations

from pathlib import Path

import pytest

from forecasting.config import read_settings
from forecasting.load import Feed, Piece, Places, Pseudonym, read_hl7
from forecasting.load.event import under_one_number, ways

pytestmark = pytest.mark.unit

PLACES = Places(read_settings(Path(__file__).parents[2] / "hospital.toml").sites)
KEY = Pseudonym(b"key")


def said(trigger: str, hour: int, *patients: tuple[str, str] | tuple[str, str, str]) -> str:
    """A message of some patients: visit number, place and, where it had another, the number before."""
    at = f"2026030{1 + hour // 24}{hour % 24:02}0000-0500"
    segments = [
        f"MSH|^~\\&|EHR|north|HUB|HUB|{at}||ADT^{trigger}|{hour}{trigger}|P|2.5",
        f"EVN|{trigger}|{at}",
    ]
    for visit, place, *before in patients:
        segments.append("PID|1||MRN7^^^H^MR||PLANTED^NAME")
        segments += [f"MRG|MRN8||ACC||{number}" for number in before]
        patient_class = "E" if place == "ed" else "I"
        segments.append(
            f"PV1|1|{patient_class}|{place}^12^B^north{'|' * 16}{visit}"
            if place
            else f"PV1|1{'|' * 18}{visit}"
        )
    return "\r".join([*segments, ""])


def read(*messages: str) -> Feed:
    return read_hl7([Piece("".join(messages), "feed.hl7")], PLACES, "site", KEY)


def stays(*messages: str) -> dict[str, list[tuple[str, int, int | None]]]:
    """Of each visit, by what it is called at last, its places: from which hour of 1 March until which."""
    feed = read(*messages)
    assert not feed.told.left_out
    events, _ = under_one_number(feed.events, feed.renumberings)
    return {
        way.visit_id: [
            (stay.unit_id, _hour(stay.since), None if stay.until is None else _hour(stay.until))
            for stay in way.segments
        ]
        for way in ways(events)
    }


def _hour(at: object) -> int:
    day, hour = f"{at:%d %H}".split()
    return 24 * (int(day) - 1) + int(hour) - 5


@pytest.mark.parametrize("trigger", ["A50", "A42", "A45", "A18"])
def test_who_is_discharged_under_another_number_leaves_the_bed(trigger: str) -> None:
    admitted, left = said("A01", 1, ("V1", "icu")), said("A03", 9, ("V2", "icu"))
    assert list(stays(admitted, said(trigger, 5, ("V2", "", "V1")), left).values()) == [[("icu", 1, 9)]]


def test_an_outpatient_of_the_ed_who_becomes_an_inpatient_with_a_new_number_leaves_the_ed() -> None:
    told = stays(
        said("A04", 1, ("E7", "ed")), said("A06", 4, ("I7", "icu", "E7")), said("A03", 30, ("I7", "icu"))
    )
    assert list(told.values()) == [[("ed", 1, 4), ("icu", 4, 30)]]


def test_two_registrations_of_one_stay_are_one_patient_in_one_bed() -> None:
    twice = [said("A01", 1, ("V1", "icu")), said("A01", 2, ("V2", "icu")), said("A42", 3, ("V1", "", "V2"))]
    assert list(stays(*twice).values()) == [[("icu", 1, None)]]


def test_several_visits_are_moved_by_one_message() -> None:
    moved = said("A45", 5, ("V3", "", "V1"), ("V4", "", "V2"))
    told = stays(
        said("A01", 1, ("V1", "icu")), said("A01", 2, ("V2", "icu")), moved,
        said("A03", 8, ("V4", "icu")), said("A03", 9, ("V3", "icu")),
    )  # fmt: skip
    assert sorted(told.values()) == [[("icu", 1, 9)], [("icu", 2, 8)]]


def test_two_patients_who_exchange_their_beds_leave_each_the_others_unit() -> None:
    told = stays(
        said("A01", 1, ("V1", "icu")), said("A01", 1, ("V2", "ed")),
        said("A17", 5, ("V1", "ed"), ("V2", "icu")), said("A03", 9, ("V2", "icu")),
    )  # fmt: skip
    assert sorted(told.values()) == [[("ed", 1, 5), ("icu", 5, 9)], [("icu", 1, 5), ("ed", 5, None)]]


def test_a_visit_that_keeps_its_number_is_left_out_by_name() -> None:
    feed = read(said("A45", 5, ("V1", "", "V1")), said("A50", 6, ("V1", "")))
    assert not feed.renumberings
    assert feed.told.left_out == {
        f"{trigger}: names no visit that got another number (MRG-5, PV1-19)": 1 for trigger in ("A45", "A50")
    }


@pytest.mark.parametrize(
    ("triggers", "why"),
    [
        (("A05", "A14", "A15", "A16", "A25", "A26", "A27", "A38"), "announces what may come"),
        (("A09", "A10", "A32", "A33"), "tracks a patient on the way"),
        (("A21", "A22", "A52", "A53"), "leave of absence"),
        (("A08", "A60"), "updates a record"),
        (("A34", "A35", "A36", "A40", "A41"), "numbers of patients and accounts"),
        (("A20", "A28", "A31"), "is of a person or a bed"),
    ],
)
def test_what_moves_nobody_changes_no_stay_and_is_named(triggers: tuple[str, ...], why: str) -> None:
    there = (said("A01", 1, ("V1", "icu")), said("A03", 9, ("V1", "icu")))
    feed = read(there[0], *(said(trigger, 5, ("V1", "ward", "V9")) for trigger in triggers), there[1])
    (way,) = ways(feed.events)
    assert [segment.unit_id for segment in way.segments] == ["icu"]
    assert not feed.renumberings
    assert {reason.partition(": ")[0] for reason in feed.told.left_out} == set(triggers)
    assert all(why in reason for reason in feed.told.left_out)
