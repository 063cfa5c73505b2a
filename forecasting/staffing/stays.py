"""How long an ED's patients stay: a law for each local hour of arrival, from counts by acuity."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecasting.schema import ED_STAY_HOURS
from forecasting.staffing.distribution import Reals

HOURS_PER_DAY = 24
ACUITIES = 6
"""ESI 1 to 5, and 0 for patients whose acuity nobody wrote down."""
DRAWN_TOWARDS = 20.0
"""Patients for whom the whole day speaks beside those of an hour."""

BELOW_ONE = 1 - 1e-9
"""Of an hour, so that no sum's rounding makes it one more."""

Wholes = NDArray[np.int64]


class LoadError(ValueError):
    """Counts or paths from which no offered load can be told; the message says what is missing."""


@dataclass(frozen=True)
class Stays:
    """The law of stays in starts of hours at which a patient is present, by local hour of arrival."""

    arrived: Reals
    """Patients who were counted, by local hour (24,)."""
    gone: Reals
    """P(stay <= hours), by local hour of arrival and hours, 1 at the last (24, hours)."""

    @classmethod
    def counted(cls, stays: pd.DataFrame) -> Stays:
        """The law of stays that were counted.

        In each hour so many of each acuity arrive, and each acuity stays as long as it does at that hour;
        both are drawn towards the whole day's, which counts as :data:`DRAWN_TOWARDS` patients.

        Args:
            stays: ED_STAY rows of one site.

        Raises:
            LoadError: nobody was counted.
        """
        if not stays["patients"].sum() > 0:
            raise LoadError("no visit to the ED was counted from arrival to departure")
        counts = np.zeros((ACUITIES, HOURS_PER_DAY, ED_STAY_HOURS + 1))
        at = tuple(stays[name].to_numpy() for name in ("acuity", "local_hour", "stay_hours"))
        np.add.at(counts, at, stays["patients"].to_numpy())
        arrived = counts.sum(axis=2)
        by_acuity = arrived.sum(axis=1)
        shares = _towards(arrived.T, by_acuity)
        of_acuity = [_towards(hours, hours.sum(axis=0)) for hours in counts]
        law = np.einsum("ha,ahs->hs", shares, np.stack(of_acuity))
        gone = np.cumsum(law, axis=1)
        return cls(arrived.sum(axis=0), gone / gone[:, -1:])

    @cached_property
    def mean_hours(self) -> Reals:
        """By local hour of arrival (24,)."""
        return np.asarray((1 - self.gone).sum(axis=1))

    def present(self, local_hour: int, age: int) -> float:
        """The chance that who arrived in a local hour is still there so many whole hours after the first."""
        return float(1 - self.gone[local_hour, age]) if age < self.gone.shape[1] else 0.0

    def drawn(self, local_hour: int, chance: Reals, longer: float = 0.0, age: int = -1) -> Wholes:
        """Stays of patients who arrived in a local hour, in starts of hours: longer ones for a higher chance.

        Args:
            local_hour: 0 to 23.
            chance: of each patient, evenly between 0 and 1.
            longer: change of each stay, as a share above -1.
            age: of who is there: only what is left after so many whole hours is drawn, one at least;
                -1 of who has yet to come.

        Returns:
            As many as there are chances. A stay that is no whole number of hours goes up or down by lot.
        """
        law = self.gone[local_hour]
        before = law[age] if 0 <= age < len(law) else float(age >= 0)
        at = before + chance * (1 - before)
        longest = int(np.searchsorted(law, 1.0))
        hours = np.minimum(np.searchsorted(law, at, side="right"), longest)
        below = np.where(hours > 0, law[hours - 1], 0.0)
        step = law[hours] - below
        within = np.clip((at - below) / np.where(step > 0, step, 1.0), 0.0, BELOW_ONE)
        if age < 0:
            return np.asarray(np.floor(hours * (1 + longer) + within), dtype=np.int64)
        left = np.maximum(hours - age, 1) * (1 + longer)
        return np.asarray(np.maximum(np.floor(left + within), 1), dtype=np.int64)


def _towards(counts: Reals, whole: Reals) -> Reals:
    """Shares in each row, drawn towards those of the whole (rows, n); even where the whole counts nobody."""
    total = whole.sum()
    prior = whole / total if total > 0 else np.full(len(whole), 1 / len(whole))
    weighted = counts + DRAWN_TOWARDS * prior
    return np.asarray(weighted / weighted.sum(axis=-1, keepdims=True))
