"""The numbers behind a unit's picture: a row an hour of the local day, a column a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pandas as pd

from forecasting.config import Unit
from forecasting.report.page.site_night import SiteNight
from forecasting.report.page.unit_chart import counted_of, fan_of, interval
from forecasting.report.style import MEASURE
from forecasting.schema import Target
from forecasting.wording import TO, short_day

_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class HourTable:
    """A unit's counts and forecasts of one target; "" where the day has no such hour or nothing is known."""

    title: str
    days: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    """The hour, and a cell a day."""


def hour_tables(told: SiteNight, unit: Unit) -> list[HourTable]:
    """What was counted, as a number, and what is expected, with its interval, for each series of the unit."""
    return [
        table
        for target in (Target.BED_CENSUS, Target.ED_ARRIVALS)
        if (table := _hour_table(told, unit, target)) is not None
    ]


def _hour_table(told: SiteNight, unit: Unit, target: Target) -> HourTable | None:
    fan, counted = fan_of(told, unit, target), counted_of(told, unit, target).dropna()
    if fan.empty:
        return None
    cells = pd.concat([counted.map(told.settings.privacy.told), pd.Series(_expected(fan), fan.index)])
    local = pd.DatetimeIndex(cells.index).tz_convert(told.site.zone)
    # Where the clock goes back an hour comes twice: the second stands in a row of its own.
    again = pd.Series(local.strftime("%Y-%m-%d %H:%M")).duplicated().to_numpy()
    wide = pd.DataFrame(
        {
            "hour": local.strftime("%H:%M") + np.where(again, " again", ""),
            "day": local.tz_localize(None).normalize(),
            "cell": cells.to_numpy(),
        }
    ).pivot_table(index="hour", columns="day", values="cell", aggfunc="first")
    return HourTable(
        MEASURE[target],
        tuple(short_day(day) for day in pd.DatetimeIndex(wide.columns)),
        tuple(
            (str(hour), tuple(of_hour))
            for hour, of_hour in zip(wide.index, wide.fillna("").to_numpy(), strict=True)
        ),
    )


def _expected(fan: pd.DataFrame) -> list[str]:
    pair = interval([float(level) for level in fan.columns])
    medians = [f"{value:.0f}" for value in fan[0.5]]
    if pair is None:
        return medians
    within = zip(medians, fan[pair[0]], fan[pair[1]], strict=True)
    return [f"{median} ({low:.0f}{TO}{high:.0f})" for median, low, high in within]
