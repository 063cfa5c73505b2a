"""Who asks for an inpatient bed, when, and what course the stay takes once there is one."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Self

import numpy as np
import numpy.typing as npt

from forecasting.simulate.care import CARE
from forecasting.simulate.clock import DAY, HOUR, Clock, Reals, Wholes
from forecasting.simulate.demand import Demand
from forecasting.simulate.emergency import ADMITTED, EdVisits, draw_category
from forecasting.simulate.public_holidays import HolidayCalendar
from forecasting.simulate.streams import Streams

ELECTIVE_BY_WEEKDAY = np.array([1.10, 1.15, 1.10, 1.00, 0.65, 0.0, 0.0])  # Monday first
ELECTIVE_BESIDE_HOLIDAY = 0.6
ELECTIVE_HOURS = (9.0, 13.0, 18.0)  # local: first, most frequent and last request for a bed after surgery
DIRECT_BY_HOUR = np.array(
    [0.5] * 7 + [1.0, 1.3, 1.5, 1.6, 1.6, 1.5, 1.4, 1.4, 1.3, 1.2, 1.1] + [1.0] + [0.7] * 5
)

# A boarder who waited that long is sent to another hospital; an operation without a bed is called off.
ED_PATIENCE = 24 * HOUR
ELECTIVE_PATIENCE = 8 * HOUR
DIRECT_PATIENCE = 24 * HOUR

DISCHARGE_PEAK = 13.8  # local hour
DISCHARGE_SPREAD = 2.4
ANY_HOUR_SHARE = 0.07  # deaths, and who leaves against advice
TURNOVER_HOURS = 0.9  # median, from one patient's leaving until the bed is clean


@dataclass(frozen=True)
class Admissions:
    """Requests for a bed in order of time, with everything drawn that the stays will need.

    Instants and durations are whole seconds, unit types indices into ``Demand.types``. Arrays from ``los`` on
    have two columns: the first stay, and the one after a move.
    """

    requested: Wholes
    visit: Wholes  # index of the ED visit; -1 for elective and direct admissions
    patience: Wholes
    unit_type: Wholes  # two columns; -1 in the second where no move is planned
    los: Wholes
    leaves_at: Wholes  # second of the local day at which the patient is let go; -1: when ``los`` is over
    weekend: Reals  # uniform: decides whether a weekend's discharge goes to Friday or Monday
    turnover: Wholes

    def __len__(self) -> int:
        return len(self.requested)

    def taken(self, index: Wholes) -> Self:
        """The requests at those positions, in that order."""
        return type(self)(**{f.name: getattr(self, f.name)[index] for f in fields(self)})


def draw_admissions(
    visits: EdVisits, clock: Clock, need: Demand, holiday: HolidayCalendar, streams: Streams
) -> Admissions:
    """Requests from the ED, the elective list and outside, merged in order of time."""
    from_ed = np.flatnonzero(visits.disposition == ADMITTED)
    sources = [
        _draw_course(
            (visits.ready[from_ed], visits.unit_type[from_ed]), from_ed, ED_PATIENCE, need, streams, "ed"
        )
    ]
    for name, requests, patience in (
        ("elective", _draw_elective(clock, need, holiday, streams), ELECTIVE_PATIENCE),
        ("direct", _draw_direct(clock, need, streams), DIRECT_PATIENCE),
    ):
        no_visit = np.full(len(requests[0]), -1)
        sources.append(_draw_course(requests, no_visit, patience, need, streams, name))
    merged = Admissions(
        **{
            f.name: np.concatenate([getattr(source, f.name) for source in sources])
            for f in fields(Admissions)
        }
    )
    return merged.taken(np.argsort(merged.requested, kind="stable"))


def _draw_elective(
    clock: Clock, need: Demand, holiday: HolidayCalendar, streams: Streams
) -> tuple[Wholes, Wholes]:
    """Instants and unit types of elective requests: on workdays, fewer beside a holiday."""
    level = ELECTIVE_BY_WEEKDAY * 7 / ELECTIVE_BY_WEEKDAY.sum()
    factor = level[clock.weekday] * np.where(holiday.is_beside, ELECTIVE_BESIDE_HOLIDAY, 1.0)
    factor = np.where(holiday.is_holiday, 0.0, factor)
    day, unit_type = _draw_daily(np.outer(factor, need.elective), streams.named("elective count"))
    hour = streams.named("elective hour").triangular(*ELECTIVE_HOURS, size=len(day))
    return clock.at_local(day, (hour * HOUR).astype(np.int64)), unit_type


def _draw_direct(clock: Clock, need: Demand, streams: Streams) -> tuple[Wholes, Wholes]:
    """Instants and unit types of direct requests: every day and hour, more by day."""
    days = len(clock.dates)
    day, unit_type = _draw_daily(np.outer(np.ones(days), need.direct), streams.named("direct count"))
    by_hour = np.tile(DIRECT_BY_HOUR / DIRECT_BY_HOUR.sum(), (len(day), 1))
    hour = draw_category(by_hour, streams.named("direct hour").random(len(day)))
    second = streams.named("direct second").integers(0, HOUR, size=len(day))
    return clock.at_local(day, hour * HOUR + second), unit_type


def _draw_daily(mean: npt.NDArray[np.float64], random: np.random.Generator) -> tuple[Wholes, Wholes]:
    """Poisson counts of means (days by types), as one day and one type per patient."""
    counts = random.poisson(mean)
    place = np.repeat(np.arange(counts.size), counts.ravel())
    types = max(mean.shape[1], 1)
    return place // types, place % types


def _draw_course(
    requests: tuple[Wholes, Wholes],
    visit: Wholes,
    patience: int,
    need: Demand,
    streams: Streams,
    source: str,
) -> Admissions:
    requested, first = requests
    size = len(requested)
    second = _draw_second(first, need, streams.named(f"{source} second type").random(size))
    unit_type = np.column_stack([first, second])
    return Admissions(
        requested=requested,
        visit=visit,
        patience=np.full(size, patience),
        unit_type=unit_type,
        los=_draw_los(unit_type, need, streams.named(f"{source} los")),
        leaves_at=_draw_leaving(unit_type, need, streams, source),
        weekend=streams.named(f"{source} weekend").random((size, 2)),
        turnover=_draw_turnover(size, streams.named(f"{source} turnover")),
    )


def _draw_second(first: Wholes, need: Demand, draw: Reals) -> Wholes:
    """The unit type after a move, or -1 for who leaves the hospital from the first."""
    onward = need.onward[first]
    stays = 1 - onward.sum(axis=1, keepdims=True)
    return draw_category(np.hstack([onward, stays]), draw, beyond=-1)


def _draw_los(unit_type: Wholes, need: Demand, random: np.random.Generator) -> Wholes:
    """Log-normal lengths of stay in seconds, with the mean of each unit type."""
    mean = np.array([CARE[kind].los_days for kind in need.types] or [1.0])[unit_type]
    sigma = np.array([CARE[kind].los_sigma for kind in need.types] or [1.0])[unit_type]
    days = mean * np.exp(sigma * random.normal(size=unit_type.shape) - sigma**2 / 2)
    los: Wholes = np.maximum(days * DAY, 2 * HOUR).astype(np.int64)
    return los


def _draw_leaving(unit_type: Wholes, need: Demand, streams: Streams, source: str) -> Wholes:
    """The second of the local day at which a patient is let go: about noon to the late afternoon."""
    hour = streams.named(f"{source} leaving").normal(DISCHARGE_PEAK, DISCHARGE_SPREAD, size=unit_type.shape)
    second: Wholes = (np.clip(hour, 7, 22) * HOUR).astype(np.int64)
    by_day = np.array([CARE[kind].leaves_by_day for kind in need.types] or [True])[unit_type]
    at_any_hour = streams.named(f"{source} any hour").random(unit_type.shape) < ANY_HOUR_SHARE
    return np.where(by_day & ~at_any_hour, second, -1)


def _draw_turnover(size: int, random: np.random.Generator) -> Wholes:
    hours = TURNOVER_HOURS * np.exp(random.normal(0, 0.4, size=(size, 2)))
    turnover: Wholes = (hours * HOUR).astype(np.int64)
    return turnover
