from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from forecasting.config import Settings
from forecasting.report import (
    coverage_figure,
    past_fans_figure,
    pit_figure,
    reliability_figure,
    skill_figure,
)
from forecasting.schema import FORECAST, OBSERVATION, Target

pytestmark = pytest.mark.unit

MODELS = ("climatology", "glm", "tft seed 1")
ISSUED_AT = datetime(2026, 5, 6, 7, tzinfo=UTC)


def drawn(figure: Figure) -> list[str]:
    """The legend's labels, once the figure is known to be drawable."""
    page = io.BytesIO()
    figure.savefig(page, format="png")
    assert page.getvalue().startswith(b"\x89PNG")
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def test_skill_is_a_line_a_model_around_the_references_zero() -> None:
    rows = [(model, day, 0.01 * day) for model in MODELS for day in range(1, 9)]
    table = pd.DataFrame(rows, columns=["model", "lead_day", "skill"])
    figure = skill_figure(table, "Arrivals", "north", "climatology")
    assert drawn(figure) == ["climatology", "glm", "tft seed 1"]
    _, glm, _ = figure.axes[0].lines
    np.testing.assert_allclose(np.asarray(glm.get_ydata(), dtype=float), np.arange(1, 9))


def test_reliability_is_zero_where_a_quantile_is_right() -> None:
    table = pd.DataFrame({"model": "glm", "level": [0.1, 0.5, 0.9], "share": [0.1, 0.55, 0.9]})
    figure = reliability_figure(table, "Arrivals", "north")
    assert drawn(figure) == ["as stated", "glm"]
    np.testing.assert_allclose(
        np.asarray(figure.axes[0].lines[1].get_ydata(), dtype=float), [0, 5, 0], atol=1e-9
    )


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_pit_has_a_panel_a_model(count: int) -> None:
    models = [f"model {number}" for number in range(count)]
    rows = [(model, at, at + 0.25, 1.0) for model in models for at in (0.0, 0.25, 0.5, 0.75)]
    table = pd.DataFrame(rows, columns=["model", "pit_from", "pit_to", "density"])
    figure = pit_figure(table, "Arrivals", "north")
    drawn(figure)
    assert [axes.get_title(loc="left") for axes in figure.axes if axes.has_data()] == models


def test_coverage_keeps_units_in_order_and_leaves_out_what_is_not_known() -> None:
    rows = [(model, series, 0.8, np.nan) for model in MODELS for series in ("north/ed", "west/ed")]
    table = pd.DataFrame(rows, columns=["model", "series", "pit_80", "pit_90"])
    figure = coverage_figure(table, "Arrivals", "both")
    assert drawn(figure) == ["as stated", *MODELS]
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["north/ed", "west/ed"]


def test_past_fans_show_what_came_and_who_stood_in(settings: Settings) -> None:
    north = settings.site("north")
    hours = pd.date_range(ISSUED_AT - timedelta(days=3), ISSUED_AT + timedelta(days=5), freq="h")
    came = OBSERVATION.conform(
        pd.DataFrame(
            {"site_id": "north", "unit_id": "ed", "target": "ed_arrivals", "valid_at": hours, "value": 3.0}
        )
    )
    fan = pd.DataFrame(
        [
            (hour, level, 6 * level)
            for hour in pd.date_range(ISSUED_AT, periods=48, freq="h")
            for level in (0.1, 0.5, 0.9)
        ],
        columns=["valid_at", "quantile", "value"],
    ).assign(
        issued_at=ISSUED_AT,
        site_id="north",
        unit_id="ed",
        target="ed_arrivals",
        period="PT1H",
        model="tft seed 1",
        model_version="climatology 1",
        note="history too short",
    )
    forecast = FORECAST.conform(fan)
    figure = past_fans_figure(came, forecast, north, north.units[0], Target.ED_ARRIVALS, [ISSUED_AT])
    assert "what came" in drawn(figure)
    assert figure.axes[0].get_title(loc="left").endswith("by a stand-in: history too short")
    later = ISSUED_AT + timedelta(days=1)
    with pytest.raises(ValueError, match="no forecast of ed_arrivals for north/ed issued at"):
        past_fans_figure(came, forecast, north, north.units[0], Target.ED_ARRIVALS, [later])
