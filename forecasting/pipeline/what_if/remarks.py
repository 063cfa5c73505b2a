"""What a reader of a what-if must know beside its heads, a sentence each."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from forecasting.config import Unit
from forecasting.schema import Target
from forecasting.staffing.scenario import Inputs, Scenario, changed

ROW = ["unit_id", "role", "shift", "shift_start"]
COMPARED = ["required", "recommended", "scheduled"]
LEAST_TOLD = 0.05
"""Patients on average under which a unit is not named."""


def remarks_of(before: Inputs, after: Inputs, scenario: Scenario, *, staged: bool) -> list[str]:
    """Where patients went, and what had to be left out.

    Args:
        before: what the published plan was made of.
        after: the same as the scenario has it.
        scenario: what was asked.
        staged: whether what the night staged is still there.
    """
    remarks = _moved(before, after, scenario)
    changing = [
        unit for unit in before.site.units if scenario.stay or (scenario.arrivals and unit == before.site.ed)
    ]
    unknown = [unit.name for unit in changing if unit.unit_id not in before.stays]
    if unknown:
        remarks.append(
            f"How long patients stay is not known of {', '.join(unknown)}: the census changes at once there."
        )
    if not staged:
        remarks.append(
            "What the night staged is gone: the roster is as published, and the work of patients who come "
            "and go is left out."
        )
    return remarks


def remarks_on_base(again: pd.DataFrame, published: pd.DataFrame) -> list[str]:
    """Whether the published heads come out again where nothing is changed.

    Args:
        again: RECOMMENDATION rows of the same inputs.
        published: STAFFING_RECOMMENDATION rows.
    """
    both = published[[*ROW, *COMPARED]].merge(
        again[[*ROW, *COMPARED]], on=ROW, suffixes=("", "_again"), how="outer"
    )
    # A missing figure is the same as a missing one.
    told = both.fillna(-1)
    again_names = [f"{name}_again" for name in COMPARED]
    other = int((told[COMPARED].to_numpy() != told[again_names].to_numpy()).any(axis=1).sum())
    if not other:
        return []
    remark = (
        f"{other} of {len(both)} rows come out otherwise than published where nothing is changed: the "
        "configuration, the program or what the night was made of is not the same any more. The difference "
        "holds that too."
    )
    return [remark]


def _moved(before: Inputs, after: Inputs, scenario: Scenario) -> list[str]:
    if not scenario.closed_at(before.site) or Target.BED_CENSUS not in after.paths:
        return []
    with_all_beds = changed(before, replace(scenario, closed_beds={})).paths[Target.BED_CENSUS]
    closed = after.paths[Target.BED_CENSUS]
    difference = (closed.counts - with_all_beds.counts).mean(axis=(0, 2))
    patients = dict(zip(closed.units, difference, strict=True))
    units = [unit for unit in before.site.units if abs(patients.get(unit.unit_id, 0)) >= LEAST_TOLD]
    told = [_more_or_fewer(patients[unit.unit_id], unit) for unit in units]
    if not told:
        return ["The closed beds would have stood empty: nobody moves."]
    return [f"Patients whose beds are closed, on average over the week: {', '.join(told)}."]


def _more_or_fewer(patients: float, unit: Unit) -> str:
    return f"{abs(patients):.1f} {'more' if patients > 0 else 'fewer'} in {unit.name}"
