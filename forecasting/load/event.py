"""What ADT messages say happened, and a visit's way told from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from forecasting.load.segment import Segment, Way


class EventKind(StrEnum):
    """What happened to a patient."""

    PLACED = "placed"
    """Admitted, registered, transferred, or made an in- or outpatient: is in this place from then on."""
    DISCHARGED = "discharged"
    CANCEL_ADMIT = "cancel_admit"
    CANCEL_TRANSFER = "cancel_transfer"
    CANCEL_DISCHARGE = "cancel_discharge"


@dataclass(frozen=True)
class AdtEvent:
    """One event of one visit; times are UTC.

    ``trigger`` is HL7's name of the event (table 0003); ``told_at`` when the message was written, in whose
    order cancels are read. ``in_ed`` says whether the place is an emergency department's.
    """

    event_id: str
    visit_id: str
    site_id: str
    trigger: str
    kind: EventKind
    at: datetime
    told_at: datetime
    unit_id: str
    in_ed: bool
    disposition: str | None


@dataclass(frozen=True)
class Renumbering:
    """A visit that got another number, or was merged into another visit: the two are one."""

    site_id: str
    visit_id: str
    prior_visit_id: str


def under_one_number(
    events: Iterable[AdtEvent], renumberings: Iterable[Renumbering]
) -> tuple[list[AdtEvent], frozenset[str]]:
    """The events with one visit number for all that were ever one, and the numbers that renumberings name.

    Neither depends on the order in which visits were renumbered, nor on whether it was undone: numbers that
    were once exchanged belong to one patient's visit.
    """
    stands_for: dict[str, str] = {}
    for one in renumberings:
        kept, gone = sorted((_last(stands_for, one.visit_id), _last(stands_for, one.prior_visit_id)))
        stands_for.setdefault(kept, kept)
        stands_for[gone] = kept
    renamed = [replace(event, visit_id=_last(stands_for, event.visit_id)) for event in events]
    return renamed, frozenset(stands_for)


def _last(stands_for: Mapping[str, str], visit_id: str) -> str:
    while stands_for.get(visit_id, visit_id) != visit_id:
        visit_id = stands_for[visit_id]
    return visit_id


def ways(events: Iterable[AdtEvent]) -> list[Way]:
    """Every visit's way, whatever order its events came in; one that was cancelled altogether has none."""
    by_visit: dict[tuple[str, str], list[AdtEvent]] = {}
    for event in events:
        by_visit.setdefault((event.site_id, event.visit_id), []).append(event)
    told = (_way(_standing(of_visit)) for _, of_visit in sorted(by_visit.items()))
    return [way for way in told if way is not None]


def _standing(events: Sequence[AdtEvent]) -> list[AdtEvent]:
    """What is left when each cancel has taken back the latest event that it can be about."""
    standing: list[AdtEvent] = []
    for event in sorted(events, key=_as_told):
        taken_back = _TAKES_BACK.get(event.kind)
        if taken_back is None:
            standing.append(event)
            continue
        about = [number for number, earlier in enumerate(standing) if earlier.trigger in taken_back]
        if about:
            del standing[about[-1]]
    return sorted(standing, key=_as_happened)


def _as_told(event: AdtEvent) -> tuple[datetime, bool, datetime, str]:
    # Stamps are often of the minute: a cancel comes after what it is about.
    return event.told_at, event.kind in _TAKES_BACK, event.at, event.event_id


def _as_happened(event: AdtEvent) -> tuple[datetime, bool, datetime, bool, str]:
    # Of one moment, the ED was before the bed, and nothing after the discharge.
    ends = event.kind is EventKind.DISCHARGED
    return event.at, ends, event.told_at, not event.in_ed, event.event_id


def _way(events: Sequence[AdtEvent]) -> Way | None:
    segments: list[Segment] = []
    disposition = None
    for event in events:
        here = segments[-1] if segments and segments[-1].until is None else None
        if event.kind is EventKind.DISCHARGED:
            disposition = event.disposition
            if here:
                segments[-1] = _ended(here, event.at)
        elif here is None or here.unit_id != event.unit_id:
            if here:
                segments[-1] = _ended(here, event.at)
            segments.append(Segment(event.unit_id, event.in_ed, event.at, None))
    if not segments:
        return None
    return Way(events[0].visit_id, events[0].site_id, tuple(segments), disposition)


def _ended(segment: Segment, at: datetime) -> Segment:
    return Segment(segment.unit_id, segment.in_ed, segment.since, at)


_TAKES_BACK = {
    EventKind.CANCEL_ADMIT: ("A01", "A04"),
    EventKind.CANCEL_TRANSFER: ("A02",),
    EventKind.CANCEL_DISCHARGE: ("A03",),
}
