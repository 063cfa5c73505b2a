"""ED arrivals: the rate that calendar and weather give, the shocks upon it, and the patients who come.

Assumptions:
    * Arrivals of an hour are Poisson given the rate.
    * The known rate is a product: level, growth, season, weekday, hour of day, holiday, weather.
    * Shocks are mean-one gamma factors shared by all hours of a local day, of a quarter of it, and of one
      hour. Their variances are set so that counts have variance/mean, about the known rate, of about 1.1 per
      hour, 1.5 per shift of 8 or 12 hours and 2 per day, as measured in real EDs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from forecasting.config import Site, Unit
from forecasting.simulate.clock import HOUR, Clock, Reals, Wholes
from forecasting.simulate.public_holidays import HolidayCalendar
from forecasting.simulate.streams import Streams
from forecasting.simulate.weather import YEAR, Weather, season_shift

VISITS_PER_BED_DAY = 3.5
GROWTH_PER_YEAR = 0.02

# Factors by local hour; each is brought to mean 1. Weekends start later and last into the night.
WORKDAY_HOURS = np.array(
    [0.62, 0.50, 0.42, 0.38, 0.36, 0.40, 0.55, 0.80, 1.12, 1.40, 1.55, 1.58,
     1.50, 1.44, 1.40, 1.38, 1.38, 1.38, 1.36, 1.32, 1.22, 1.08, 0.92, 0.76]
)  # fmt: skip
WEEKEND_HOURS = np.array(
    [0.78, 0.66, 0.57, 0.50, 0.44, 0.42, 0.50, 0.66, 0.92, 1.22, 1.44, 1.52,
     1.50, 1.46, 1.42, 1.40, 1.38, 1.38, 1.36, 1.32, 1.22, 1.08, 0.93, 0.80]
)  # fmt: skip
WEEKDAY_LEVEL = np.array([1.09, 1.02, 0.99, 0.98, 0.98, 0.96, 0.98])  # Monday first

# Excess variance/mean of one hour's count that each shock brings, where the rate is the mean rate.
DAY_SHOCK = 0.031
QUARTER_SHOCK = 0.030
HOUR_SHOCK = 0.030
QUARTERS = 4


@dataclass(frozen=True)
class ArrivalRates:
    """Patients per hour, for every hour of the clock."""

    expected: Reals  # what calendar, season, growth and weather give
    drawn: Reals  # with the shocks; the Poisson counts come from it
    growth: Reals  # the part of ``expected`` that is growth since the start, a factor


@dataclass(frozen=True)
class EdLevel:
    """How busy one ED is, and how fast it grows."""

    visits_per_day: float
    growth_per_year: float


def ed_level(ed: Unit, streams: Streams) -> EdLevel:
    """Volume scaled from the ED's beds, growth about two percent a year; each site has its own."""
    random = streams.named("level")
    return EdLevel(
        visits_per_day=ed.beds * VISITS_PER_BED_DAY * float(random.uniform(0.94, 1.06)),
        growth_per_year=GROWTH_PER_YEAR * float(random.uniform(0.5, 1.5)),
    )


def arrival_rates(
    site: Site,
    level: EdLevel,
    clock: Clock,
    start: int,
    holiday: HolidayCalendar,
    weather: Weather,
    seed: int,
) -> ArrivalRates:
    """The rates of a site's ED over the whole clock; ``start`` is where growth counts from."""
    streams = Streams(seed, site.site_id)
    growth = (1 + level.growth_per_year) ** (
        (np.arange(len(clock.offset)) * HOUR - start) / (YEAR * 24 * HOUR)
    )
    day_factor = (
        _weekday_level(streams)[clock.weekday]
        * _annual_wave(clock, site.country)
        * (1 + respiratory_season(clock, site, seed))
        * holiday.arrivals
        * weather.arrivals
    )
    free_day = (clock.weekday >= 5) | holiday.is_holiday
    by_hour = _hour_profiles(streams)[free_day[clock.day].astype(int), clock.local_hour]
    hourly = level.visits_per_day / 24
    expected = hourly * growth * day_factor[clock.day] * by_hour
    return ArrivalRates(expected, expected * shocks(clock, hourly, streams), growth)


def respiratory_season(clock: Clock, site: Site, seed: int) -> Reals:
    """Excess share of arrivals per local day: one wave each winter, its date and height new each year.

    The whole group shares a winter's wave; a site feels it some days earlier or later.
    """
    group, own = Streams(seed, "group"), Streams(seed, site.site_id)
    excess = np.zeros(len(clock.dates))
    for year in range(clock.dates[0].year - 1, clock.dates[-1].year + 2):
        shared, local = group.named(f"respiratory {year}"), own.named(f"respiratory {year}")
        peak_day = shared.normal(10, 14) + local.normal(0, 4) + season_shift(site.country)
        height = shared.uniform(0.06, 0.14) * local.uniform(0.85, 1.15)
        since_new_year = (clock.dates.to_numpy() - np.datetime64(f"{year}-01-01")) / np.timedelta64(1, "D")
        excess += height * np.exp(-0.5 * ((since_new_year - peak_day) / 24) ** 2)
    return excess


def shocks(clock: Clock, mean_rate: float, streams: Streams) -> Reals:
    """Mean-one factors per hour: what makes counts vary more than Poisson ones do."""
    by_day = _gamma(streams.named("day shock"), DAY_SHOCK / mean_rate, len(clock.dates))
    by_quarter = _gamma(
        streams.named("quarter shock"), QUARTER_SHOCK / mean_rate, len(clock.dates) * QUARTERS
    )
    by_hour = _gamma(streams.named("hour shock"), HOUR_SHOCK / mean_rate, len(clock.offset))
    quarter = clock.day * QUARTERS + clock.local_hour * QUARTERS // 24
    factor: Reals = by_day[clock.day] * by_quarter[quarter] * by_hour
    return factor


def draw_arrivals(rate: Reals, streams: Streams) -> Wholes:
    """Arrival instants in seconds since the clock's origin, ascending; one Poisson count an hour."""
    counts = streams.named("counts").poisson(rate)
    second = streams.named("seconds").integers(0, HOUR, size=int(counts.sum()))
    return np.sort(np.repeat(np.arange(len(rate)) * HOUR, counts) + second)


def _gamma(random: np.random.Generator, variance: float, size: int) -> Reals:
    return random.gamma(1 / variance, variance, size=size)


def _weekday_level(streams: Streams) -> Reals:
    own = WEEKDAY_LEVEL * (1 + streams.named("weekdays").normal(0, 0.01, size=7))
    level: Reals = own / own.mean()
    return level


def _hour_profiles(streams: Streams) -> npt.NDArray[np.float64]:
    """Workday and free-day factors (2 by 24), each of mean 1, tilted a little to the site's own peak."""
    peak = streams.named("hours").uniform(8, 22)
    tilt = 1 + 0.05 * np.cos(2 * np.pi * (np.arange(24) - peak) / 24)
    profiles = np.vstack([WORKDAY_HOURS, WEEKEND_HOURS]) * tilt
    normed: Reals = profiles / profiles.mean(axis=1, keepdims=True)
    return normed


def _annual_wave(clock: Clock, country: str) -> Reals:
    turn = 2 * np.pi * (clock.day_of_year - season_shift(country)) / YEAR
    wave: Reals = 1 - 0.02 * np.cos(turn - 0.6) - 0.012 * np.cos(2 * turn)
    return wave
