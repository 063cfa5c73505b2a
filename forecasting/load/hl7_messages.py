"""HL7 v2 ADT messages: what each says happened, where and when."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Literal
from zoneinfo import ZoneInfo

import hl7

from forecasting.config import Site
from forecasting.load.event import AdtEvent, EventKind
from forecasting.load.feed import Feed
from forecasting.load.identity import Pseudonym
from forecasting.load.places import Places, site_name

KINDS = {
    "A01": EventKind.PLACED,
    "A02": EventKind.PLACED,
    "A04": EventKind.PLACED,
    "A06": EventKind.PLACED,
    "A07": EventKind.PLACED,
    "A03": EventKind.DISCHARGED,
    "A11": EventKind.CANCEL_ADMIT,
    "A12": EventKind.CANCEL_TRANSFER,
    "A13": EventKind.CANCEL_DISCHARGE,
}
"""Events that move a patient (HL7 v2, table 0003); others are counted and left out."""

DISPOSITIONS = {
    "01": "home",
    "02": "transferred",
    "03": "transferred",
    "04": "transferred",
    "05": "transferred",
    "06": "home",
    "07": "left_without_being_seen",
}
"""How a visit ended (HL7 v2, PV1-36, table 0112), in the words of ``ed_visit``; home if left out."""

_MESSAGE = re.compile(r"(?:^|(?<=[\r\n\x0b]))(?=MSH\|)")


class _LeftOutError(Exception):
    """The message moves nobody, or can't be read; why."""


def read_hl7(text: str, places: Places, time_zone: ZoneInfo | Literal["site"], pseudonym: Pseudonym) -> Feed:
    """The events of a file of one or many messages, MLLP frames and batches included.

    Args:
        text: the file's.
        places: sites by PV1-3's facility or MSH-4, units by its point of care.
        time_zone: of times without an offset; of the hour that autumn has twice, the first is meant.
        pseudonym: names the visits; nothing of PID is kept.
    """
    feed = Feed()
    for message in _MESSAGE.split(text)[1:]:
        try:
            event = _event(message, places, time_zone, pseudonym)
        except _LeftOutError as why:
            feed.told.left_out[str(why)] += 1
        else:
            feed.events.append(event)
            feed.told.read[f"{event.trigger} messages"] += 1
    return feed


def _event(
    message: str, places: Places, time_zone: ZoneInfo | Literal["site"], pseudonym: Pseudonym
) -> AdtEvent:
    parsed = _parsed(message)
    trigger = _value(parsed, "MSH", 9, 2) or _value(parsed, "EVN", 1)
    kind = KINDS.get(trigger)
    if kind is None:
        raise _LeftOutError(f"{trigger or 'message without an event'}: moves nobody here")
    site = places.site((_value(parsed, "PV1", 3, 4), _value(parsed, "MSH", 4), _value(parsed, "MSH", 4, 2)))
    if site is None:
        facility = _value(parsed, "PV1", 3, 4) or _value(parsed, "MSH", 4) or "none named"
        raise _LeftOutError(f"facility {facility!r} is no site's source_id")
    visit = _value(parsed, "PV1", 19)
    if not visit:
        raise _LeftOutError(f"{trigger} without a visit number (PV1-19)")
    zone = site.zone if time_zone == "site" else time_zone
    told_at = _time(parsed, zone, ("MSH", 7))
    moment = ("PV1", 45) if kind is EventKind.DISCHARGED else ("PV1", 44) if trigger in _BEGINS else None
    at = _time(parsed, zone, *([moment] if moment else []), ("EVN", 6), ("EVN", 2), ("MSH", 7))
    if at is None or told_at is None:
        raise _LeftOutError(f"{trigger} without a time")
    unit_id, in_ed = _place(parsed, places, site)
    return AdtEvent(
        event_id=pseudonym.of(message.strip("\r\n\x0b\x1c")),
        visit_id=pseudonym.of(site.site_id, visit),
        site_id=site_name(site),
        trigger=trigger,
        kind=kind,
        at=at,
        told_at=told_at,
        unit_id=unit_id,
        in_ed=in_ed,
        disposition=DISPOSITIONS.get(_value(parsed, "PV1", 36), "home")
        if kind is EventKind.DISCHARGED
        else None,
    )


_BEGINS = ("A01", "A04")


def _place(parsed: hl7.Message, places: Places, site: Site) -> tuple[str, bool]:
    """The unit, as the source calls it, and whether it is the ED; an empty one for neither bed nor ED.

    A place that isn't configured counts where the patient's class (PV1-2) is that of an in- or ED patient.
    """
    point_of_care = _value(parsed, "PV1", 3, 1)
    patient_class = _value(parsed, "PV1", 2)
    ed = places.ed(site)
    unit_id = places.unit(site, (point_of_care,))
    if unit_id is None and patient_class == "E":
        unit_id = ed
    if unit_id is None and patient_class == "I":
        unit_id = point_of_care
    return unit_id or "", unit_id is not None and unit_id == ed


_SEGMENTS = ("MSH", "EVN", "PV1")


def _parsed(message: str) -> hl7.Message:
    # What says who the patient is (PID, NK1, ...) is not even parsed.
    lines = "\r".join(line for line in re.split(r"[\r\n\x0b\x1c]+", message) if line[:3] in _SEGMENTS)
    try:
        return hl7.parse(lines + "\r")
    except (hl7.HL7Exception, IndexError, ValueError) as error:
        raise _LeftOutError(f"can't be read: {type(error).__name__}") from error


def _value(parsed: hl7.Message, segment: str, field: int, component: int = 1) -> str:
    try:
        return str(parsed.extract_field(segment, 1, field, 1, component) or "").strip()
    except (LookupError, hl7.HL7Exception):
        return ""


def _time(parsed: hl7.Message, zone: ZoneInfo, *fields: tuple[str, int]) -> datetime | None:
    for segment, field in fields:
        told = _value(parsed, segment, field)
        if len(told.split("+")[0].split("-")[0]) < _TO_THE_HOUR:
            continue
        try:
            at: datetime = hl7.parse_datetime(told)
        except ValueError as error:
            raise _LeftOutError(f"{segment}-{field} is no time") from error
        return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC).replace(tzinfo=UTC)
    return None


_TO_THE_HOUR = len("2021011516")
