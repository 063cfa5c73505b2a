"""No file breaks a loader: each item is read or left out for a reason, whatever was done to it."""

from __future__ import annotations

import gzip
import json
import re
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pyarrow import parquet

from forecasting.config import read_settings
from forecasting.load import (
    Feed,
    LoadRefused,
    Piece,
    Places,
    Pseudonym,
    lines,
    read_fhir,
    read_hl7,
    read_table,
    whole,
)

pytestmark = pytest.mark.unit

DATA = Path(__file__).parents[4] / "shared" / "data"
PLACES = Places(read_settings(Path(__file__).parents[2] / "hospital.toml").sites)
KEY = Pseudonym(b"key")

OWN_HL7 = [
    "\r".join(
        [
            f"MSH|^~\\&|EHR|north|HUB|HUB|{at}||ADT^{trigger}^ADT_{trigger}|{number}|P|2.5",
            f"EVN|{trigger}|{at}",
            "PID|1||MRN7^^^H^MR||PLANTED^NAME||19500101|F",
            "MRG|MRN8||ACC||4710",
            f"PV1|1|I|icu^12^B^north{'|' * 16}4711{'|' * 17}01{'|' * 8}{at}|{at}",
            "",
        ]
    )
    for number, (trigger, at) in enumerate(
        [
            ("A01", "202603081200"),
            ("A02", "20260308130000.5-0500"),
            ("A50", "2026030814"),
            ("A17", "202603081500"),
        ]
    )
]
OWN_FHIR = [
    {
        "resourceType": "Encounter",
        "id": "e1",
        "status": "finished",
        "class": {"code": "IMP"},
        "serviceProvider": {"reference": "Organization/o1"},
        "period": {"start": "2026-03-08T01:30:00-05:00", "end": "2026-03-08T12:00:00-04:00"},
        "location": [
            {"location": {"reference": "Location/w1"}, "period": {"start": "2026-03-08T01:30:00-05:00"}}
        ],
        "hospitalization": {"dischargeDisposition": {"coding": [{"code": "snf"}]}},
    },
    {
        "resourceType": "Location",
        "id": "w1",
        "name": "icu",
        "identifier": [{"system": "urn:x", "value": "7"}],
        "partOf": {"reference": "Location/w0"},
        "managingOrganization": {"reference": "Organization/o1"},
    },
    {"resourceType": "Organization", "id": "o1", "name": "north"},
]
OWN_CSV = (
    "visit_id,site_id,arrived_at,departed_at,acuity,disposition\n"
    "1,north,2026-03-01 12:00,2026-03-01 15:00,3,home\n"
    '2,west,2026-03-01T12:00:00-08:00,,5,"left, unseen"\n'
    "3,north,9999-12-31 23:59:59,0001-01-01 00:00:00,1e300,\n"
)

MARKS = [
    "",
    "|",
    "^",
    "&",
    "~",
    "\\",
    "\r",
    "\n",
    "\x00",
    "\x0b",
    "\x1c",
    "\ufeff",
    "\ud800",
    ",",
    '"',
    ";",
    "\t",
]
TIMES = [
    "00010101000000+1400", "99991231235959-0500", "21120917123000", "20260308120000+2600", "2112-09-17 12:30",
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-03-08T12:00:00+26:00",
    "2026-06-30T23:59:60Z", "2026-03-08 02:30", "2026-11-01 01:30",
]  # fmt: skip
VALUES = [
    "MSH|", "٢٠٢٦", "NaN", "inf", "-1", "1e999", "<5", "null", "NULL", "\\.sp999999999\\", "\\X0Z\\",
    "\\Cxx\\", "x" * 70_000, "é" * 300, "=cmd|' /C calc'!A0",
]  # fmt: skip
ODD = st.sampled_from([*MARKS, *TIMES, *VALUES])
CUTS = st.tuples(st.integers(0, 10**6), st.integers(0, 40), ODD)
ENCODINGS = st.sampled_from(["utf-8", "utf-8-sig", "latin-1", "utf-16", "utf-16-le", "cp1252", "utf-32"])
FEWER = examples(max_examples=examples().max_examples * 3 // 5)


def published(folder: str, pattern: str, own: list[str]) -> list[str]:
    """The texts of published files, where they lie beside the project; else of our own alone."""
    texts = [path.read_text(encoding="utf-8-sig", errors="replace") for path in (DATA / folder).glob(pattern)]
    return own + sorted(texts)


HL7 = published("hl7v2_adt", "*.hl7", OWN_HL7)
FHIR = published("fhir_synthea", "none", [json.dumps(one) for one in OWN_FHIR])


def mutated(text: str, cuts: list[tuple[int, int, str]]) -> str:
    """The text with stretches of it replaced by something odd."""
    for start, length, odd in cuts:
        at = start % (len(text) + 1)
        text = text[:at] + odd + text[at + length :]
    return text


def written(name: str, content: bytes, read: Callable[[Path], Any]) -> Any:
    """What a reader makes of a file; None where it refuses the file in words that name it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        return read_or_refused(path, read)


def read_or_refused(path: Path, read: Callable[[Path], Any]) -> Any:
    refusal = ""
    try:
        return read(path)
    except LoadRefused as error:
        refusal = str(error)
    assert path.name in refusal
    return None


def items(feed: Feed) -> int:
    return sum(feed.told.read.values()) + sum(feed.told.left_out.values())


@FEWER
@given(
    texts=st.lists(st.sampled_from(HL7), min_size=1, max_size=3),
    cuts=st.lists(CUTS, max_size=4),
    code=ENCODINGS,
)
def test_every_message_is_read_or_left_out(
    texts: list[str], cuts: list[tuple[int, int, str]], code: str
) -> None:
    content = mutated("\r".join(texts), cuts).encode(code, errors="replace")
    feed = written("feed.hl7", content, lambda path: read_hl7([whole(path)], PLACES, "site", KEY))
    assert items(feed) >= 1
    assert set(feed.told.first_at) == set(feed.told.left_out)
    told = repr(feed.told)
    assert "PLANTED" not in told
    assert len(told) < 10_000
    for event in feed.events:
        assert event.at.tzinfo is not None
        assert event.unit_id.isprintable() or "\x00" not in event.unit_id


@FEWER
@given(
    drop=st.lists(st.integers(0, 100), max_size=3),
    change=st.lists(
        st.tuples(st.integers(0, 100), st.one_of(ODD, st.none(), st.integers(), st.just([]), st.just({}))),
        max_size=3,
    ),
    cuts=st.lists(CUTS, max_size=1),
    seed=st.integers(0, 99),
)
def test_every_line_of_an_export_is_read_or_left_out(
    drop: list[int], change: list[tuple[int, Any]], cuts: list[tuple[int, int, str]], seed: int
) -> None:
    resources = json.loads(json.dumps(OWN_FHIR))
    for place in drop:
        _at(resources, place, lambda holder, key: holder.pop(key))
    for place, value in change:
        _at(resources, place, partial(_put, value=value))
    random = Random(seed)  # noqa: S311
    told = [mutated(json.dumps(one), cuts if random.random() < 0.3 else []) for one in resources]
    pieces = [Piece(text, "here") for text in told]
    feed = read_fhir(pieces, PLACES, KEY)
    again = read_fhir(random.sample(pieces, len(pieces)), PLACES, KEY)
    assert (again.ways, again.told.left_out) == (feed.ways, feed.told.left_out)
    encounters = sum(bool(one.strip()) and '"Encounter"' in one for one in told)
    assert items(feed) >= encounters - sum("\n" in one for one in told)


def _put(holder: Any, key: Any, value: Any) -> None:
    holder[key] = value


def _at(tree: Any, place: int, do: Callable[[Any, Any], Any]) -> None:
    """Do something to the ``place``-th leaf or branch of a tree of lists and dictionaries."""
    holders: list[tuple[Any, Any]] = []

    def walk(node: Any) -> None:
        for key in list(node) if isinstance(node, dict) else range(len(node)):
            holders.append((node, key))
            if isinstance(node[key], dict | list):
                walk(node[key])

    walk(tree)
    if holders:
        do(*holders[place % len(holders)])


@FEWER
@given(cuts=st.lists(CUTS, max_size=4), code=ENCODINGS, repeated=st.integers(1, 3))
def test_every_row_of_a_csv_is_read_or_left_out(
    cuts: list[tuple[int, int, str]], code: str, repeated: int
) -> None:
    head, *rows = OWN_CSV.splitlines(keepends=True)
    content = mutated(head + "".join(rows) * repeated, cuts).encode(code, errors="replace")
    feed = written("ed_visit.csv", content, lambda path: read_table(path, {}, PLACES, "site", KEY))
    if feed is not None and not cuts and code.startswith("utf-8"):
        assert items(feed) == 3 * repeated
    if feed is not None:
        ((_, frame),) = feed.tables
        assert frame["arrived_at"].notna().all()
        assert frame["acuity"].dropna().abs().lt(2**15).all()
        assert len(frame) == sum(feed.told.read.values())


CELLS = st.one_of(
    ODD.filter(lambda text: "\ud800" not in text),
    st.none(),
    st.datetimes(),
    st.dates(),
    st.integers(-(2**62), 2**62),
    st.floats(),
    st.booleans(),
    st.binary(max_size=4),
)


@FEWER
@given(
    columns=st.fixed_dictionaries(
        {},
        optional={
            name: st.lists(CELLS, min_size=4, max_size=4)
            for name in ("stay_id", "site_id", "unit_id", "bed_from", "bed_to")
        },
    ),
    index=st.sampled_from([None, "bed_to", pd.Index([0, 0, 1, 1])]),
    tz=st.sampled_from([None, "UTC", "Asia/Kathmandu"]),
)
def test_every_row_of_a_parquet_file_is_read_or_left_out(
    columns: dict[str, list[Any]], index: Any, tz: str | None
) -> None:
    whole_rows: dict[str, list[Any]] = {
        "stay_id": ["1", "2", "3", "4"],
        "site_id": ["north", "west", "north", "elsewhere"],
        "unit_id": ["icu", "ward", "icu", "ward"],
        "bed_from": list(pd.date_range("2026-03-08 01:30", periods=4, freq="h", tz=tz)),
        "bed_to": list(pd.date_range("2026-03-09", periods=4, freq="h", tz=tz)),
    }
    frame = pd.DataFrame(whole_rows | columns)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bed_stay.parquet"
        try:
            (frame if index is None else frame.set_index(index)).to_parquet(path)
        except (pa.ArrowException, ValueError, TypeError, OverflowError):
            return
        feed = read_or_refused(path, lambda path: read_table(path, {}, PLACES, "site", KEY))
    if feed is None:
        return
    assert items(feed) == 4
    ((_, read),) = feed.tables
    assert read["bed_from"].notna().all()


READERS: dict[str, Callable[[Path], Any]] = {
    "feed.hl7": lambda path: read_hl7([whole(path)], PLACES, "site", KEY),
    "Encounter.ndjson": lambda path: read_fhir(lines(path), PLACES, KEY),
    "ed_visit_2026-03.csv": lambda path: read_table(path, {}, PLACES, "site", KEY),
}
CONTENTS = {"feed.hl7": OWN_HL7[0], "Encounter.ndjson": "\n".join(FHIR), "ed_visit_2026-03.csv": OWN_CSV}


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("code", ["utf-8", "utf-16"])
def test_a_packed_file_is_read_as_it_was_before(tmp_path: Path, name: str, code: str) -> None:
    plain, packed = tmp_path / name, tmp_path / f"{name}.gz"
    plain.write_bytes(CONTENTS[name].encode(code))
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    read, unpacked = READERS[name](plain), READERS[name](packed)
    assert read.told.read
    assert (unpacked.told.read, unpacked.told.left_out) == (read.told.read, read.told.left_out)
    assert (unpacked.events, unpacked.ways) == (read.events, read.ways)
    assert repr(unpacked.tables) == repr(read.tables)


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("cut", [1, 12, -9])
def test_a_packed_file_that_was_cut_off_is_refused(tmp_path: Path, name: str, cut: int) -> None:
    path = tmp_path / f"{name}.gz"
    path.write_bytes(gzip.compress(CONTENTS[name].encode())[:cut])
    with pytest.raises(LoadRefused, match=re.escape(str(path))):
        READERS[name](path)


@pytest.mark.parametrize("cut", [1, 10, 100, -10])
def test_a_parquet_file_that_was_cut_off_is_refused(tmp_path: Path, cut: int) -> None:
    parquet.write_table(pa.table({"site_id": ["north"], "unit_id": ["icu"]}), tmp_path / "unit.parquet")
    content = (tmp_path / "unit.parquet").read_bytes()
    (tmp_path / "unit.parquet").write_bytes(content[:cut])
    with pytest.raises(LoadRefused, match=r"unit\.parquet: can't be read as parquet"):
        read_table(tmp_path / "unit.parquet", {}, PLACES, "site", KEY)


def test_a_nested_column_is_refused_by_name(tmp_path: Path) -> None:
    parquet.write_table(pa.table({"site_id": [["north"]], "unit_id": ["icu"]}), tmp_path / "unit.parquet")
    with pytest.raises(LoadRefused, match=r"column 'site_id' is of type list.*write it flat"):
        read_table(tmp_path / "unit.parquet", {}, PLACES, "site", KEY)


@pytest.mark.parametrize("code", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_csv_as_spreadsheets_write_it_is_read(tmp_path: Path, code: str, separator: str) -> None:
    path = tmp_path / "unit.CSV"
    path.write_text(
        f"site_id{separator} unit_id{separator}name\nnorth{separator}icu{separator}Été\n", encoding=code
    )
    ((_, frame),) = read_table(path, {}, PLACES, "site", KEY).tables
    assert frame[["site_id", "unit_id", "name"]].to_numpy().tolist() == [["north", "icu", "Été"]]


def test_a_csv_in_another_encoding_is_refused_rather_than_read_under_other_names(tmp_path: Path) -> None:
    (tmp_path / "unit.csv").write_text("site_id,unit_id\nnorth,été\n", encoding="latin-1")
    with pytest.raises(LoadRefused, match=r"unit\.csv: can't be read as csv: .*; write it in UTF-8"):
        read_table(tmp_path / "unit.csv", {}, PLACES, "site", KEY)


def test_lines_and_messages_in_utf_16_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.hl7").write_text(OWN_HL7[0], encoding="utf-16", newline="")
    assert len(read_hl7([whole(tmp_path / "a.hl7")], PLACES, "site", KEY).events) == 1
    (tmp_path / "a.ndjson").write_text("\n".join(json.dumps(one) for one in OWN_FHIR), encoding="utf-16")
    assert len(read_fhir(lines(tmp_path / "a.ndjson"), PLACES, KEY).ways) == 1


def test_an_end_that_cannot_be_read_does_not_leave_the_patient_there_for_ever(tmp_path: Path) -> None:
    (tmp_path / "ed_visit.csv").write_text(
        "visit_id,site_id,arrived_at,departed_at\n"
        "1,north,2026-03-01 12:00,03/01/2026 14:00\n"
        "2,north,2026-03-01 12:00,9999-12-31 00:00\n"
        "3,north,2026-03-01 12:00+01,2026-03-01 14:00:00.0000000 +00:00\n"
    )
    feed = read_table(tmp_path / "ed_visit.csv", {}, PLACES, "site", KEY)
    ((why, number),) = feed.told.left_out.items()
    assert why.startswith("ed_visit rows whose departed_at can't be read (written as 2026-03-01 14:05")
    assert number == 1
    assert feed.told.first_at[why].endswith("ed_visit.csv, row 1")
    ((_, frame),) = feed.tables
    assert frame["departed_at"].isna().tolist() == [True, False]
    assert frame["arrived_at"].dt.hour.tolist() == [17, 11]
