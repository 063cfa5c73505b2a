from __future__ import annotations

import re
from datetime import timedelta
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as trials
from hypothesis import strategies as st
from unit.report.conftest import MakeNight

from forecasting.config import Privacy, Settings
from forecasting.report.page.axis import LEFT, RIGHT, line, scale
from forecasting.report.page.hour_table import hour_tables
from forecasting.report.page.unit_chart import interval, unit_chart

pytestmark = pytest.mark.unit


def test_silent_hours_break_the_line() -> None:
    path = line(np.array([0.0, 1, 2, 3]), np.array([5.0, np.nan, 7, 8]))
    assert path == "M0.0 5.0M2.0 7.0L3.0 8.0"


@trials(max_examples=60, deadline=None)
@given(largest=st.floats(0, 1e6))
def test_a_scale_holds_its_numbers_with_a_few_round_ticks(largest: float) -> None:
    up = scale(largest, top=10, height=100)
    assert 10 <= up.one(largest) <= 110
    assert up.one(0) == 110
    assert 2 <= len(up.ticks()) <= 6
    assert all(tick.words == str(round(float(tick.words))) for tick in up.ticks())
    assert len({tick.words for tick in up.ticks()}) == len(up.ticks())


@pytest.mark.parametrize(
    ("levels", "pair"),
    [
        ((0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95), (0.1, 0.9)),
        ((0.25, 0.5, 0.75), (0.25, 0.75)),
        ((0.1, 0.5, 0.8), None),
    ],
)
def test_the_band_is_the_interval_nearest_to_eight_in_ten(
    levels: tuple[float, ...], pair: tuple[float, float] | None
) -> None:
    assert interval(levels) == pair


def test_counts_too_small_to_be_shown_are_neither_drawn_nor_written(
    make_night: MakeNight, settings: Settings
) -> None:
    counts = make_night().history
    last = counts["valid_at"] == counts["valid_at"].max()
    nobody = counts["valid_at"] == counts["valid_at"].max() - timedelta(hours=1)
    history = counts.assign(value=counts["value"].mask(last, 4.0).mask(nobody, 0.0))
    shy = settings.model_copy(update={"privacy": Privacy(smallest_count=5)})
    cells, drawn = {}, {}
    for name, configured in (("all", settings), ("shy", shy)):
        night = make_night(configured=configured, history=history)
        (table,) = [of for of in hour_tables(night, night.site.units[0]) if of.title.startswith("Arrivals")]
        cells[name] = [cell for _, row in table.rows for cell in row]
        drawn[name] = unit_chart(night, night.site.units[0]).panels[1].counted
    assert [cell for cell in cells["all"] if cell not in cells["shy"]] == ["4"]
    assert cells["shy"].count("<5") == 1
    assert "0" in cells["shy"]
    assert drawn["all"].count("L") == drawn["shy"].count("L") + 1


def test_shifts_lie_in_their_hours_and_none_upon_another(make_night: MakeNight) -> None:
    told = make_night()
    for change in (0, 6):
        # Six hours: a shift of twelve that starts in the middle of another.
        night = told.recommendations["shift"] == "night"
        starts = told.recommendations["shift_start"].mask(
            night, told.recommendations["shift_start"] - pd.Timedelta(hours=change)
        )
        chart = unit_chart(
            make_night(recommendations=told.recommendations.assign(shift_start=starts)), told.site.units[0]
        )
        (strip,) = chart.strips
        edges = [(bar.x, bar.x + bar.width) for bar in strip.bars]
        assert len(edges) == 6
        assert all(earlier[1] <= later[0] for earlier, later in pairwise(edges))
        assert edges[0][0] >= LEFT
        assert edges[-1][1] <= RIGHT


def test_two_templates_with_the_same_start_share_their_slot(make_night: MakeNight) -> None:
    heads = make_night().recommendations
    day = heads[(heads["shift"] == "day")].assign(shift="early")
    short = day.assign(shift_end=day["shift_start"] + timedelta(hours=8))
    both = pd.concat([heads, short])
    chart = unit_chart(make_night(recommendations=both), make_night().site.units[0])
    (strip,) = chart.strips
    edges = [(bar.x, bar.x + bar.width) for bar in strip.bars]
    assert len(edges) == 9
    assert all(earlier[1] <= later[0] for earlier, later in pairwise(edges))


def test_a_shortage_is_hatched_from_the_scheduled_to_the_required_and_numbered(make_night: MakeNight) -> None:
    heads = make_night().recommendations.assign(required=9, scheduled=6, gap=3.0)
    (strip,) = unit_chart(make_night(recommendations=heads), make_night().site.units[1]).strips
    for bar in strip.bars:
        assert bar.missing
        assert (bar.label, bar.heads) == ("▲3", "6")
        assert bar.required is not None
        assert bar.scheduled is not None
        assert strip.top < bar.required < bar.scheduled < strip.bottom


def test_nobody_rostered_and_no_roster_are_told_apart(make_night: MakeNight) -> None:
    unit = make_night().site.units[1]
    nobody = make_night().recommendations.assign(scheduled=0, gap=8)
    unknown = nobody.assign(scheduled=None, gap=None)
    for heads, told in ((nobody, "0"), (unknown, "")):
        (strip,) = unit_chart(make_night(recommendations=heads), unit).strips
        assert {bar.heads for bar in strip.bars} == {told}
        assert {bar.scheduled is None for bar in strip.bars} == {told == ""}


def test_counts_end_where_the_forecast_begins(make_night: MakeNight) -> None:
    chart = unit_chart(make_night(), make_night().site.units[0])
    for panel in chart.panels:
        counted = [float(x) for x in re.findall(r"[ML]([\d.]+) ", panel.counted)]
        expected = [float(x) for x in re.findall(r"[ML]([\d.]+) ", panel.median)]
        assert min(counted) == pytest.approx(LEFT)
        assert max(counted) < chart.issued == pytest.approx(min(expected), abs=0.11)
    assert [panel.title for panel in chart.panels] == ["Patients present", "Arrivals an hour"]
    assert [panel.beds_told for panel in chart.panels] == ["30 beds", ""]
