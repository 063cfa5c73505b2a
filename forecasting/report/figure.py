"""Forecasts as fans: what was observed, and the range of what is to come, in the site's local time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from forecasting.config import Site, Unit
from forecasting.schema import Target

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DAYS_OBSERVED = 7
"""Days of observations shown before the issue time."""

HEADER = 0.9
"""Inches at the top for title, issue time and legend."""

_MEASURE = {
    Target.BED_CENSUS: "Patients present",
    Target.ED_ARRIVALS: "Arrivals per hour",
}
_OBSERVED = "#252525"
_MEDIAN = "#08306b"
_BEDS = "#d55e00"  # vermilion, told from the blues by every eye
_QUIET = "#6b6b6b"


def forecast_figure(
    history: pd.DataFrame, forecast: pd.DataFrame, site: Site, unit: Unit, target: Target
) -> Figure:
    """One unit's last days and the fan of its coming ones.

    Args:
        history: OBSERVATION rows; those of other series are passed over.
        forecast: FORECAST rows; those of other series are passed over.
        site: gives the zone.
        unit: the unit; its beds are drawn beside a census.
        target: what is drawn.

    Raises:
        ValueError: the forecast has no row of that unit and target.
    """
    fan = _series(forecast, site, unit, target)
    if fan.empty:
        raise ValueError(f"there is no forecast of {target.value} for {site.site_id}/{unit.unit_id} to draw")
    figure = _page(11, 4.6)
    axes = figure.subplots()
    _draw(axes, history, forecast, site, unit, target)
    _mark_days(axes, site, fan)
    title = f"{site.name}, {unit.name}: {_MEASURE[target].lower()}"
    _head(figure, title, fan, site)
    return figure


def site_figure(history: pd.DataFrame, forecast: pd.DataFrame, site: Site, target: Target) -> Figure:
    """All units of a site that have a forecast of the target, each in its own panel over the same days.

    Args:
        history: OBSERVATION rows; those of other sites and targets are passed over.
        forecast: FORECAST rows; those of other sites and targets are passed over.
        site: gives the zone and the units, in their order.
        target: what is drawn.
    """
    of_site = forecast[(forecast["site_id"] == site.site_id) & (forecast["target"] == target)]
    units = [unit for unit in site.units if unit.unit_id in set(of_site["unit_id"])]
    title = f"{site.name}: {_MEASURE[target].lower()}"
    if not units:
        figure = _page(11, HEADER)
        _write(figure, 0.1, f"{title}: no unit has a forecast", fontsize=13, fontweight="bold")
        return figure
    columns = min(2, len(units))
    rows = -(-len(units) // columns)
    figure = _page(max(11, 7.5 * columns), HEADER + 2.4 * rows)
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True).ravel()
    for axes, unit in zip(panels, units, strict=False):
        _draw(axes, history, forecast, site, unit, target)
        axes.set_title(
            _unit_and_stand_in(of_site, site, unit, target), loc="left", fontsize=10, fontweight="bold"
        )
    # The panels share their days: those of one are those of all, and each would draw them for all again.
    _mark_days(panels[0], site, of_site)
    for axes in panels[len(units) - columns : len(units)]:
        axes.tick_params(axis="x", which="minor", labelbottom=True)
    for axes in panels[len(units) :]:
        axes.set_axis_off()
    _head(figure, title, of_site, site)
    return figure


def _page(width: float, height: float) -> Figure:
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    body = ConstrainedLayoutEngine(rect=(0.005, 0.01, 0.99, 0.99 - HEADER / height))
    return Figure(figsize=(width, height), layout=body)


def _head(figure: Figure, title: str, forecast: pd.DataFrame, site: Site) -> None:
    issued_at = forecast["issued_at"].iloc[0].astimezone(site.zone)
    issued = f"Issued {issued_at:%A} {issued_at.day} {issued_at:%B %Y at %H:%M}, times in {site.time_zone}."
    _write(figure, 0.1, title, fontsize=13, fontweight="bold")
    _write(figure, 0.4, f"{issued} Forecast by {'; '.join(_speakers(forecast))}.", fontsize=9, color=_QUIET)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(
        handles,
        labels,
        loc="upper left",
        bbox_to_anchor=(0, 1 - 0.55 / figure.get_figheight()),
        ncols=len(labels),
        fontsize=8.5,
        frameon=False,
    )


def _unit_and_stand_in(forecast: pd.DataFrame, site: Site, unit: Unit, target: Target) -> str:
    fan = _series(forecast, site, unit, target)
    return unit.name if not fan["note"].iloc[0] else f"{unit.name}, by {fan['model'].iloc[0]}"


def _write(figure: Figure, below_top: float, text: str, **style: Any) -> None:
    """A line of the header, so many inches below the top."""
    figure.text(0.012, 1 - below_top / figure.get_figheight(), text, va="top", **style)


def _speakers(forecast: pd.DataFrame) -> list[str]:
    """Each model that forecast, its version, and why it did where it is not the champion."""
    said = forecast[["model", "model_version", "note"]].drop_duplicates().itertuples(index=False, name=None)
    return [f"{model} {version}" + (f" ({note})" if note else "") for model, version, note in said]


def _draw(
    axes: Axes, history: pd.DataFrame, forecast: pd.DataFrame, site: Site, unit: Unit, target: Target
) -> None:
    fan = _series(forecast, site, unit, target)
    issued_at = fan["issued_at"].iloc[0]
    begin = issued_at - timedelta(days=DAYS_OBSERVED)
    _draw_observed(axes, _series(history, site, unit, target), begin, issued_at)
    _draw_fan(axes, fan)
    if target is Target.BED_CENSUS:
        axes.axhline(unit.beds, color=_BEDS, linewidth=1.2, linestyle=(0, (5, 3)), label="staffed beds")
    axes.axvline(issued_at, color=_QUIET, linewidth=0.8)
    axes.set_ylim(bottom=0)
    axes.locator_params(axis="y", nbins=5, integer=True)
    _quieten(axes)


def _draw_observed(axes: Axes, observed: pd.DataFrame, begin: datetime, end: datetime) -> None:
    hours = pd.date_range(begin, end, freq="h", inclusive="left")
    # Hours without an observation break the line.
    values = observed.set_index("valid_at")["value"].reindex(hours)
    axes.plot(hours, values, color=_OBSERVED, linewidth=1.1, label="observed")


def _draw_fan(axes: Axes, forecast: pd.DataFrame) -> None:
    from matplotlib import colormaps

    fan = forecast.pivot_table(index="valid_at", columns="quantile", values="value")
    pairs = _pairs([float(level) for level in fan.columns])
    for (low, high), shade in zip(pairs, np.linspace(0.18, 0.5, len(pairs)), strict=True):
        axes.fill_between(
            fan.index,
            fan[low],
            fan[high],
            color=colormaps["Blues"](shade),
            linewidth=0,
            label=f"{100 * (high - low):.0f} % of outcomes",
        )
    if 0.5 in fan.columns:
        axes.plot(fan.index, fan[0.5], color=_MEDIAN, linewidth=1.5, label="median forecast")


def _pairs(levels: Sequence[float]) -> list[tuple[float, float]]:
    """The levels that lie as far below the median as others lie above it, the widest pair first."""
    return [(low, high) for low in levels for high in levels if low < high and abs(low + high - 1) < 1e-9]


def _mark_days(axes: Axes, site: Site, forecast: pd.DataFrame) -> None:
    """A line at each local midnight that is drawn, and the day's name half a day later."""
    begin, end = forecast["issued_at"].iloc[0] - timedelta(days=DAYS_OBSERVED), forecast["valid_at"].max()
    axes.set_xlim(begin, end)
    first, last = (pd.Timestamp(edge).tz_convert(site.zone) for edge in (begin, end))
    midnights = pd.date_range(first.normalize(), last, freq="D")
    noons = midnights + pd.Timedelta(hours=12)
    midnights, noons = midnights[midnights >= first], noons[(noons >= first) & (noons <= last)]
    axes.set_xticks(midnights, labels=[""] * len(midnights))
    axes.set_xticks(noons, labels=[f"{noon:%a}\n{noon.day} {noon:%b}" for noon in noons], minor=True)


def _quieten(axes: Axes) -> None:
    axes.tick_params(axis="x", which="minor", length=0, labelsize=8)
    axes.tick_params(axis="x", which="major", length=4, color="#c8c8c8")
    axes.tick_params(axis="y", labelsize=8, length=0)
    axes.grid(axis="both", which="major", color="#e4e4e4", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color("#c8c8c8")


def _series(frame: pd.DataFrame, site: Site, unit: Unit, target: Target) -> pd.DataFrame:
    of_unit = (frame["site_id"] == site.site_id) & (frame["unit_id"] == unit.unit_id)
    return frame[of_unit & (frame["target"] == target)]
