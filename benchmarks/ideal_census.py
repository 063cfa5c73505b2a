"""The ideal forecaster of a simulated census: each patient's survival law and the law of who comes.

Its mean absolute error is at least √(2/π) √(Σ p (1 - p) + Λ): p is the chance of each patient present to be
there still, Λ the patients expected to have come and stayed. A ward's stays follow the simulator's own law,
drawn many times; an emergency department's, which depend on the wait for a bed, are the visits of the whole
simulation. Nobody waits for a bed and no unit is ever full in this reckoning: where they do, fewer come to a
full unit, the census varies less, and a forecaster who knows that may err less than this bound.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecasting.config import Site, Unit, UnitType
from forecasting.simulate.admissions import ANY_HOUR_SHARE, DISCHARGE_PEAK, DISCHARGE_SPREAD
from forecasting.simulate.beds import LEAST_STAY, SATURDAY, SUNDAY, WEEKEND_HELD
from forecasting.simulate.care import CARE
from forecasting.simulate.clock import DAY, HOUR
from forecasting.simulate.hospital import Hospital

HOURS_PER_DAY, HOURS_PER_WEEK = 24, 168
DRAWS = 4000
MIDDLE = 0.5  # of the hour in which a patient comes


@dataclass(frozen=True)
class Stays:
    """Lengths of stay in hours by the local hour of the week in which they begin, each sorted."""

    by_hour: tuple[np.ndarray, ...]

    def longer(self, begins: np.ndarray, hours: np.ndarray) -> np.ndarray:
        """The share of stays that begin in hour ``begins`` (n,) and are longer than ``hours`` (n,)."""
        shares = np.empty(len(begins))
        for hour in np.unique(begins):
            of_hour, drawn = begins == hour, self.by_hour[hour]
            within = np.searchsorted(drawn, hours[of_hour], side="right")
            shares[of_hour] = 1 - within / max(len(drawn), 1)
        return shares


@dataclass(frozen=True)
class IdealCensus:
    """What the ideal forecaster of one unit knows."""

    stays: Stays
    present: pd.DataFrame
    """Every stay: ``began``, ``ended`` (UTC; missing while open)."""
    rate: pd.Series[float]
    """Patients who come per hour, by UTC hour."""
    zone: str

    def least_mae(self, issued_at: pd.Timestamp, lead: int) -> float:
        """The bound for the census ``lead`` hours after ``issued_at``."""
        here = (self.present["began"] < issued_at) & ~(self.present["ended"] < issued_at)
        began = pd.DatetimeIndex(self.present.loc[here, "began"])
        elapsed = ((issued_at - began) / pd.Timedelta(hours=1)).to_numpy(float)
        week_hour = week_hours(began, self.zone)
        now = self.stays.longer(week_hour, elapsed)
        then = self.stays.longer(week_hour, elapsed + lead)
        stays = np.divide(then, now, out=np.zeros_like(then), where=now > 0)
        coming = pd.date_range(issued_at, periods=lead, freq="h")
        remain = self.stays.longer(week_hours(coming, self.zone), lead - np.arange(lead) - MIDDLE)
        expected = float((self.rate.reindex(coming).to_numpy() * remain).sum())
        return float(np.sqrt(2 / np.pi * ((stays * (1 - stays)).sum() + expected)))


def ideal_census(hospital: Hospital, site: Site, unit: Unit, seed: int) -> IdealCensus:
    """The ideal forecaster of one unit of a simulated site."""
    if unit.unit_type is UnitType.ED:
        visits = hospital.ed_visit.rename(columns={"arrived_at": "began", "departed_at": "ended"})
        rate = hospital.truth.set_index("valid_at")["expected_rate"]
        return IdealCensus(_seen(visits, site), visits[["began", "ended"]], rate, site.time_zone)
    beds = hospital.bed_stay.rename(columns={"bed_from": "began", "bed_to": "ended"})
    own = beds.loc[beds["unit_id"] == unit.unit_id, ["began", "ended"]]
    return IdealCensus(_drawn(unit.unit_type, seed), own, _weekly_rate(own, site), site.time_zone)


def week_hours(times: pd.DatetimeIndex, zone: str) -> np.ndarray:
    """Local hour of the week of each time, Monday 00:00 first."""
    local = times.tz_convert(zone)
    return np.asarray(local.weekday * HOURS_PER_DAY + local.hour)


def _drawn(kind: UnitType, seed: int) -> Stays:
    """The simulator's law of a stay in a unit of that type, begun in each hour of the week."""
    random, care = np.random.default_rng(seed), CARE[kind]
    drawn = []
    for hour in range(HOURS_PER_WEEK):
        begins = HOUR * (hour + random.random(DRAWS))
        days = care.los_days * np.exp(care.los_sigma * random.normal(size=DRAWS) - care.los_sigma**2 / 2)
        over = begins + np.maximum(days * DAY, 2 * HOUR)
        leaves_at = HOUR * np.clip(random.normal(DISCHARGE_PEAK, DISCHARGE_SPREAD, DRAWS), 7, 22)
        held = random.random(DRAWS) < WEEKEND_HELD
        day = over // DAY
        weekday = day % 7
        day += held * ((weekday == SUNDAY).astype(int) - (weekday == SATURDAY))
        late = begins + LEAST_STAY - (day * DAY + leaves_at)
        day += np.maximum(np.ceil(late / DAY), 0)
        by_day = care.leaves_by_day & (random.random(DRAWS) >= ANY_HOUR_SHARE)
        ends = np.where(by_day, day * DAY + leaves_at, over)
        drawn.append(np.sort((ends - begins) / HOUR))
    return Stays(tuple(drawn))


def _seen(stays: pd.DataFrame, site: Site) -> Stays:
    """The stays of the whole simulation that ended, by the hour of the day they began in."""
    ended = stays.dropna(subset=["ended"])
    hours = (ended["ended"] - ended["began"]).dt.total_seconds().to_numpy(float) / HOUR
    hour = pd.DatetimeIndex(ended["began"]).tz_convert(site.time_zone).hour
    by_hour = [np.sort(hours[hour == number]) for number in range(HOURS_PER_DAY)]
    return Stays(tuple(by_hour[number % HOURS_PER_DAY] for number in range(HOURS_PER_WEEK)))


def _weekly_rate(stays: pd.DataFrame, site: Site) -> pd.Series[float]:
    """Mean patients per hour of the local week over the whole simulation, laid over its hours."""
    began = pd.DatetimeIndex(stays["began"])
    hours = pd.date_range(began.min().ceil("h"), began.max().ceil("h"), freq="h", inclusive="left")
    inside = began[began >= hours[0]]
    came = np.bincount(week_hours(inside, site.time_zone), minlength=HOURS_PER_WEEK)
    week_hour = week_hours(hours, site.time_zone)
    mean = came / np.maximum(np.bincount(week_hour, minlength=HOURS_PER_WEEK), 1)
    return pd.Series(mean[week_hour], hours)
