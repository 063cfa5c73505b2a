"""What a plan does not know, in words: where no rule holds, no roster is known, no usual forecast spoke."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd

from forecasting.config import Settings, Site
from forecasting.wording import of_units, post_name, role_title, rows, sentences

Doubt = tuple[str, str]
"""Of what, and why."""


def undecided(plan: pd.DataFrame, settings: Settings, site: Site) -> list[Doubt]:
    """Each unit and role of which no rule holds, and why."""
    lost = plan[plan["recommended"].isna()].drop_duplicates(["unit_id", "role", "reason"])
    return [
        (f"{post_name(row['unit_id'], site)}, {role_title(row['role'], settings)}", row["reason"])
        for row in rows(lost)
    ]


def notes(plan: pd.DataFrame, site: Site) -> list[Doubt]:
    """Each sentence of the rows' notes, told once for all the units it is true of."""
    posts = of_units(plan, site)
    # A rule may count arrivals where no census is known.
    unforeseen = posts["patients_p50"].isna() & posts["model"].isna()
    told = posts["note"].mask(unforeseen, "No forecast: the plan holds the minimum.")
    by_sentence = posts.assign(told=told.map(sentences)).explode("told").dropna(subset="told")
    units = by_sentence.groupby("told", sort=False)["unit_id"].unique()
    return [(unit_names(set(unit_ids), site), str(why)) for why, unit_ids in units.items()]


def unit_names(unit_ids: Collection[str], site: Site) -> str:
    """The units' names in the hospital's order; all of them in two words."""
    names = [unit.name for unit in site.units if unit.unit_id in unit_ids]
    return "All units" if len(names) == len(site.units) else ", ".join(names)
