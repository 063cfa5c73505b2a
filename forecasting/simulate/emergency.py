"""ED patients: how sick they are, how long they stay and how their visit ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecasting.simulate.arrivals import ArrivalRates
from forecasting.simulate.clock import HOUR, Clock, Reals, Wholes
from forecasting.simulate.demand import ESI_MIX_DAY, ESI_MIX_NIGHT, Demand
from forecasting.simulate.streams import Streams

HOME, ADMITTED, LEFT_WITHOUT_BEING_SEEN, TRANSFERRED = range(4)
DISPOSITIONS = ("home", "admitted", "left_without_being_seen", "transferred")

MEDIAN_HOURS = np.array([4.0, 3.5, 2.9, 1.8, 1.3])  # ESI 1 to 5
HOURS_SIGMA = 0.5
WORK_UP_HOURS = 1.3  # more, for whom a bed is asked
# Longer waits for who comes at the busy time of day, by local hour.
BUSY_HOURS = 1 + 0.18 * np.exp(-0.5 * ((np.arange(24) - 15.5) / 4.0) ** 2)
TRANSFERRED_BY_ESI = np.array([0.04, 0.025, 0.010, 0.004, 0.001])
LEFT_BY_ESI = np.array([0.0, 0.004, 0.02, 0.035, 0.045])


@dataclass(frozen=True)
class EdVisits:
    """Visits in order of arrival; instants in seconds since the clock's origin."""

    arrived: Wholes
    acuity: Wholes
    ready: Wholes  # when the patient could leave; for an admission, when the bed is asked for
    disposition: Wholes  # index into DISPOSITIONS, as intended before any wait for a bed
    unit_type: Wholes  # of the bed asked for, index into ``Demand.types``; -1 without admission


def draw_visits(
    arrived: Wholes, rates: ArrivalRates, clock: Clock, need: Demand, streams: Streams
) -> EdVisits:
    """Acuity, length of stay, disposition and destination of each arrival.

    Stays lengthen with the crowd of the hour: by the root of drawn over expected rate. Admissions don't grow
    with arrivals, because the beds don't: the added patients go home.
    """
    hour = arrived // HOUR
    local_hour = clock.local_hour[hour]
    crowd = np.sqrt(rates.drawn[hour] / rates.expected[hour])
    acuity = _draw_acuity(local_hour, streams)
    admitted = need.admission_by_esi[acuity - 1] / rates.growth[hour]
    left = LEFT_BY_ESI[acuity - 1] * crowd**2 * BUSY_HOURS[local_hour]
    disposition = _draw_disposition(admitted, TRANSFERRED_BY_ESI[acuity - 1], left, streams)
    stay = (
        MEDIAN_HOURS[acuity - 1]
        * np.exp(streams.named("ed stay").normal(0, HOURS_SIGMA, size=len(arrived)))
        * BUSY_HOURS[local_hour]
        * crowd
    )
    stay = np.where(disposition == ADMITTED, stay + WORK_UP_HOURS, stay)
    stay = np.where(disposition == LEFT_WITHOUT_BEING_SEEN, 0.6 * stay, stay)
    ready = arrived + np.maximum((stay * HOUR).astype(np.int64), 600)
    chosen = draw_category(need.type_by_esi[acuity - 1], streams.named("destination").random(len(arrived)))
    unit_type = np.where(disposition == ADMITTED, chosen, -1)
    return EdVisits(arrived, acuity, ready, disposition, unit_type)


def _draw_acuity(local_hour: Wholes, streams: Streams) -> Wholes:
    mixes = np.vstack([ESI_MIX_DAY, ESI_MIX_NIGHT])
    of_hour = mixes[(local_hour < 7).astype(int)]
    return 1 + draw_category(of_hour, streams.named("acuity").random(len(local_hour)))


def _draw_disposition(admitted: Reals, transferred: Reals, left: Reals, streams: Streams) -> Wholes:
    draw = streams.named("disposition").random(len(admitted))
    return np.select(
        [draw < admitted, draw < admitted + transferred, draw < admitted + transferred + left],
        [ADMITTED, TRANSFERRED, LEFT_WITHOUT_BEING_SEEN],
        default=HOME,
    ).astype(np.int64)


def draw_category(probability: Reals, draw: Reals, beyond: int | None = None) -> Wholes:
    """One category per row of probabilities (rows by categories), by inversion of the uniform ``draw``.

    With ``beyond``, the last category is called by that number.
    """
    last = probability.shape[1] - 1
    chosen = (draw[:, None] >= np.cumsum(probability[:, :last], axis=1)).sum(axis=1)
    return np.where(chosen == last, beyond, chosen) if beyond is not None else chosen
