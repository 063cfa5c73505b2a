from __future__ import annotations

import io
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from forecasting.config import Settings, Site
from forecasting.report import forecast_figure, site_figure
from forecasting.schema import FORECAST, OBSERVATION, Target

pytestmark = pytest.mark.unit

# The clocks in New York went back six hours earlier.
ISSUED_AT = datetime(2026, 11, 1, 8, tzinfo=UTC)
SILENT = ISSUED_AT - timedelta(hours=30)


@pytest.fixture(scope="module")
def north(settings: Settings) -> Site:
    return settings.site("north")


def history(*units: str, target: str = "bed_census") -> pd.DataFrame:
    hours = [ISSUED_AT - timedelta(hours=number) for number in range(1, 24 * 9)]
    rows = [
        ("north", unit, target, hour, None if hour == SILENT else 10.0) for unit in units for hour in hours
    ]
    return OBSERVATION.conform(pd.DataFrame(rows, columns=OBSERVATION.columns.names))


def forecast(*units: str, target: str = "bed_census", note: str = "") -> pd.DataFrame:
    rows = [
        {
            "issued_at": ISSUED_AT,
            "site_id": "north",
            "unit_id": unit,
            "target": target,
            "period": "PT1H",
            "valid_at": ISSUED_AT + timedelta(hours=hour),
            "quantile": level,
            "value": 10 * level,
            "model": "climatology" if note else "tft",
            "model_version": "3",
            "note": note,
        }
        for unit in units
        for hour in range(190)
        for level in (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
    ]
    return FORECAST.conform(pd.DataFrame(rows))


def words(figure: Figure) -> str:
    return "\n".join(text.get_text() for text in figure.texts)


def test_the_fan_has_its_bands_the_median_and_what_was_observed(north: Site) -> None:
    figure = forecast_figure(history("ed"), forecast("ed"), north, north.units[0], Target.BED_CENSUS)
    (axes,) = figure.axes
    _, labels = axes.get_legend_handles_labels()
    assert labels == [
        "observed",
        "90 % of outcomes",
        "80 % of outcomes",
        "50 % of outcomes",
        "median forecast",
        "staffed beds",
    ]
    observed = np.asarray(axes.lines[0].get_ydata(), dtype=float)
    assert len(observed) == 7 * 24
    assert np.isnan(observed).sum() == 1, "a silent hour breaks the line"
    assert "North, Emergency: patients present" in words(figure)
    assert "Issued Sunday 1 November 2026 at 03:00, times in America/New_York. Forecast by tft 3." in words(
        figure
    )


def test_only_hours_are_drawn(north: Site) -> None:
    hours = forecast("ed", target="ed_arrivals")
    days = hours.iloc[::168].assign(period="P1D", value=240.0, note="too young")
    both = pd.concat([hours, days], ignore_index=True)
    for drawn in (
        forecast_figure(history(), both, north, north.units[0], Target.ED_ARRIVALS),
        site_figure(history(), both, north, Target.ED_ARRIVALS),
    ):
        assert drawn.axes[0].get_ylim()[1] < 20
        assert "too young" not in words(drawn)


def test_days_are_named_at_local_time_across_the_clock_change(north: Site) -> None:
    figure = forecast_figure(history("ed"), forecast("ed"), north, north.units[0], Target.BED_CENSUS)
    (axes,) = figure.axes
    names = [label.get_text() for label in axes.get_xticklabels(minor=True)]
    assert names[:2] == ["Sun\n25 Oct", "Mon\n26 Oct"]
    assert len(names) == len(set(names))
    midnights = pd.to_datetime(axes.get_xticks(), unit="D", utc=True).round("s")
    assert set(midnights.tz_convert("America/New_York").strftime("%H:%M")) == {"00:00"}


def test_a_stand_in_is_named_with_its_reason(north: Site) -> None:
    spoken = pd.concat([forecast("ed"), forecast("icu", note="history of 20 days")])
    figure = site_figure(history("ed", "icu"), spoken, north, Target.BED_CENSUS)
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "Emergency",
        "Intensive care, by climatology",
    ]
    assert "Forecast by tft 3; climatology 3 (history of 20 days)." in words(figure)


@pytest.mark.parametrize("target", list(Target))
def test_a_site_figure_can_be_saved_whatever_units_have_a_forecast(north: Site, target: Target) -> None:
    for units in ((), ("ed",), ("ed", "icu")):
        rows = forecast(*units, target=target.value) if units else FORECAST.empty()
        figure = site_figure(OBSERVATION.empty(), rows, north, target)
        assert len(figure.axes) == len(units)
        page = io.BytesIO()
        figure.savefig(page, format="png")
        assert page.getvalue().startswith(b"\x89PNG")


def test_a_unit_without_forecast_cannot_be_drawn(north: Site) -> None:
    with pytest.raises(ValueError, match="no forecast of bed_census for north/icu"):
        forecast_figure(history("icu"), forecast("ed"), north, north.units[1], Target.BED_CENSUS)


def test_matplotlib_is_not_imported_before_the_first_figure_and_pyplot_never() -> None:
    script = (
        "import sys; from forecasting import report; assert 'matplotlib' not in sys.modules\n"
        "from forecasting.report.style import page; page(4, 3)\n"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
