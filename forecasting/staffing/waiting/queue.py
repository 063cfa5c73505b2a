"""An ED's waiting room as a queue: M(t)/M/s(t)+M.

Patients come as in a Poisson process whose rate changes by the hour, are seen in order of arrival, stay in
care for an exponential time, and lose patience after an exponential time: Erlang-A with rates that change.
Garnett, Mandelbaum and Reiman (2002), Designing a call center with impatient customers, Manufacturing and
Service Operations Management 4(3). Where heads go home, patients in care who are too many for the rest wait
again, first in line. Acuity is not told apart.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecasting.staffing.waiting.uniform import Reals, advanced

Wholes = NDArray[np.int64]

STEPS = 2
"""Of an hour; an even number, between which waits are averaged by Simpson's rule."""
TOO_LIKELY = 1e-6
"""Probability of as many patients as the queue is reckoned for, at which it is reckoned for more."""
MOST_STATES = 4000


class WaitingError(ValueError):
    """Rates or heads that no wait can be reckoned from; the message says what is wrong."""


@dataclass(frozen=True)
class WaitingRoom:
    """Who comes, and how many patients can be in care at once."""

    arrivals: Reals
    """Patients expected in each hour (hours,)."""
    places: Wholes
    """Heads times patients a head (hours,); after the last hour they stay as they are."""
    care_hours: float
    """Mean time in care."""
    patience_hours: float = math.inf
    """Mean time after which a patient who waits leaves."""
    present: int = 0
    """Patients, waiting and in care, when the first hour begins."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        if self.arrivals.shape != self.places.shape or self.arrivals.ndim != 1 or not len(self.arrivals):
            raise WaitingError(
                f"{self.arrivals.shape} hours of arrivals and {self.places.shape} of places; give as many"
            )
        if not (np.isfinite(self.arrivals).all() and (self.arrivals >= 0).all() and (self.places >= 0).all()):
            raise WaitingError("arrivals and places must be known and not negative in every hour")
        if not (0 < self.care_hours < math.inf and self.patience_hours > 0 and self.present >= 0):
            raise WaitingError(
                f"{self.care_hours:g} hours in care, {self.patience_hours:g} of patience and {self.present} "
                "present: hours must be more than 0, and care must end"
            )
        if math.isinf(self.patience_hours) and not self.places[-1]:
            raise WaitingError("nobody is there after the last hour and nobody leaves: waits have no end")


@dataclass(frozen=True)
class Waits:
    """Of the patients who arrive in each hour (hours,)."""

    until_seen: Reals
    """Hours, expected, of those who are seen; NaN where nobody is. Read it beside the share who leave: who
    leaves no longer waits, so that a crowd that goes away makes it shorter."""
    left_unseen: Reals
    """Share who leave."""
    waiting: Reals
    """Patients waiting, on average over the hour."""
    mean_until_seen: float
    """Of all who are seen."""
    share_left_unseen: float
    """Of all who arrive."""


def expected_waits(room: WaitingRoom) -> Waits:
    """Time to be seen and share who leave unseen, for arrivals of each hour.

    Args:
        room: rates and places.

    Raises:
        WaitingError: the queue grows beyond what can be reckoned.
    """
    law = _law(room, _states_for(room))
    while law[..., -1].max() > TOO_LIKELY:
        law = _law(room, 2 * law.shape[-1])
    states = law.shape[-1]
    prospects = _prospects(room, states)
    simpson = _simpson()
    wait = np.einsum("k,hkn,hkn->h", simpson, law, prospects[:, :, 0])
    left = np.einsum("k,hkn,hkn->h", simpson, law, prospects[:, :, 1]) / room.patience_hours
    share_seen = np.clip(1 - left, 0, 1)
    queue = np.maximum(np.arange(states) - room.places[:, None], 0)
    seen_patients = float(room.arrivals @ share_seen)
    everyone = float(room.arrivals.sum())
    with np.errstate(divide="ignore", invalid="ignore"):
        until_seen = np.where(share_seen > 0, wait / share_seen, np.nan)
    return Waits(
        until_seen=until_seen,
        left_unseen=1 - share_seen,
        waiting=np.einsum("k,hkn,hn->h", simpson, law, queue),
        mean_until_seen=float(room.arrivals @ wait) / seen_patients if seen_patients else math.nan,
        share_left_unseen=max(1 - seen_patients / everyone, 0.0) if everyone else math.nan,
    )


def _states_for(room: WaitingRoom) -> int:
    """States enough for the fluid's highest tide, at first."""
    level, highest = float(room.present), float(room.present)
    parts = 10
    for rate, places in np.repeat(np.stack([room.arrivals, room.places], axis=1), parts, axis=0):
        out = min(level, places) / room.care_hours + max(level - places, 0) / room.patience_hours
        level = max(level + (rate - out) / parts, 0)
        highest = max(highest, level)
    return math.ceil(highest + 8 * math.sqrt(highest + 1) + 10)


def _law(room: WaitingRoom, states: int) -> Reals:
    """Probability of so many patients at each step of each hour, ends included (hours, steps + 1, states)."""
    if states > MOST_STATES:
        raise WaitingError(
            f"more than {MOST_STATES} patients may be waiting; give more places or a finite patience"
        )
    now = np.zeros(states)
    now[min(room.present, states - 1)] = 1
    law = np.empty((len(room.arrivals), STEPS + 1, states))
    for hour, rate in enumerate(room.arrivals):
        down = _departures(room, int(room.places[hour]), states)

        def change(x: Reals, rate: float = rate, down: Reals = down) -> Reals:
            flow = down * x
            flow[:-1] -= flow[1:] - rate * x[:-1]
            flow[1:] -= rate * x[:-1]
            return -flow

        law[hour, 0] = now
        for step in range(STEPS):
            now = advanced(now, change, rate + down.max() + 1e-9, 1 / STEPS)
            law[hour, step + 1] = now
    return law


def _prospects(room: WaitingRoom, states: int) -> Reals:
    """What lies before a patient who finds so many ahead (hours, steps + 1, 2, states).

    First the expected time waited if seen in the end, 0 if not; then that waited in any case, by which
    patience is lost: the share who leave is that over the mean patience.
    """
    hours = len(room.arrivals)
    prospects = np.empty((hours, STEPS + 1, 2, states))
    leave = 1 / room.patience_hours
    ahead = _settled(room, states)
    for hour in reversed(range(hours)):
        places = int(room.places[hour])
        waits = np.arange(states) >= places
        down = _departures(room, places, states) * waits

        def change(x: Reals, down: Reals = down, waits: NDArray[np.bool_] = waits) -> Reals:
            # Rows: waited and seen, waited, one; the last is what waiting adds to.
            flow = np.zeros(x.shape)
            flow[:2, 1:] = down[1:] * (x[:2, :-1] - x[:2, 1:])
            flow[:2] -= leave * waits * x[:2]
            flow[0] += waits * (x[2] - leave * x[1])
            flow[1] += waits * x[2]
            return flow

        ahead = ahead * waits
        prospects[hour, STEPS] = ahead
        for step in reversed(range(STEPS)):
            stacked = np.concatenate([ahead, np.ones((1, states))])
            ahead = advanced(stacked, change, down.max() + leave + 1, 1 / STEPS)[:2] * waits
            prospects[hour, step] = ahead
    return prospects


def _settled(room: WaitingRoom, states: int) -> Reals:
    """The prospects once the last hour is over and places stay as they are (2, states)."""
    places, leave = int(room.places[-1]), 1 / room.patience_hours
    down = _departures(room, places, states)
    prospects = np.zeros((2, states))
    for ahead in range(places, states):
        before = prospects[:, ahead - 1] if ahead else np.zeros(2)
        rate = down[ahead] + leave
        prospects[1, ahead] = (1 + down[ahead] * before[1]) / rate
        prospects[0, ahead] = (1 - leave * prospects[1, ahead] + down[ahead] * before[0]) / rate
    return prospects


def _departures(room: WaitingRoom, places: int, states: int) -> Reals:
    """Patients who end their care or lose patience per hour, by how many are there (states,)."""
    there = np.arange(states)
    in_care = np.minimum(there, places) / room.care_hours
    return np.asarray(in_care + np.maximum(there - places, 0) / room.patience_hours)


def _simpson() -> Reals:
    weights = np.ones(STEPS + 1)
    weights[1:-1:2], weights[2:-1:2] = 4, 2
    return np.asarray(weights / weights.sum())
