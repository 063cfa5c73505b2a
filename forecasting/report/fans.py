"""What a model said at past issue times, and what came."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pandas as pd

from forecasting.config import Site, Unit
from forecasting.report.fan import draw_fan
from forecasting.report.style import HEADER, MEASURE, OBSERVED, QUIET, head, mark_days, page, quieten
from forecasting.schema import Target

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DAYS_BEFORE = 2


def past_fans_figure(
    outcomes: pd.DataFrame,
    forecasts: pd.DataFrame,
    site: Site,
    unit: Unit,
    target: Target,
    issue_times: Sequence[datetime],
) -> Figure:
    """One unit's forecasts from some past issue times, a panel each, with the outcomes drawn over them.

    Args:
        outcomes: OBSERVATION rows; those of other series are passed over.
        forecasts: FORECAST rows of one model; those of other series and issue times are passed over.
        site: gives the zone.
        unit: the unit.
        target: what is drawn.
        issue_times: one or more.

    Raises:
        ValueError: there is no forecast of that unit from one of the times.
    """
    figure = page(11, HEADER + 2.1 * len(issue_times))
    panels = figure.subplots(len(issue_times), 1, squeeze=False).ravel()
    of_series = _of(forecasts, site, unit, target)
    came = _of(outcomes, site, unit, target).set_index("valid_at")["value"]
    for axes, issued_at in zip(panels, issue_times, strict=True):
        fan = of_series[of_series["issued_at"] == issued_at]
        if fan.empty:
            raise ValueError(
                f"there is no forecast of {target.value} for {site.site_id}/{unit.unit_id} "
                f"issued at {issued_at} to draw"
            )
        begin = issued_at - timedelta(days=DAYS_BEFORE)
        draw_fan(axes, fan)
        hours = pd.date_range(begin, fan["valid_at"].max(), freq="h")
        axes.plot(hours, came.reindex(hours), color=OBSERVED, linewidth=1.0, label="what came")
        axes.axvline(issued_at, color=QUIET, linewidth=0.8)
        axes.set_ylim(bottom=0)
        axes.locator_params(axis="y", nbins=5, integer=True)
        quieten(axes)
        mark_days(axes, site, begin, fan["valid_at"].max())
        local = issued_at.astimezone(site.zone)
        note = fan["note"].iloc[0]
        axes.set_title(
            f"Issued {local:%A} {local.day} {local:%B %Y, %H:%M}"
            + (f" by a stand-in: {note}" if note else ""),
            loc="left",
            fontsize=9,
            fontweight="bold",
        )
    model = of_series["model"].iloc[0]
    title = f"{site.name}, {unit.name}: {MEASURE[target].lower()}"
    head(figure, title, f"Forecast by {model}, times in {site.time_zone}.")
    return figure


def _of(frame: pd.DataFrame, site: Site, unit: Unit, target: Target) -> pd.DataFrame:
    of_unit = (frame["site_id"] == site.site_id) & (frame["unit_id"] == unit.unit_id)
    return frame[of_unit & (frame["target"] == target)]
