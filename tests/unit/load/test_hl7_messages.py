"""ADT messages are read to where and when, and nothing of who is kept."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.config import read_settings
from forecasting.load import Feed, Piece, Places, Pseudonym, read_hl7, whole

pytestmark = pytest.mark.unit

CONFIG = Path(__file__).parents[2] / "hospital.toml"
DATA = Path(__file__).parents[4] / "shared" / "data" / "hl7v2_adt"
PLACES = Places(read_settings(CONFIG).sites)
KEY = Pseudonym(b"key")


def message(
    trigger: str = "A01",
    *,
    patient_class: str = "I",
    unit: str = "icu",
    facility: str = "north",
    at: str = "20260308120000-0500",
    visit: str = "4711",
) -> str:
    return "\r".join(
        [
            f"MSH|^~\\&|EHR|{facility}|HUB|HUB|{at}||ADT^{trigger}^ADT_A01|{visit}{trigger}|P|2.5",
            f"EVN|{trigger}|{at}",
            "PID|1||MRN00042^^^H^MR||PLANTED^NAME^X||19500101|F",
            f"PV1|1|{patient_class}|{unit}^12^B^{facility}{'|' * 16}{visit}",
            "",
        ]
    )


def read(text: str, time_zone: ZoneInfo | Literal["site"] = "site") -> Feed:
    return read_hl7([Piece(text, "feed.hl7")], PLACES, time_zone, KEY)


def test_a_message_tells_where_and_when() -> None:
    (event,) = read(message()).events
    assert (event.site_id, event.unit_id, event.in_ed) == ("north", "icu", False)
    assert event.at == datetime(2026, 3, 8, 17, tzinfo=UTC)


def test_nothing_of_the_patient_is_kept() -> None:
    kept = repr(read(message()))
    assert not any(planted in kept for planted in ("PLANTED", "MRN00042", "4711", "1950"))


def test_the_same_visit_has_the_same_name_under_one_key_alone() -> None:
    (one,), (two,) = read(message("A01")).events, read(message("A03")).events
    assert one.visit_id == two.visit_id
    (other,) = read_hl7([Piece(message(), "feed.hl7")], PLACES, "site", Pseudonym(b"another")).events
    assert other.visit_id != one.visit_id


@pytest.mark.parametrize(
    ("time_zone", "utc_hour"), [("site", 16), (ZoneInfo("UTC"), 12), (ZoneInfo("Europe/London"), 11)]
)
def test_times_without_an_offset_are_on_the_clock_that_is_named(time_zone: Any, utc_hour: int) -> None:
    (event,) = read(message(at="202607081200"), time_zone).events
    assert event.at.hour == utc_hour


@pytest.mark.parametrize(
    ("patient_class", "unit", "place"),
    [
        ("E", "ed", ("ed", True)),
        ("E", "TRIAGE", ("ed", True)),
        ("I", "ed", ("ed", True)),
        ("O", "icu", ("icu", False)),
        ("I", "NEWWARD", ("NEWWARD", False)),
        ("O", "CLINIC", ("", False)),
    ],
)
def test_a_place_counts_if_it_is_configured_or_the_class_says_so(
    patient_class: str, unit: str, place: tuple[str, bool]
) -> None:
    (event,) = read(message(patient_class=patient_class, unit=unit)).events
    assert (event.unit_id, event.in_ed) == place


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (message("A08"), "A08: updates a record: who moves is told by A02"),
        (message("A99"), "A99: moves nobody"),
        (message("").replace("ADT_A01", ""), "messages without an event (MSH-9, EVN-1)"),
        (message(facility="elsewhere"), "facility 'elsewhere' is no site's source_id"),
        (message(visit=""), "A01 without a visit number (PV1-19)"),
        (message(at=""), "A01 without a time"),
        (message(at="20261345990000"), "MSH-7 is no time"),
        (message(at="20260308120000+2600"), "MSH-7 is no time"),
        (message(at="00010101000000+1400"), "MSH-7 is no time"),
        (message(at="99991231235959-0500"), "MSH-7 is no time"),
        (message(at="99990101000000"), "MSH-7 is before 1900 or after 2999"),
        ("no message at all", "files without a message: none begins with MSH|"),
        ("", "files without a message"),
        (message(unit="\\.sp99999999999\\")[:60], "A01 without a visit number (PV1-19)"),
        ("MSH|", "can't be read"),
        (message().replace("|^~\\&|", "|^^\\&|"), "can't be read: its delimiters"),
        (message().replace("|^~\\&|", "|\r|^~\\&|"), "can't be read: its delimiters"),
        (message().replace("|^~\\&|", "|~|"), "can't be read: its delimiters"),
    ],
)
def test_what_cannot_be_used_is_counted_with_its_reason(text: str, why: str) -> None:
    feed = read(text)
    assert not feed.events
    assert [reason for reason in feed.told.left_out if reason.startswith(why)], feed.told.left_out


def test_where_the_first_of_its_kind_stands_is_told() -> None:
    lost = message(visit="")
    feed = read(f"{message()}{lost}{lost}".replace("\r", "\n"))
    assert feed.told.left_out == {"A01 without a visit number (PV1-19)": 2}
    assert feed.told.first_at == {"A01 without a visit number (PV1-19)": "feed.hl7, line 5"}


def test_what_stands_before_the_first_message_is_told() -> None:
    feed = read("EVN|A01|half a message\r" + message())
    assert len(feed.events) == 1
    assert feed.told.left_out == {"texts before a file's first MSH|, which no message begins": 1}


def test_a_text_laid_out_with_a_billion_blanks_is_read_without_them() -> None:
    (event,) = read(message(unit="icu\\.sp999999999999\\")).events
    assert event.unit_id == "icu"


def test_messages_come_in_frames_batches_and_with_any_line_ends() -> None:
    framed = "".join(f"\x0b{message(trigger)}\x1c\r" for trigger in ("A01", "A02"))
    unix = message("A03").replace("\r", "\n")
    batch = "FHS|^~\\&\rBHS|^~\\&\r" + message("A04") + "BTS|1\rFTS|1\r"
    triggers = [event.trigger for event in read(f"{framed}{unix}\r\n{batch}").events]
    assert triggers == ["A01", "A02", "A03", "A04"]


@given(
    st.text(alphabet="MSHPV1EN|^~\\&\r\n 0123456789A", max_size=300), st.integers(0, 200), st.integers(0, 200)
)
def test_no_text_breaks_the_reader(junk: str, start: int, length: int) -> None:
    one = message()
    text = one[:start] + junk + one[start + length :] + "\r" + message("A03")
    feed = read(text)
    # Swapped beds are two events of one message.
    assert sum(feed.told.read.values()) <= len(feed.events) + len(feed.renumberings)
    begun = len(re.findall(r"(?:^|[\r\n\x0b])MSH\|", text))
    assert sum(feed.told.read.values()) + sum(of_messages(feed).values()) == begun


def of_messages(feed: Feed) -> dict[str, int]:
    """What was left out of messages, each with its reason; of texts and files that are none, nothing."""
    return {why: items for why, items in feed.told.left_out.items() if not why.startswith(("texts", "files"))}


def test_published_messages_are_read_or_left_out_for_a_reason() -> None:
    if not DATA.exists():
        pytest.skip("needs ../shared/data/hl7v2_adt")
    files = sorted(DATA.glob("*.hl7"))
    one_site = Places(tuple(site for site in PLACES.sites if site.site_id == "north"))
    feed = read_hl7(map(whole, files), one_site, "site", KEY)
    assert sum(feed.told.read.values()) + sum(feed.told.left_out.values()) == len(files)
    assert not [why for why in feed.told.left_out if why.startswith("can't be read")]
