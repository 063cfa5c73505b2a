"""No hospital.toml ends in a traceback: it is read, or refused in words that name the file and the key."""

from __future__ import annotations

import copy
import tempfile
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import rtoml
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from forecasting.config import ConfigError, Settings, read_settings

pytestmark = pytest.mark.unit

DEMO = Path(__file__).parents[2] / "hospital.toml"
CONTENT = tomllib.loads(DEMO.read_text(encoding="utf-8"))
NIGHT = date(2026, 11, 1)

Place = tuple[str | int, ...]


def places(node: Any, above: Place = ()) -> list[Place]:
    """Where each key, list item and table of a file is."""
    below = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [place for key, value in below for place in [(*above, key), *places(value, (*above, key))]]


PLACES = places(CONTENT)
NAMED = ("rules", "posts")
"""Tables whose keys are the hospital's own."""
WORDS = [
    "", " ", "\x00", "x" * 5_000, "é", "[/]", "Mars/Base", "../../etc/passwd", "07:00Z", "25:00", "7", "nan",
]  # fmt: skip
NUMBERS = [
    float("nan"), float("inf"), float("-inf"), -1, 0, 0.0, -0.5, 1e308, 5e-324, 2**62, -(2**62), True, False,
]  # fmt: skip
BRANCHES: list[Any] = [[], {}, [[]], [{}], {"": 1}, {"a.b": []}, ["ed", "ed"], [0.5], [1] * 3_000]
ODD: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from([*WORDS, *NUMBERS, *BRANCHES, date(2026, 1, 1)]),
    st.text(max_size=5),
    st.integers(-10, 10),
)


def read(content: bytes) -> Settings | str:
    """The settings of a file, or in which words it is refused."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hospital.toml"
        path.write_bytes(content)
        try:
            settings = read_settings(path)
        except ConfigError as error:
            refusal = str(error)
        else:
            return settings
        assert str(path) in refusal
        assert len(refusal) < 20_000
        return refusal


def usable(settings: Settings) -> None:
    """What every task asks of the settings first."""
    for site in settings.sites:
        assert settings.first_plan_date(site, settings.issued_at(NIGHT)) >= NIGHT
    assert settings.lead_hours > 0
    assert settings.digest


def changed(place: Place, value: Any) -> dict[str, Any]:
    content = copy.deepcopy(CONTENT)
    holder: Any = content
    for key in place[:-1]:
        holder = holder[key]
    if value is None:
        del holder[place[-1]]
    else:
        holder[place[-1]] = value
    return content


@given(place=st.sampled_from(PLACES), value=st.one_of(st.none(), ODD))
def test_whatever_a_key_holds_it_is_used_or_refused_by_its_name(place: Place, value: Any) -> None:
    told = read(rtoml.dumps(changed(place, value)).encode())
    if isinstance(told, Settings):
        usable(told)
    else:
        named = [str(part) for part in place if isinstance(part, str)]
        # What must fit together is told of the whole file, by the names of what doesn't.
        assert any(part in told for part in named) or "\n  the file: " in told, told


@given(above=st.sampled_from([place for place in PLACES if place[-1] not in NAMED]), value=ODD)
@examples(max_examples=examples().max_examples // 3)
def test_a_key_that_there_is_not_is_refused_by_its_name(above: Place, value: Any) -> None:
    content = copy.deepcopy(CONTENT)
    holder: Any = content
    for key in above:
        holder = holder[key]
    if not isinstance(holder, dict):
        return
    holder["no_such_key"] = value
    told = read(rtoml.dumps(content).encode())
    assert isinstance(told, str)
    assert "no_such_key" in told


@given(
    cuts=st.lists(
        st.tuples(
            st.integers(0, 10**5),
            st.integers(0, 60),
            st.sampled_from(
                [b"", b'"', b"[", b"]]", b"=", b"\n", b"\xff", b"\x00", b"\xc3\xa9", b"{" * 500, b"1e999"]
            ),
        ),
        min_size=1,
        max_size=4,
    )
)
@examples(max_examples=examples().max_examples * 3 // 5)
def test_a_text_that_is_cut_or_overwritten_is_used_or_refused(cuts: list[tuple[int, int, bytes]]) -> None:
    text = DEMO.read_bytes()
    for start, length, odd in cuts:
        at = start % len(text)
        text = text[:at] + odd + text[at + length :]
    told = read(text)
    if isinstance(told, Settings):
        usable(told)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            DEMO.read_text(encoding="utf-8").replace("Harbor General", "Évry").encode("latin-1"),
            "is not UTF-8",
        ),
        (DEMO.read_bytes()[:-100] + b"\xff", "is not UTF-8; save the file in that encoding"),
        (DEMO.read_text(encoding="utf-8").encode("utf-16"), "line 1 is not UTF-8"),
        (b"", "group: Field required"),
        (b"[" * 10_000, "not valid TOML"),
    ],
    ids=["latin-1", "a broken byte", "utf-16", "empty", "nested"],
)
def test_a_file_of_another_kind_is_refused(content: bytes, said: str) -> None:
    told = read(content)
    assert isinstance(told, str)
    assert said in told


def test_a_mark_at_the_files_beginning_is_no_part_of_it() -> None:
    told = read(b"\xef\xbb\xbf" + DEMO.read_bytes())
    assert isinstance(told, Settings)


def test_a_folder_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"can't be read \(Is a directory\); set HOSPITAL_CONFIG to a file"):
        read_settings(tmp_path)


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (("shifts", 0, "start"), "07:00Z", "has no offset; write it as 07:00"),
        (("source", "history_days"), 2**62, "less than or equal to 36525"),
        (("retention", "page_days"), 10**7, "less than or equal to 36525"),
        (("training", "learning_rate"), float("inf"), "finite"),
        (("sites", 0, "name"), "a\x00b", "pattern"),
        (("sites", 0, "units"), "ed " * 3_000, "…"),
    ],
)
def test_values_on_which_a_night_would_break_are_refused(place: Place, value: Any, said: str) -> None:
    told = read(rtoml.dumps(changed(place, value)).encode())
    assert isinstance(told, str)
    assert ".".join(map(str, place)) in told
    if said != "…":
        assert said in told
    assert len(told) < 1_000
