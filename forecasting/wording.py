"""How the rows of a plan are told to people: in the terminal, on the page and in the form alike."""

from __future__ import annotations

import re
from collections.abc import Collection, Hashable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import pandas as pd

from forecasting.config import Settings, Site
from forecasting.schema import Target

TO = "\N{EN DASH}"
COUNTED: Mapping[Target, str] = {Target.BED_CENSUS: "patients present", Target.ED_ARRIVALS: "arrivals"}
"""What is forecast, as people call it."""
_ROUNDING = 1e-9
_BETWEEN_SENTENCES = re.compile(r"(?<=\.) (?=[A-Z])")

Row = dict[Hashable, Any]
Doubt = tuple[str, str]
"""Of what, and why."""


def rows(frame: pd.DataFrame) -> list[Row]:
    """The rows, with None for what is missing."""
    values, missing = frame.astype(object).to_numpy(), frame.isna().to_numpy()
    return [
        {name: None if gone else value for name, value, gone in zip(frame.columns, row, lost, strict=True)}
        for row, lost in zip(values, missing, strict=True)
    ]


def post_names(site: Site) -> dict[str, str]:
    """Names of units and float pools, by id, in the hospital's order."""
    units = {unit.unit_id: unit.name for unit in site.units}
    return units | {pool.pool_id: pool.name for pool in site.float_pools}


def post_name(post_id: str, site: Site) -> str:
    """What the unit or float pool is called; its id where it is not configured any more."""
    return post_names(site).get(post_id, post_id)


def role_title(role_id: str, settings: Settings) -> str:
    """What the role is called; its id where it is not configured any more."""
    role = settings.roles.get(role_id)
    return role.title if role else role_id


def in_order(heads: pd.DataFrame, settings: Settings, site: Site) -> pd.DataFrame:
    """The rows by start of shift, then unit and role in the configuration's order, pools after units.

    Args:
        heads: STAFFING_RECOMMENDATION rows of the site.
        settings: order the roles.
        site: orders its units and float pools.
    """
    places = pd.DataFrame(
        {
            "shift_start": heads["shift_start"],
            "shift": heads["shift"],
            "unit": _places(heads["unit_id"], list(post_names(site))),
            "role": _places(heads["role"], list(settings.roles)),
        }
    ).reset_index(drop=True)
    return heads.iloc[places.sort_values(list(places.columns), kind="stable").index]


def of_units(heads: pd.DataFrame, site: Site) -> pd.DataFrame:
    """The rows that are no float pool's: nothing is required of a pool."""
    return heads[~heads["unit_id"].isin([pool.pool_id for pool in site.float_pools])]


def patients(row: Row) -> str:
    """The median and, in brackets, the 10th and 90th percentile."""
    low, median, high = row["patients_p10"], row["patients_p50"], row["patients_p90"]
    if median is None:
        return "unknown"
    return f"{median:.0f}" if None in (low, high) else f"{median:.0f} ({low:.0f}{TO}{high:.0f})"


def risk(row: Row, levels: Sequence[float]) -> str:
    """How likely the shift is short, as far as the forecast's levels tell; "" where it isn't known."""
    likely = row["probability_short"]
    if likely is None:
        return ""
    if likely <= 1 - levels[-1] + _ROUNDING:
        return f"≤{100 * (1 - levels[-1]):.0f} %"
    if likely >= 1 - levels[0] - _ROUNDING:
        return f"≥{100 * (1 - levels[0]):.0f} %"
    return f"{100 * likely:.0f} %"


def helps_out(row: Row) -> bool:
    """Whether the row's heads help where they are needed, so that nothing is required of the row itself."""
    return row["required"] is None and row["recommended"] is not None


def balance(plan: pd.DataFrame) -> str:
    """How many heads the units of a plan are short, and of how many posts that can't be said."""
    short = plan.loc[plan["gap"] > 0, "gap"]
    unknown = int(plan["scheduled"].isna().sum())
    without = int(plan["required"].isna().sum())
    roster = f"; no roster known for {unknown} of {len(plan)}" if unknown else ""
    rules = f"; no rule for {without} of {len(plan)}" if without else ""
    if len(short):
        return (
            f"{counted(int(short.sum()), 'head')} short, in {len(short)} of {len(plan)} posts{roster}{rules}"
        )
    return f"no roster known{rules}" if unknown == len(plan) else f"nothing short{roster}{rules}"


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


def shift_name(shift: str) -> str:
    """What people call a shift of that name."""
    return capitalised(shift.replace("_", " "))


def shift_and_hours(row: Row, site: Site) -> str:
    """The shift's name, and from when to when it goes on the site's clock."""
    start, end = local(row["shift_start"], site), local(row["shift_end"], site)
    return f"{shift_name(row['shift'])} {start:%H:%M}{TO}{end:%H:%M}"


def long_day(day: date) -> str:
    """A date in full."""
    return f"{day:%A} {day.day} {day:%B %Y}"


def short_day(day: date) -> str:
    """A date in brief, without its year."""
    return f"{day:%a} {day.day} {day:%b}"


def local(instant: datetime, site: Site) -> datetime:
    """The instant on the site's clock."""
    return instant.astimezone(site.zone)


def capitalised(text: str) -> str:
    """The text with its first letter large, and the others as they are."""
    return text[:1].upper() + text[1:]


def counted(number: int, noun: str) -> str:
    """The number and its noun, which takes an s where there are none or several."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def listed(names: Sequence[str]) -> str:
    """The names, with "and" before the last."""
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]])) if names else ""


def sentences(text: str) -> list[str]:
    """The sentences of a note."""
    return _BETWEEN_SENTENCES.split(text) if text else []


def _places(names: pd.Series[str], order: list[str]) -> pd.Series[int]:
    """Where each name stands in the order; one that isn't in it stands last."""
    return names.map({name: place for place, name in enumerate(order)}).fillna(len(order)).astype(int)
