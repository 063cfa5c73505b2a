"""A visit's way is what its messages tell together, in whatever order they came."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.load.event import AdtEvent, EventKind, ways
from forecasting.load.hl7_messages import KINDS
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
