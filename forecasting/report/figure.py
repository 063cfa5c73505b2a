"""Forecasts as fans: what was observed, and the range of what is to come, in the site's local time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pandas as pd

from forecasting.config import Site, Unit
from forecasting.report.fan import draw_fan
from forecasting.report.style import HEADER, OBSERVED, QUIET, head, page, quieten, write
from forecasting.schema import Target

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DAYS_OBSERVED = 7
"""Days of observations shown before the issue time."""

MEASURE = {
    Target.BED_CENSUS: "Patients present",
    Target.ED_ARRIVALS: "Arrivals per hour",
}
_BEDS = "#d55e00"  # vermilion, told from the blues by every eye


def forecast_figure(
    history: pd.DataFrame, forecast: pd.DataFrame, site: Site, unit: Unit, target: Target
) -> Figure:
    """One unit's last days and the fan of its coming ones.

    Args:
        history: OBSERVATION rows; those of other series are passed over.
        forecast: FORECAST rows; those of other series, and of shifts and days, are passed over.
        site: gives the zone.
        unit: the unit; its beds are drawn beside a census.
        target: what is drawn.

    Raises:
        ValueError: the forecast has no row of that unit and target.
    """
    forecast = _hourly(forecast)
    fan = _series(forecast, site, unit, target)
    if fan.empty:
        raise ValueError(f"there is no forecast of {target.value} for {site.site_id}/{unit.unit_id} to draw")
    figure = page(11, 4.6)
    axes = figure.subplots()
    _draw(axes, history, forecast, site, unit, target)
    mark_days(axes, site, *_days(fan))
    title = f"{site.name}, {unit.name}: {MEASURE[target].lower()}"
    _head(figure, title, fan, site)
    return figure


def site_figure(history: pd.DataFrame, forecast: pd.DataFrame, site: Site, target: Target) -> Figure:
    """All units of a site that have a forecast of the target, each in its own panel over the same days.

    Args:
        history: OBSERVATION rows; those of other sites and targets are passed over.
        forecast: FORECAST rows; those of other sites and targets, and of shifts and days, are passed over.
        site: gives the zone and the units, in their order.
        target: what is drawn.
    """
    forecast = _hourly(forecast)
    of_site = forecast[(forecast["site_id"] == site.site_id) & (forecast["target"] == target)]
    units = [unit for unit in site.units if unit.unit_id in set(of_site["unit_id"])]
    title = f"{site.name}: {MEASURE[target].lower()}"
    if not units:
        figure = page(11, HEADER)
        write(figure, 0.1, f"{title}: no unit has a forecast", fontsize=13, fontweight="bold")
        return figure
    columns = min(2, len(units))
    rows = -(-len(units) // columns)
    figure = page(max(11, 7.5 * columns), HEADER + 2.4 * rows)
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True).ravel()
    for axes, unit in zip(panels, units, strict=False):
        _draw(axes, history, forecast, site, unit, target)
        axes.set_title(
            _unit_and_stand_in(of_site, site, unit, target), loc="left", fontsize=10, fontweight="bold"
        )
    # The panels share their days: those of one are those of all, and each would draw them for all again.
    mark_days(panels[0], site, *_days(of_site))
    for axes in panels[len(units) - columns : len(units)]:
        axes.tick_params(axis="x", which="minor", labelbottom=True)
    for axes in panels[len(units) :]:
        axes.set_axis_off()
    _head(figure, title, of_site, site)
    return figure


def _head(figure: Figure, title: str, forecast: pd.DataFrame, site: Site) -> None:
    issued_at = forecast["issued_at"].iloc[0].astimezone(site.zone)
    issued = f"Issued {issued_at:%A} {issued_at.day} {issued_at:%B %Y at %H:%M}, times in {site.time_zone}."
    head(figure, title, f"{issued} Forecast by {'; '.join(_speakers(forecast))}.")


def _days(forecast: pd.DataFrame) -> tuple[datetime, datetime]:
    """From when to when a page of that forecast tells."""
    return forecast["issued_at"].iloc[0] - timedelta(days=DAYS_OBSERVED), forecast["valid_at"].max()


def _unit_and_stand_in(forecast: pd.DataFrame, site: Site, unit: Unit, target: Target) -> str:
    fan = _series(forecast, site, unit, target)
    return unit.name if not fan["note"].iloc[0] else f"{unit.name}, by {fan['model'].iloc[0]}"


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
    draw_fan(axes, fan)
    if target is Target.BED_CENSUS:
        axes.axhline(unit.beds, color=_BEDS, linewidth=1.2, linestyle=(0, (5, 3)), label="staffed beds")
    axes.axvline(issued_at, color=QUIET, linewidth=0.8)
    axes.set_ylim(bottom=0)
    axes.locator_params(axis="y", nbins=5, integer=True)
    quieten(axes)


def _draw_observed(axes: Axes, observed: pd.DataFrame, begin: datetime, end: datetime) -> None:
    hours = pd.date_range(begin, end, freq="h", inclusive="left")
    # Hours without an observation break the line.
    values = observed.set_index("valid_at")["value"].reindex(hours)
    axes.plot(hours, values, color=OBSERVED, linewidth=1.1, label="observed")


def mark_days(axes: Axes, site: Site, begin: datetime, end: datetime) -> None:
    """A line at each local midnight that is drawn, and the day's name half a day later."""
    from matplotlib.dates import date2num

    axes.set_xlim(*map(float, date2num([begin, end])))  # type: ignore[no-untyped-call]
    first, last = (pd.Timestamp(edge).tz_convert(site.zone) for edge in (begin, end))
    midnights = pd.date_range(first.normalize(), last, freq="D")
    noons = midnights + pd.Timedelta(hours=12)
    midnights, noons = midnights[midnights >= first], noons[(noons >= first) & (noons <= last)]
    axes.set_xticks(midnights, labels=[""] * len(midnights))
    axes.set_xticks(noons, labels=[f"{noon:%a}\n{noon.day} {noon:%b}" for noon in noons], minor=True)


def _series(frame: pd.DataFrame, site: Site, unit: Unit, target: Target) -> pd.DataFrame:
    of_unit = (frame["site_id"] == site.site_id) & (frame["unit_id"] == unit.unit_id)
    return frame[of_unit & (frame["target"] == target)]


def _hourly(forecast: pd.DataFrame) -> pd.DataFrame:
    return forecast[forecast["period"] == "PT1H"]
