"""How many admissions a site's beds can bear, by unit type and source, so that the wards stay stable.

Little's law: a unit type of b beds at occupancy r with a mean stay of L days takes r b / L stays a day. What
comes on from a more intensive unit is subtracted; the ED, the elective list and direct admissions share the
rest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from forecasting.config import Site, UnitType
from forecasting.simulate.care import CARE
from forecasting.simulate.clock import Reals

ESI_LEVELS = np.arange(1, 6)
ESI_MIX_DAY = np.array([0.010, 0.135, 0.450, 0.325, 0.080])
ESI_MIX_NIGHT = np.array([0.016, 0.190, 0.500, 0.240, 0.054])
NIGHT_SHARE = 0.14  # of the arrivals, between 0 and 7
ADMISSION_BY_ESI = np.array([0.85, 0.45, 0.18, 0.03, 0.005])

MOST_ADMITTED = 0.3  # of the ED's visits; what the beds could bear beyond that is admitted directly
LEAST_FROM_OUTSIDE = 0.2


@dataclass(frozen=True)
class Demand:
    """Mean admissions per day by unit type, in the order of ``types``, and how ED visits lead to them."""

    types: tuple[UnitType, ...]
    ed: Reals
    elective: Reals
    direct: Reals
    onward: Reals  # types by types: probability that a stay in the first goes on to the second
    admission_by_esi: Reals  # probability, ESI 1 to 5
    type_by_esi: Reals  # 5 by types: probability of the unit type, given ESI and admission


def demand(site: Site, ed_visits_per_day: float) -> Demand:
    """The admissions that keep a site's units at their typical occupancy."""
    beds = {kind: sum(u.beds for u in site.units if u.unit_type is kind) for kind in CARE}
    types = tuple(kind for kind in CARE if beds[kind])
    stays = np.array([CARE[kind].occupancy * beds[kind] / CARE[kind].los_days for kind in types])
    onward = _onward(types, np.array([beds[kind] for kind in types]), stays)
    outside = np.maximum(stays - _moved_on(stays, onward), LEAST_FROM_OUTSIDE * stays)
    ed = outside * np.array([CARE[kind].ed_share for kind in types])
    most = MOST_ADMITTED * ed_visits_per_day
    ed *= min(1.0, most / ed.sum()) if ed.sum() else 1.0
    elective = outside * np.array([CARE[kind].elective_share for kind in types])
    direct = np.maximum(outside - ed - elective, 0.0)  # not below zero by rounding
    admitted_share = ed.sum() / ed_visits_per_day if ed_visits_per_day else 0.0
    by_esi = admission_by_esi(admitted_share)
    return Demand(types, ed, elective, direct, onward, by_esi, _type_by_esi(types, by_esi, ed))


def admission_by_esi(admitted_share: float) -> Reals:
    """Admission probabilities by ESI whose mean over the ED's patients is ``admitted_share``.

    The odds between the levels stay those of ``ADMISSION_BY_ESI``.
    """
    if admitted_share <= 0:
        return np.zeros(5)
    mix = (1 - NIGHT_SHARE) * ESI_MIX_DAY + NIGHT_SHARE * ESI_MIX_NIGHT
    log_odds = np.log(ADMISSION_BY_ESI / (1 - ADMISSION_BY_ESI))

    def admitted(shift: float) -> Reals:
        probability: Reals = 1 / (1 + np.exp(-log_odds - shift))
        return probability

    return admitted(brentq(lambda shift: float(mix @ admitted(shift)) - admitted_share, -20, 20))


def _onward(types: tuple[UnitType, ...], beds: Reals, stays: Reals) -> Reals:
    onward = np.zeros((len(types), len(types)))
    for row, kind in enumerate(types):
        receiving = np.array([other in CARE[kind].onward for other in types])
        if receiving.any():
            bearable = (1 - LEAST_FROM_OUTSIDE) * stays[receiving].sum() / stays[row]
            weight = beds * receiving
            onward[row] = min(CARE[kind].onward_share, bearable) * weight / weight.sum()
    return onward


def _moved_on(stays: Reals, onward: Reals) -> Reals:
    moved: Reals = stays @ onward
    return moved


def _type_by_esi(types: tuple[UnitType, ...], by_esi: Reals, ed: Reals) -> Reals:
    """Iterative proportional fitting: both the ESI mix and the flow to each type come out right."""
    table = np.array([CARE[kind].esi_pull for kind in types]).reshape(len(types), 5).T
    if not ed.sum():
        return table
    rows = ESI_MIX_DAY * by_esi
    rows /= rows.sum()
    columns = ed / ed.sum()
    for _ in range(50):
        table = table * (columns / table.sum(axis=0))
        table = table * (rows / table.sum(axis=1))[:, None]
    fitted: Reals = table / table.sum(axis=1, keepdims=True)
    return fitted
