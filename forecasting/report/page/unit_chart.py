"""One unit in a picture: what was counted, what is expected, and the heads for it, above each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import numpy as np
import pandas as pd

from forecasting.config import Unit
from forecasting.report.page.axis import Hours, Mark, Scale, band, line, scale
from forecasting.report.page.post import gap
from forecasting.report.page.site_night import SiteNight
from forecasting.report.style import MEASURE
from forecasting.schema import Target
from forecasting.wording import Row, rows

DAYS_COUNTED = 3
"""Days before the issue time that are shown."""
INTERVAL = 0.8
"""Share of outcomes that the band is to hold; the nearest of what is forecast is drawn."""
_HEADER, _TITLE, _FOOT = 16.0, 22.0, 6.0
_PANEL_HEIGHTS = {Target.BED_CENSUS: 104.0, Target.ED_ARRIVALS: 64.0}
_STRIP_HEIGHT, _STRIP_LABEL, _STRIP_GAP = 34.0, 12.0, 10.0
_BETWEEN_BARS = 2.0
_HOUR = timedelta(hours=1)
_Frame = TypeVar("_Frame", pd.DataFrame, "pd.Series[float]")
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Panel:
    """A series over the hours."""

    title: str
    top: float
    bottom: float
    ticks: tuple[Mark, ...]
    counted: str
    band: str
    median: str
    beds: float | None
    beds_told: str


@dataclass(frozen=True)
class Bar:
    """A shift of a role: heads scheduled, required and missing."""

    x: float
    width: float
    scheduled: float | None
    """Where the bar of the scheduled begins; None where no roster is known."""
    required: float | None
    missing: bool
    heads: str
    """How many are scheduled."""
    label: str


@dataclass(frozen=True)
class Strip:
    """A role over the shifts."""

    title: str
    top: float
    bottom: float
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class UnitChart:
    """A picture's parts, in its own units."""

    height: float
    foot: float
    issued: float
    days: tuple[Mark, ...]
    panels: tuple[Panel, ...]
    strips: tuple[Strip, ...]


def unit_chart(told: SiteNight, unit: Unit) -> UnitChart:
    """Draw a unit: its census, its arrivals where it has them, and each role's heads by shift."""
    hours = chart_hours(told)
    panels, strips, top = [], [], _HEADER
    for target in (Target.BED_CENSUS, Target.ED_ARRIVALS):
        fan, counted = fan_of(told, unit, target), counted_of(told, unit, target)
        if fan.empty:
            continue
        counted = counted.mask(counted.map(told.settings.privacy.hides))
        panels.append(_panel(fan, counted, unit, target, hours, top + _TITLE))
        top = panels[-1].bottom
    of_unit = rows(told.in_order(told.recommendations[told.recommendations["unit_id"] == unit.unit_id]))
    for role in told.settings.roles:
        of_role = [row for row in of_unit if row["role"] == role]
        if of_role:
            strips.append(_strip(told.role_title(role), of_role, hours, top + _STRIP_GAP))
            top = strips[-1].bottom
    return UnitChart(
        height=top + _FOOT,
        foot=top,
        issued=round(hours.one(told.issued_at), 1),
        days=hours.days(told.site),
        panels=tuple(panels),
        strips=tuple(strips),
    )


def chart_hours(told: SiteNight) -> Hours:
    """From some days before the issue time to the end of what is forecast or planned."""
    ends = [told.recommendations["shift_end"].max()]
    if len(told.forecast):
        ends.append(told.forecast["valid_at"].max() + _HOUR)
    return Hours(told.issued_at - timedelta(days=DAYS_COUNTED), max(ends))


def fan_of(told: SiteNight, unit: Unit, target: Target) -> pd.DataFrame:
    """The unit's hourly forecast: a row an hour, a column a quantile level."""
    return _of(told.fans, unit, target)


def counted_of(told: SiteNight, unit: Unit, target: Target) -> pd.Series[float]:
    """What was counted in the unit, hour by hour from the chart's first on; missing where nothing was."""
    begin = told.issued_at - timedelta(days=DAYS_COUNTED)
    hours = pd.date_range(begin, told.issued_at, freq="h", inclusive="left")
    return _of(told.counts, unit, target).reindex(hours)


def _of(by_unit: _Frame, unit: Unit, target: Target) -> _Frame:
    """The rows of one series, by hour."""
    levels = by_unit.index
    here = (levels.get_level_values("unit_id") == unit.unit_id) & (
        levels.get_level_values("target") == target
    )
    return by_unit[here].droplevel(["unit_id", "target"])


def interval(levels: Sequence[float]) -> tuple[float, float] | None:
    """The levels as far below the median as above it that hold nearest to INTERVAL of the outcomes."""
    pairs = [
        (low, high) for low in levels for high in levels if low < high and abs(low + high - 1) < _ROUNDING
    ]
    return min(pairs, key=lambda pair: abs(pair[1] - pair[0] - INTERVAL), default=None)


def _panel(
    fan: pd.DataFrame, counted: pd.Series[float], unit: Unit, target: Target, hours: Hours, top: float
) -> Panel:
    pair = interval([float(level) for level in fan.columns])
    beds = unit.beds if target is Target.BED_CENSUS else None
    largest = np.nanmax([fan.max(axis=None), counted.max(), beds or 0])
    up = scale(float(largest), top, _PANEL_HEIGHTS[target])
    x = hours.x(pd.DatetimeIndex(fan.index))
    return Panel(
        title=MEASURE[target],
        top=top,
        bottom=top + up.height,
        ticks=up.ticks(),
        counted=line(hours.x(pd.DatetimeIndex(counted.index)), up.y(counted.to_numpy())),
        band="" if pair is None else band(x, *(up.y(fan[level].to_numpy()) for level in pair)),
        median=line(x, up.y(fan[0.5].to_numpy())),
        beds=None if beds is None else up.one(beds),
        beds_told="" if beds is None else f"{beds} beds",
    )


def _strip(title: str, of_role: list[Row], hours: Hours, top: float) -> Strip:
    known = [row[name] for row in of_role for name in ("required", "scheduled") if row[name] is not None]
    bottom = top + _STRIP_LABEL + _STRIP_HEIGHT
    up = Scale(top + _STRIP_LABEL, _STRIP_HEIGHT, max([*known, 1]), 1)
    bars = [_bar(row, up, *slot) for row, slot in zip(of_role, _slots(of_role, hours), strict=True)]
    return Strip(title, top, bottom, tuple(bars))


def _slots(of_role: list[Row], hours: Hours) -> list[tuple[float, float]]:
    """Where each shift's bar begins and how wide it is: up to the next start; equal starts share it."""
    starts = sorted({row["shift_start"] for row in of_role})
    last_end = max(row["shift_end"] for row in of_role)
    slots = []
    for start, next_start in zip(starts, [*starts[1:], last_end], strict=True):
        together = [row for row in of_role if row["shift_start"] == start]
        left = hours.one(start)
        # A roster with hours that no shift covers leaves them empty.
        right = hours.one(min(next_start, max(row["shift_end"] for row in together)))
        width = (right - left) / len(together)
        slots += [(left + width * number, width) for number in range(len(together))]
    return slots


def _bar(row: Row, up: Scale, left: float, width: float) -> Bar:
    told = gap(row)
    labels = {"short": f"{told.symbol}{row['gap'] or 0:.0f}", "by_hand": told.symbol}
    return Bar(
        x=round(left + _BETWEEN_BARS / 2, 1),
        width=round(max(width - _BETWEEN_BARS, 1.0), 1),
        scheduled=None if row["scheduled"] is None else up.one(row["scheduled"]),
        required=None if row["required"] is None else up.one(row["required"]),
        missing=told.kind == "short",
        heads="" if row["scheduled"] is None else f"{row['scheduled']:.0f}",
        label=labels.get(told.kind, ""),
    )
