"""HL7 v2 ADT messages: what each says happened, where and when."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal
from zoneinfo import ZoneInfo

import hl7
import hl7.util

from forecasting.config import Site
from forecasting.load.event import AdtEvent, EventKind, Renumbering
from forecasting.load.feed import Feed
from forecasting.load.hl7_triggers import DISPOSITIONS, KINDS, RENUMBERS, SWAP, moves_nobody
from forecasting.load.identity import Pseudonym
from forecasting.load.moments import RANGE, in_range
from forecasting.load.piece import Piece
from forecasting.load.places import Places, site_name
from forecasting.load.plain_text import plain, shown

# The library's warnings quote fields, patients' visit numbers among them.
logging.getLogger(hl7.util.__file__).disabled = True

_MESSAGE = re.compile(r"(?:^|(?<=[\r\n\x0b]))(?=MSH\|)")
_LINE_END = re.compile(r"\r\n|\r|\n")
_AROUND = re.compile(r"(?:[FB]HS\|[^\r\n]*|[\s\x0b\x1c])*")
"""What may stand before a file's first message: heads of batches, frames."""
_TRIGGER = re.compile(r"[A-Z]\w\d")
_REPEATED = re.compile(r"\.(?:br|sp|fi|nf|in|ti|sk|ce)[+\s\d_]{3,}")
"""Line feeds and blanks by the hundred, as a text's layout may ask for them: they would fill the memory."""


class _LeftOutError(Exception):
    """The message moves nobody, or can't be read; why."""


@dataclass(frozen=True)
class _Said:
    """What one message says."""

    trigger: str
    events: list[AdtEvent] = field(default_factory=list)
    renumberings: list[Renumbering] = field(default_factory=list)


def read_hl7(
    files: Iterable[Piece], places: Places, time_zone: ZoneInfo | Literal["site"], pseudonym: Pseudonym
) -> Feed:
    """The events of files of one or many messages, MLLP frames and batches included.

    Args:
        files: the whole text of each.
        places: sites by PV1-3's facility or MSH-4, units by its point of care.
        time_zone: of times without an offset; of the hour that autumn has twice, the first is meant.
        pseudonym: names the visits; nothing of PID is kept.
    """
    feed = Feed()
    for file in files:
        for message in _messages(file, feed):
            try:
                said = _said(message.text, places, time_zone, pseudonym)
            except _LeftOutError as why:
                feed.told.leave_out(str(why), message.where)
            else:
                feed.events += said.events
                feed.renumberings += said.renumberings
                feed.told.read[f"{said.trigger} messages"] += 1
    return feed


def _messages(file: Piece, feed: Feed) -> Iterator[Piece]:
    before, *texts = _MESSAGE.split(file.text)
    if not texts:
        feed.told.leave_out("files without a message: none begins with MSH|", file.where)
    elif not _AROUND.fullmatch(before):
        feed.told.leave_out("texts before a file's first MSH|, which no message begins", file.where)
    line = 1 + len(_LINE_END.findall(before))
    for text in texts:
        yield Piece(text, f"{file.where}, line {line}")
        line += len(_LINE_END.findall(text))


def _said(message: str, places: Places, time_zone: ZoneInfo | Literal["site"], pseudonym: Pseudonym) -> _Said:
    parsed = _parsed(message)
    trigger = _value(parsed, "MSH", 9, 2) or _value(parsed, "EVN", 1)
    if not _TRIGGER.fullmatch(trigger):
        raise _LeftOutError("messages without an event (MSH-9, EVN-1)")
    said = _Said(trigger)
    if trigger in RENUMBERS:
        said.renumberings.extend(_renumberings(parsed, trigger, places, pseudonym))
    if trigger in KINDS:
        name = message.strip("\r\n\x0b\x1c")
        for number in range(1, 1 + (2 if trigger == SWAP else 1)):
            event_id = pseudonym.of(name, *([str(number)] if number > 1 else []))
            said.events.append(_event(parsed, trigger, number, event_id, places, time_zone, pseudonym))
    elif not said.renumberings:
        raise _LeftOutError(moves_nobody(trigger))
    return said


def _event(
    parsed: hl7.Message,
    trigger: str,
    number: int,
    event_id: str,
    places: Places,
    time_zone: ZoneInfo | Literal["site"],
    pseudonym: Pseudonym,
) -> AdtEvent:
    """What the message's PV1 of that number says."""
    kind = KINDS[trigger]
    site = _site(parsed, number, places)
    visit = _value(parsed, "PV1", 19, number=number)
    if not visit:
        raise _LeftOutError(f"{trigger} without a visit number (PV1-19)")
    zone = site.zone if time_zone == "site" else time_zone
    told_at = _time(parsed, zone, ("MSH", 7))
    moment = ("PV1", 45) if kind is EventKind.DISCHARGED else ("PV1", 44) if trigger in _BEGINS else None
    at = _time(parsed, zone, *([moment] if moment else []), ("EVN", 6), ("EVN", 2), ("MSH", 7))
    if at is None or told_at is None:
        raise _LeftOutError(f"{trigger} without a time")
    unit_id, in_ed = _place(parsed, number, places, site)
    ended = DISPOSITIONS.get(_value(parsed, "PV1", 36), "home") if kind is EventKind.DISCHARGED else None
    return AdtEvent(
        event_id=event_id,
        visit_id=pseudonym.of(site.site_id, visit),
        site_id=site_name(site),
        trigger=trigger,
        kind=kind,
        at=at,
        told_at=told_at,
        unit_id=unit_id,
        in_ed=in_ed,
        disposition=ended,
    )


_BEGINS = ("A01", "A04")


def _renumberings(
    parsed: hl7.Message, trigger: str, places: Places, pseudonym: Pseudonym
) -> Iterator[Renumbering]:
    """For each MRG its visit's number before, and after by the PV1 that follows it."""
    number = merged = 0
    for segment in parsed:
        name = str(segment[0])
        merged += name == "MRG"
        number += name == "PV1"
        if name != "PV1" or not merged:
            continue
        prior = _value(parsed, "MRG", 5, number=merged)
        visit = _value(parsed, "PV1", 19, number=number)
        if prior and visit and prior != visit:
            site = _site(parsed, number, places)
            of = site.site_id
            yield Renumbering(site_name(site), pseudonym.of(of, visit), pseudonym.of(of, prior))


def _site(parsed: hl7.Message, number: int, places: Places) -> Site:
    facility = _value(parsed, "PV1", 3, 4, number)
    site = places.site((facility, _value(parsed, "MSH", 4), _value(parsed, "MSH", 4, 2)))
    if site is None:
        named = facility or _value(parsed, "MSH", 4) or "none named"
        raise _LeftOutError(f"facility {shown(named)} is no site's source_id")
    return site


def _place(parsed: hl7.Message, number: int, places: Places, site: Site) -> tuple[str, bool]:
    """The unit, as the source calls it, and whether it is the ED; an empty one for neither bed nor ED.

    A place that isn't configured counts where the patient's class (PV1-2) is that of an in- or ED patient.
    """
    point_of_care = _value(parsed, "PV1", 3, 1, number)
    patient_class = _value(parsed, "PV1", 2, number=number)
    ed = places.ed(site)
    unit_id = places.unit(site, (point_of_care,))
    if unit_id is None and patient_class == "E":
        unit_id = ed
    if unit_id is None and patient_class == "I":
        unit_id = point_of_care
    return unit_id or "", unit_id is not None and unit_id == ed


_SEGMENTS = ("MSH", "EVN", "PV1", "MRG")


def _parsed(message: str) -> hl7.Message:
    # What says who the patient is (PID, NK1, ...) is not even parsed; of MRG only the visit's number is read.
    lines = "\r".join(line for line in re.split(r"[\r\n\x0b\x1c]+", message) if line[:3] in _SEGMENTS)
    if not _are_told_apart(lines.split("\r")[0]):
        raise _LeftOutError("can't be read: its delimiters (MSH-1, MSH-2) are not told apart")
    try:
        return hl7.parse(_REPEATED.sub("", lines) + "\r")
    except (hl7.HL7Exception, LookupError, ValueError) as error:
        raise _LeftOutError(f"can't be read: {type(error).__name__}") from error


def _are_told_apart(header: str) -> bool:
    """Whether MSH-1 and MSH-2 say a character of its own for each delimiter, the usual one where they end."""
    _, first, rest = header.partition("|")
    told, ends, _ = rest.partition("|")
    delimiters = first + told + "^~\\&"[len(told) :]
    return bool(ends) and len(set(delimiters)) == len(delimiters)


def _value(parsed: hl7.Message, segment: str, field: int, component: int = 1, number: int = 1) -> str:
    try:
        told = parsed.segments(segment)[number - 1].extract_field(number, field, 1, component)
    except (LookupError, ValueError, hl7.HL7Exception):
        return ""
    return plain(str(told or ""))


def _time(parsed: hl7.Message, zone: ZoneInfo, *fields: tuple[str, int]) -> datetime | None:
    for segment, number in fields:
        told = _value(parsed, segment, number)
        if len(told.split("+")[0].split("-")[0]) < _TO_THE_HOUR:
            continue
        try:
            at: datetime = hl7.parse_datetime(told)
            utc = (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC).replace(tzinfo=UTC)
        except (ValueError, OverflowError) as error:
            raise _LeftOutError(f"{segment}-{number} is no time") from error
        if not in_range(utc):
            raise _LeftOutError(f"{segment}-{number} is {RANGE}")
        return utc
    return None


_TO_THE_HOUR = len("2021011516")
