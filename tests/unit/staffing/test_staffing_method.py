from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from forecasting.staffing.cover import Posts, SiteCase, Slot, Surge, UnitCase, Wages, cover, judged
from forecasting.staffing.offered_load import (
    StayLaw,
    boarding,
    in_care,
    offered_load,
    safety,
    square_root_heads,
)

pytestmark = pytest.mark.unit

PAGE = (Path(__file__).parents[3] / "docs" / "staffing_method.md").read_text(encoding="utf-8")
PAGE = PAGE.replace("\N{MULTIPLICATION SIGN}", "x")


def test_the_pages_ed_needs_the_nurses_it_says() -> None:
    stay = StayLaw.from_counts([0, 1, 3], [0, 1])
    wait = StayLaw.from_counts([0, 2, 4], [0, 1])
    classes = [in_care("care", 1.0, stay), boarding("boarders", 0.2, stay, wait)]
    load = offered_load(np.full((1, 40), 6.0), classes, hours=1)
    assert load["care"][0, 0] == pytest.approx(12)
    assert load["boarders"][0, 0] == pytest.approx(3.6)
    nurses = (load["care"] + load["boarders"])[0] / 4
    above = nurses[0] + safety(0.1) * np.sqrt(0.25 * nurses[0])
    assert f"√(0.25 x {nurses[0]:.1f}) = {above:.2f}, so **{square_root_heads(nurses, 0.1, 0.25)[0]}" in PAGE


def test_the_pages_unit_is_planned_as_it_says() -> None:
    need = np.repeat([3] * 6 + [4] * 3 + [5], 12).reshape(10, 12)
    unit = UnitCase(
        "unit", need, Posts((0,), (9,)), Wages(50, 60, 20), short=200, surges=(Surge("on_call", 80, 1),)
    )
    site = SiteCase((Slot("day", 0, 12),), (unit,), roster={"unit": (3,)})
    three, four = (judged(site, {"unit": (heads,)}) for heads in (3, 4))
    assert f"{three.units[0].wages:,.0f} | 0.4 x 960 = {0.4 * 960:.0f}" in PAGE
    assert f"= {three.units[0].short_hours * 200:.0f} | **{three.cost:,.0f}**" in PAGE
    assert (
        f"{four.units[0].wages:,.0f} | 0.1 x 960 = {four.units[0].follows:.0f} | 0 | {four.cost:,.0f} |"
        in PAGE
    )
    planned = cover(site)
    assert planned.cost == pytest.approx(three.cost)
    (day,) = planned.unit("unit").stretches
    assert f"with probability {day.probability_short:.1f} someone is called" in PAGE
    assert day.relief is not None
    assert (day.relief.resource, day.relief.heads) == ("own", 1)
    assert f"one more own head that day, for {day.relief.cost:.0f}." in PAGE
    alone = cover(replace(site, units=(replace(unit, surges=()),)))
    assert alone.unit("unit").heads == (4,)
