from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from forecasting.schema import ED_STAY
from forecasting.staffing.cover import Posts, SiteCase, Slot, Surge, UnitCase, Wages, cover, judged
from forecasting.staffing.distribution import Draws
from forecasting.staffing.offered_load import OfferedLoad
from forecasting.staffing.outlook import SamplePaths
from forecasting.staffing.square_root import dispersion, safety
from forecasting.staffing.stays import Stays

pytestmark = pytest.mark.unit

PAGE = (Path(__file__).parents[3] / "docs" / "staffing_method.md").read_text(encoding="utf-8")
PAGE = PAGE.replace("\N{MULTIPLICATION SIGN}", "x")


def test_the_pages_ed_needs_the_nurses_it_says() -> None:
    cells = [(3, stay, 4000) for stay in (1, 2, 3)] + [(2, stay, 1000) for stay in (4, 5, 6)]
    counts = pd.DataFrame(cells, columns=["acuity", "stay_hours", "patients"])
    counts = counts.merge(pd.DataFrame({"local_hour": range(24)}), how="cross").assign(site_id="north")
    law = Stays.counted(ED_STAY.conform(counts))
    expected = 6 * law.mean_hours[12]
    assert f"6 x 0.8 x 2 = {6 * 0.8 * 2:.1f} and 6 x 0.2 x 5 = {6 * 0.2 * 5:.0f}" in PAGE
    assert f"together {expected:.1f} patients, {6 * 0.2 * 3:.1f} of them boarders" in PAGE
    nurses = expected / 4
    above = nurses + safety(0.1) * np.sqrt(0.25 * nurses)
    assert f"√(0.25 x {nurses:.1f}) = {above:.2f}, so\n**{np.ceil(above):.0f} nurses**" in PAGE

    issued_at = datetime(2026, 6, 10, 7, tzinfo=UTC)
    hours = pd.date_range(issued_at, periods=24, freq="h", unit="us")
    came = np.random.default_rng(2).poisson(6, (8000, 1, 24))
    load = OfferedLoad("ed", ZoneInfo("America/New_York"), issued_at, law, {})
    patients = load.patients(SamplePaths(("ed",), hours, came))[:, 12:].T.astype(float)
    assert patients.mean() == pytest.approx(expected, rel=0.005)
    assert dispersion(patients) == pytest.approx(1, abs=0.03)
    assert f"an hour has {Draws(patients[0]).at(0.75):.0f} patients at most: 18 ÷ 4 = 4.5, so **5" in PAGE


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
