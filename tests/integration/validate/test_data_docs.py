"""Data Docs: one page for every table of every site, readable without the internet."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from forecasting.validate import Verdict, build_data_docs

pytestmark = pytest.mark.integration

Tables = dict[str, pd.DataFrame]


@pytest.fixture
def two_sites(tables: Tables, judge_night: Callable[..., Verdict]) -> list[dict[str, object]]:
    clean = judge_night(tables).documents
    tables["observation"].loc[[10, 100], "value"] = -3.0
    spoilt = judge_night(tables).documents
    for document in spoilt:
        document["meta"] = {**document["meta"], "site": "west"}
    return [*clean, *spoilt]


def test_the_index_leads_to_every_table_of_every_site(
    two_sites: list[dict[str, object]], tmp_path: Path
) -> None:
    index = build_data_docs(two_sites, tmp_path / "docs")
    links = re.findall(r'href="([^"]+)"', index.read_text())
    assert len(links) == len(two_sites) == len(set(links))
    for link in links:
        page = index.parent / link
        assert page.is_file()
        (back,) = re.findall(r'href="(\.\./[^"]+)"', page.read_text())
        assert (page.parent / back).resolve() == index.resolve()


def test_states_and_sentences_are_shown(two_sites: list[dict[str, object]], tmp_path: Path) -> None:
    index = build_data_docs(two_sites, tmp_path / "docs")
    assert index.read_text().count('class="state warned"') == 2
    assert index.read_text().count("negative counts in") == 2
    (page,) = index.parent.glob("validations/west/**/observation.ed_arrivals.html")
    (other,) = index.parent.glob("validations/west/**/observation.bed_census.html")
    assert "negative counts in" in page.read_text() + other.read_text()


def test_nothing_is_loaded_from_elsewhere(two_sites: list[dict[str, object]], tmp_path: Path) -> None:
    index = build_data_docs(two_sites, tmp_path / "docs")
    for page in index.parent.rglob("*.html"):
        assert not re.search(r"<script|https?://|//cdn", page.read_text()), page


def test_a_unit_s_name_is_text_not_markup(
    tables: Tables, judge_night: Callable[..., Verdict], tmp_path: Path
) -> None:
    tables["observation"]["unit_id"] = tables["observation"]["unit_id"].replace("icu", "<img src=x>$y")
    index = build_data_docs(judge_night(tables).documents, tmp_path / "docs")
    (page,) = index.parent.glob("validations/**/observation.html")
    assert "&lt;img src=x&gt;" in page.read_text()
    assert not any("<img" in page.read_text() for page in index.parent.rglob("*.html"))


def test_building_again_leaves_the_same_files(two_sites: list[dict[str, object]], tmp_path: Path) -> None:
    first, second = (build_data_docs(two_sites, tmp_path / name).parent for name in ("one", "other"))
    pages = {page.relative_to(first): page.read_text() for page in first.rglob("*.html")}
    assert {page.relative_to(second): page.read_text() for page in second.rglob("*.html")} == pages


def test_a_night_without_documents_has_an_empty_site(tmp_path: Path) -> None:
    assert build_data_docs([], tmp_path / "docs").is_file()


def test_importing_the_room_does_not_import_great_expectations() -> None:
    code = "import sys, forecasting.validate; sys.exit('great_expectations' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
