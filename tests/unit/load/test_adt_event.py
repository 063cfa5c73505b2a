"""A visit's way is what its messages tell together, in whatever order they came."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.load.event import AdtEvent, EventKind, Renumbering, under_one_number, ways
from forecasting.load.hl7_triggers import KINDS
from forecasting.load.segment import Segment, source_rows

pytestmark = pytest.mark.unit

NOON = datetime(2026, 3, 8, 12, tzinfo=UTC)


def event(
    trigger: str, hour: float, unit_id: str = "icu", told: float | None = None, visit_id: str = "v"
) -> AdtEvent:
    at = NOON + timedelta(hours=hour)
    told_at = NOON + timedelta(hours=hour if told is None else told)
    kind = KINDS[trigger]
    disposition = "home" if kind is EventKind.DISCHARGED else None
    name = f"{visit_id} {trigger} {hour} {told} {unit_id}"
    return AdtEvent(
        name, visit_id, "north", trigger, kind, at, told_at, unit_id, unit_id == "ed", disposition
    )


def stays(*events: AdtEvent) -> list[tuple[str, float, float | None]]:
    (way,) = ways(events)
    return [
        (segment.unit_id, hours(segment.since), None if segment.until is None else hours(segment.until))
        for segment in way.segments
    ]


def hours(at: datetime) -> float:
    return (at - NOON) / timedelta(hours=1)


def test_a_patient_goes_from_the_ed_to_two_wards_and_home() -> None:
    told = stays(event("A04", 0, "ed"), event("A01", 3), event("A02", 30, "ward"), event("A03", 80, "ward"))
    assert told == [("ed", 0, 3), ("icu", 3, 30), ("ward", 30, 80)]


def test_who_is_still_there_has_no_end() -> None:
    assert stays(event("A01", 0)) == [("icu", 0, None)]


def test_a_transfer_within_the_unit_changes_nothing() -> None:
    assert stays(event("A01", 0), event("A02", 5), event("A03", 9)) == [("icu", 0, 9)]


def test_who_was_there_before_the_feed_began_is_counted_from_the_first_message() -> None:
    assert stays(event("A02", 5, "ward"), event("A03", 9, "ward")) == [("ward", 5, 9)]


def test_a_discharge_alone_tells_of_no_stay() -> None:
    assert ways([event("A03", 5)]) == []


@pytest.mark.parametrize(
    ("cancel", "left"),
    [
        ("A12", [("icu", 0, 9)]),
        ("A13", [("icu", 0, 5), ("ward", 5, None)]),
    ],
)
def test_a_cancel_takes_back_what_it_is_about(
    cancel: str, left: list[tuple[str, float, float | None]]
) -> None:
    if cancel == "A11":
        assert ways([event("A01", 0), event("A11", 0, told=1)]) == []
        return
    events = [event("A01", 0), event("A02", 5, "ward"), event("A03", 9, "ward")]
    assert stays(*events, event(cancel, 9, told=10)) == left


def test_a_cancelled_admission_leaves_nothing() -> None:
    assert ways([event("A01", 0), event("A11", 0, told=1)]) == []


def test_a_cancel_takes_back_the_latest_told_and_a_new_one_stands() -> None:
    wrong, right = event("A02", 5, "ward"), event("A02", 7, "tele", told=8)
    assert stays(event("A01", 0), wrong, event("A12", 5, told=6), right) == [("icu", 0, 7), ("tele", 7, None)]


def test_a_cancel_of_nothing_changes_nothing() -> None:
    assert stays(event("A01", 0), event("A12", 3)) == [("icu", 0, None)]


def test_leaving_for_a_clinic_ends_the_stay() -> None:
    rows = source_rows(ways([event("A01", 0), event("A07", 6, "")]))
    (stay,) = rows.bed_stay
    assert stay["bed_to"] == NOON + timedelta(hours=6)


def test_an_ed_visit_ends_admitted_or_as_the_visit_does() -> None:
    admitted = source_rows(ways([event("A04", 0, "ed"), event("A01", 3), event("A03", 9)]))
    home = source_rows(ways([event("A04", 0, "ed"), event("A03", 3, "ed")]))
    waiting = source_rows(ways([event("A04", 0, "ed")]))
    assert [rows.ed_visit[0]["disposition"] for rows in (admitted, home, waiting)] == [
        "admitted",
        "home",
        None,
    ]


units = st.sampled_from(["ed", "icu", "ward", "tele"])
visits = st.lists(
    st.tuples(st.lists(st.tuples(st.integers(1, 50), units), min_size=1, max_size=6), st.booleans()),
    min_size=1,
    max_size=4,
)


@given(visits=visits, seed=st.integers(0, 1000))
def test_order_and_repetition_do_not_matter_and_nobody_is_in_two_places(
    visits: list[tuple[list[tuple[int, str]], bool]], seed: int
) -> None:
    events = []
    for number, (places, ends) in enumerate(visits):
        hour = 0
        for stay, unit_id in places:
            events.append(event("A02" if hour else "A01", hour, unit_id, visit_id=f"v{number}"))
            hour += stay
        if ends:
            events.append(event("A03", hour, places[-1][1], visit_id=f"v{number}"))
    shuffled = Random(seed).sample(events, len(events))  # noqa: S311
    told = ways(shuffled)
    assert told == ways(events)
    assert len(told) == len(visits)
    for way in told:
        assert all(_meet(one, next_) for one, next_ in zip(way.segments, way.segments[1:], strict=False))


def _meet(one: Segment, next_: Segment) -> bool:
    return one.until == next_.since


def test_what_bears_one_stamp_happened_in_the_order_in_which_it_can_have() -> None:
    """Stamps are often of the minute."""
    admitted = [event("A03", 3), event("A01", 0), event("A04", 0, "ed"), event("A02", 3, "ward")]
    assert stays(*admitted) == [("ed", 0, 0), ("icu", 0, 3), ("ward", 3, 3)]
    assert ways([event("A11", 0), event("A01", 0)]) == []


def test_a_transfer_that_is_told_after_the_discharge_opens_no_stay() -> None:
    assert stays(event("A01", 0), event("A03", 9, told=9.1), event("A02", 9, "ward", told=10)) == [
        ("icu", 0, 9),
        ("ward", 9, 9),
    ]


def renumbered(visit_id: str, prior: str) -> Renumbering:
    return Renumbering("north", visit_id, prior)


def test_a_visit_that_gets_another_number_is_discharged_from_the_bed_it_was_admitted_to() -> None:
    events = [event("A01", 0), event("A03", 9, visit_id="w")]
    told, known_as = under_one_number(events, [renumbered("w", "v")])
    assert stays(*told) == [("icu", 0, 9)]
    assert known_as == {"v", "w"}


numbers = st.sampled_from("abcdefg")


@given(
    pairs=st.lists(st.tuples(numbers, numbers), max_size=8),
    told=st.lists(numbers, max_size=8),
    seed=st.integers(),
)
def test_visits_that_were_ever_one_are_one_in_whatever_order_it_is_told(
    pairs: list[tuple[str, str]], told: list[str], seed: int
) -> None:
    events = [event("A02", hour, visit_id=visit_id) for hour, visit_id in enumerate(told)]
    links = [renumbered(*pair) for pair in pairs]
    expected, _ = under_one_number(events, links)
    shuffled, _ = under_one_number(events, Random(seed).sample(links, len(links)))  # noqa: S311
    assert shuffled == expected
    for one, other in pairs:
        assert (
            len(
                {
                    new.visit_id
                    for old, new in zip(events, expected, strict=True)
                    if old.visit_id in (one, other)
                }
            )
            < 2
        )
