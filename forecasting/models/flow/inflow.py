"""How many patients come into a unit in an hour."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecasting.models.flow.rates import rated

HOURS, DAYS = 24, 7
SATURDAY = 5
HALF_LIFE_HOURS = 180 * HOURS
SHARED_BELIEF = 1.0
OWN_BELIEF = 10.0
LEAST_RATE = 1e-4


@dataclass(frozen=True)
class Hours:
    """The local calendar of consecutive hours (n,)."""

    weekday: np.ndarray
    local_hour: np.ndarray
    holiday: np.ndarray
    """0 on an ordinary day, 1 on a public holiday, 2 on the day before or after one."""

    @property
    def factors(self) -> tuple[np.ndarray, ...]:
        """The levels of an inflow's effects: all, hour of the day by kind of day, weekday, holiday."""
        free = (self.weekday >= SATURDAY) | (self.holiday == 1)
        return (
            np.zeros_like(self.weekday),
            free * HOURS + self.local_hour,
            np.where(self.holiday == 1, DAYS, self.weekday),
            self.holiday,
        )


def expected_inflow(counts: np.ndarray, hours: Hours) -> np.ndarray:
    """Patients who come per hour (units, n) into each of some units alike, in past and coming hours.

    Args:
        counts: patients who came (units, n); NaN where an hour is not known, as all to come.
        hours: the calendar of the hours.
    """
    known = ~np.isnan(counts)
    last = int(np.flatnonzero(known.any(axis=0)).max(initial=0))
    age = np.maximum(last - np.arange(counts.shape[1]), 0)
    weight = 0.5 ** (age / HALF_LIFE_HOURS)
    came, seen = np.where(known, counts, 0.0) * weight, known * weight
    level = (came.sum() + SHARED_BELIEF) / (seen.sum() + HOURS)
    factors = hours.factors
    shared = level * rated(came.sum(axis=0), seen.sum(axis=0) * level, factors, SHARED_BELIEF)
    rates = [
        shared * rated(own, own_seen * shared, factors, OWN_BELIEF)
        for own, own_seen in zip(came, seen, strict=True)
    ]
    return np.asarray(np.maximum(np.stack(rates), LEAST_RATE))
