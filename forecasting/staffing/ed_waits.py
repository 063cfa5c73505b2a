"""How long an ED's patients wait to be seen on each shift, and how many leave before, with so many heads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecasting.config import RuleKind, UnitType
from forecasting.rules import UnitRule
from forecasting.schema import Target
from forecasting.staffing.distribution import HAIR, Reals
from forecasting.staffing.outlook import Outlook
from forecasting.staffing.place import Place
from forecasting.staffing.role_case import RoleCase
from forecasting.staffing.waiting import WaitingError, WaitingRoom, Waits, expected_waits

DRAWN_PATHS = 99
"""Of an hour's quantiles, for its mean."""


@dataclass(frozen=True)
class ShiftWait:
    """Of the patients who arrive on a shift."""

    minutes: float
    """Until they are seen, on average of those who are."""
    left_unseen: float
    """Share who leave before."""


def has_queue(place: Place) -> bool:
    """Whether patients wait for the role: an ED's, with a rule of patients a head on each shift."""
    return place.unit.unit_type is UnitType.ED and all(
        isinstance(rule, UnitRule) and rule.rule.kind is RuleKind.PATIENTS_PER_HEAD for rule in place.rules
    )


class WaitingLine:
    """An ED's queue for the heads of one role who each care for some patients at once.

    Stays are as long as the forecast itself says: patients present over arrivals an hour (Little 1961), those
    who board included, since they take up a head too. A head takes as many patients as the rule allows and no
    more; whoever is called or comes from the pool is not counted.
    """

    def __init__(self, place: Place, case: RoleCase) -> None:
        """The queue of a role in the ED.

        Args:
            place: the role and the ED.
            case: the role's; gives the hours.

        Raises:
            WaitingError: nobody waits for the role, or arrivals or patients are not forecast for every hour
                of the shifts.
        """
        if not has_queue(place):
            raise WaitingError(f"{place.role_id} of {place.unit.unit_id} has no ratio of patients a head")
        rules = [rule for rule in place.rules if isinstance(rule, UnitRule)]
        self._place, self._rules, self._slots = place, rules, case.site.slots
        self._arrivals = _mean_by_hour(place.outlooks[place.unit.unit_id, Target.ED_ARRIVALS], case.hours)
        self._present = _mean_by_hour(place.outlooks[place.unit.unit_id, Target.BED_CENSUS], case.hours)
        if not self._arrivals.sum() > 0 or not self._present.sum() > 0:
            raise WaitingError(f"nobody is expected in {place.unit.name}")

    def at(self, heads: Sequence[int]) -> tuple[ShiftWait, ...]:
        """What patients of each shift meet.

        Args:
            heads: who work each shift, posts that are not counted among them.

        Raises:
            WaitingError: the queue grows beyond what can be reckoned.
        """
        room = WaitingRoom(
            arrivals=self._arrivals,
            places=self._places(heads),
            care_hours=float(self._present.sum() / self._arrivals.sum()),
            patience_hours=self._place.settings.waiting.patience_hours,
            present=round(float(self._present[0])),
        )
        waits = expected_waits(room)
        return tuple(self._over(waits, slice(slot.first, slot.end)) for slot in self._slots)

    def _places(self, heads: Sequence[int]) -> np.ndarray:
        """Patients in care at most, by hour (hours,)."""
        present = np.zeros(len(self._arrivals))
        for slot, each in zip(self._slots, heads, strict=True):
            present[slot.first : slot.end] += each
        places = np.zeros(len(present))
        for slot, rule in zip(self._slots, self._rules, strict=True):
            on = slice(slot.first, slot.end)
            places[on] = np.maximum(present[on] - rule.uncounted_heads, 0) / rule.heads_per_load(slot.name)
        return np.floor(places + HAIR).astype(np.int64)

    def _over(self, waits: Waits, on: slice) -> ShiftWait:
        arrived = self._arrivals[on]
        seen = arrived * (1 - waits.left_unseen[on])
        if not seen.sum() > 0:
            return ShiftWait(float("nan"), 1.0 if arrived.sum() > 0 else float("nan"))
        hours = float(np.nansum(seen * waits.until_seen[on]) / seen.sum())
        return ShiftWait(60 * hours, float(1 - seen.sum() / arrived.sum()))


def _mean_by_hour(outlook: Outlook, hours: pd.DatetimeIndex) -> Reals:
    """The expected value of each hour (hours,).

    Raises:
        WaitingError: one of them is not forecast.
    """
    at = outlook.hours.get_indexer(hours)
    if (at < 0).any():
        raise WaitingError(
            f"{int((at < 0).sum())} of {len(hours)} hours have no forecast of who comes or is there"
        )
    means = outlook.drawn(outlook.paths or DRAWN_PATHS).mean(axis=0)[at]
    if not np.isfinite(means).all():
        raise WaitingError("a forecast of who comes, or is there, has gaps")
    return np.asarray(means)
