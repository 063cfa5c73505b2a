"""What public holidays, and the days beside them, do to a hospital."""

from __future__ import annotations

from dataclasses import dataclass

import holidays
import numpy as np
import numpy.typing as npt
import pandas as pd

from forecasting.config import Site
from forecasting.simulate.clock import Reals

FAMILY_HOLIDAYS = ("Christmas", "Thanksgiving")

ORDINARY_HOLIDAY = 0.93
FAMILY_HOLIDAY = 0.82
DAY_BEFORE = 0.96
DAY_AFTER = 1.09


@dataclass(frozen=True)
class HolidayCalendar:
    """Per local day: is it a public holiday, is it next to one, and by how much ED arrivals change."""

    is_holiday: npt.NDArray[np.bool_]
    is_beside: npt.NDArray[np.bool_]
    arrivals: Reals  # factor on the day's ED arrivals


def holiday_calendar(site: Site, dates: pd.DatetimeIndex) -> HolidayCalendar:
    """The public holidays of a site's country and subdivision on those local days.

    Fewer patients come on a holiday, fewest on one that families spend together; who stayed at home the
    day before comes the day after.
    """
    years = range(dates[0].year - 1, dates[-1].year + 2)
    public = holidays.country_holidays(site.country, subdiv=site.subdivision, years=years, language="en_US")
    days = list(dates.date)
    is_holiday = np.array([day in public for day in days])
    is_family = np.array([_is_family(public.get(day, "")) for day in days])
    after = np.array([day in public for day in (dates - pd.Timedelta(days=1)).date]) & ~is_holiday
    before = np.array([day in public for day in (dates + pd.Timedelta(days=1)).date]) & ~is_holiday
    arrivals = np.select(
        [is_family, is_holiday, after, before],
        [FAMILY_HOLIDAY, ORDINARY_HOLIDAY, DAY_AFTER, DAY_BEFORE],
        default=1.0,
    )
    return HolidayCalendar(is_holiday, before | after, arrivals)


def _is_family(name: str) -> bool:
    return name.startswith(FAMILY_HOLIDAYS) and "observed" not in name
