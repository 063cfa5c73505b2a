"""Beds that are closed: who would lie in them goes to a unit that can take them in, or boards in the ED."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from forecasting.config import Site, Unit, UnitType
from forecasting.staffing.outlook import SamplePaths

MORE_CARE = {
    UnitType.MEDICAL_SURGICAL: (UnitType.TELEMETRY, UnitType.STEP_DOWN),
    UnitType.TELEMETRY: (UnitType.STEP_DOWN,),
    UnitType.STEP_DOWN: (UnitType.ICU,),
}
"""Kinds of unit, the nearest first, that care for another's patients as well as it does, or better."""


def taking_in(site: Site, unit: Unit) -> list[Unit]:
    """Units that a unit's patients may lie in instead: its own kind first, then those with more care."""
    kinds = (unit.unit_type, *MORE_CARE.get(unit.unit_type, ()))
    others = [other for other in site.units if other != unit and other.unit_type in kinds]
    return sorted(others, key=lambda other: kinds.index(other.unit_type))


def close_beds(census: SamplePaths, site: Site, closed: Mapping[str, int]) -> SamplePaths:
    """The census with beds closed; nobody is lost.

    On each path and in each hour a unit with closed beds holds as many patients as it has beds left. The
    others lie where :func:`taking_in` says, as far as beds are free there, and else board in the ED.

    Args:
        census: sample paths of the site, with those units and the ED among them.
        site: the hospital; it has an ED.
        closed: beds by unit.
    """
    if not closed or site.ed is None:
        return census
    counts = census.counts.copy()
    at = {unit_id: place for place, unit_id in enumerate(census.units)}
    left = {unit.unit_id: unit.beds - closed.get(unit.unit_id, 0) for unit in site.units}
    for unit in site.units:
        if unit.unit_id not in closed:
            continue
        displaced = np.maximum(counts[:, at[unit.unit_id]] - left[unit.unit_id], 0)
        counts[:, at[unit.unit_id]] -= displaced
        for other in taking_in(site, unit):
            if other.unit_id not in at:
                continue
            free = np.maximum(left[other.unit_id] - counts[:, at[other.unit_id]], 0)
            moved = np.minimum(displaced, free)
            counts[:, at[other.unit_id]] += moved
            displaced -= moved
        counts[:, at[site.ed.unit_id]] += displaced
    return replace(census, counts=counts)
