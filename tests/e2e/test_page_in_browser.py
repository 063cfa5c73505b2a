"""The page that a night left, as people open it: on a desk, on a telephone, on paper."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e.installation import Installation
from playwright.sync_api import Browser, Page, sync_playwright

from forecasting import pipeline
from forecasting.config import read_settings

pytestmark = pytest.mark.e2e

SITES = ("north", "west")
PDF_PAGE = re.compile(rb"/Type\s*/Page\b(?!s)")


@pytest.fixture(scope="module")
def addresses(installation: Installation, first_run: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """The pages' addresses by site, as the run printed them."""
    found = re.findall(r"^page +(\S+)$", first_run.stdout, re.MULTILINE)
    night = pipeline.latest_night(read_settings(installation.place.config))
    assert found == pipeline.pages(installation.place, night), first_run.stdout
    return {Path(path).stem: Path(path).as_uri() for path in found}


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield launched
        launched.close()


def _opened(browser: Browser, address: str, width: int) -> tuple[Page, list[str]]:
    """The page, and what the browser complains of or asks for beside it."""
    page = browser.new_page(viewport={"width": width, "height": 900}, java_script_enabled=False)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: said.append(request.url) if request.url != address else None)
    page.goto(address)
    return page, said


@pytest.mark.parametrize("width", [1280, 920, 720, 360])
@pytest.mark.parametrize("site_id", SITES)
def test_it_fits_its_window_without_script_or_network(
    browser: Browser, addresses: dict[str, str], site_id: str, width: int
) -> None:
    page, said = _opened(browser, addresses[site_id], width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.get_by_role("heading", level=2).first.inner_text().startswith("Tomorrow, ")
    for picture in page.get_by_role("img").all():
        assert picture.bounding_box()
    assert said == []
    page.close()


def test_every_post_can_be_read_on_a_telephone(browser: Browser, addresses: dict[str, str]) -> None:
    page, _ = _opened(browser, addresses["north"], 360)
    posts = page.locator("tr.post").all()
    assert len(posts) == 4
    for post in posts:
        assert re.search(r"\d+ short|\d+ over|even", post.inner_text())
        box = post.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 360
    page.close()


@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_tomorrows_table_is_on_the_first_sheet_of_paper(
    browser: Browser, addresses: dict[str, str], paper: str
) -> None:
    page, _ = _opened(browser, addresses["north"], 1280)
    whole = len(PDF_PAGE.findall(page.pdf(format=paper)))
    # Not by add_style_tag, which waits for an event that never comes where scripts are off.
    page.evaluate("document.querySelectorAll('.sheet ~ section').forEach(later => later.remove())")
    assert len(PDF_PAGE.findall(page.pdf(format=paper))) == 1
    assert whole > 1
    page.close()
