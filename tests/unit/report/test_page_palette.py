from __future__ import annotations

from itertools import product

import pytest

from forecasting.report.page.palette import GROUND, INK, MARK

pytestmark = pytest.mark.unit

READABLE, VISIBLE = 4.5, 3.0
"""WCAG 2.2 AA, success criteria 1.4.3 and 1.4.11."""


def luminance(colour: str) -> float:
    channels = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted(map(luminance, (one, other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_contrast_is_reckoned_as_the_standard_does() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize(("ink", "ground"), list(product(INK, GROUND)))
def test_words_can_be_read_on_every_ground(ink: str, ground: str) -> None:
    assert contrast(INK[ink], GROUND[ground]) >= READABLE


@pytest.mark.parametrize("line", ["median", "edge"])
def test_lines_that_tell_something_are_visible(line: str) -> None:
    assert contrast(MARK[line], GROUND["paper"]) >= VISIBLE


def test_numbers_can_be_read_on_a_bar_and_the_median_seen_on_its_band() -> None:
    assert contrast(INK["ink"], MARK["bar"]) >= READABLE
    assert contrast(MARK["median"], MARK["band"]) >= VISIBLE
