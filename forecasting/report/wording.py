"""How the numbers of a recommendation are told, in the terminal and on the page alike."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from datetime import date, datetime
from typing import Any

import pandas as pd

from forecasting.config import Site

TO = "\N{EN DASH}"
_ROUNDING = 1e-9

Row = dict[Hashable, Any]


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


def required_of(plan: pd.DataFrame) -> pd.DataFrame:
    """The posts that something is required of, or that are decided by hand: not those that only help out."""
    return plan[plan["required"].notna() | plan["recommended"].isna()]


def helps_out(row: Row) -> bool:
    """Whether the row's heads help where they are needed, so that nothing is required of the row itself."""
    return row["required"] is None and row["recommended"] is not None


def balance(heads: pd.DataFrame) -> str:
    """How many heads a plan is short, and of how many posts that can't be said."""
    plan = required_of(heads)
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


def shift_name(row: Row) -> str:
    """What the shift is called."""
    return capitalised(row["shift"].replace("_", " "))


def shift_and_hours(row: Row, site: Site) -> str:
    """The shift's name, and from when to when it goes on the site's clock."""
    start, end = local(row["shift_start"], site), local(row["shift_end"], site)
    return f"{shift_name(row)} {start:%H:%M}{TO}{end:%H:%M}"


def long_day(day: date) -> str:
    """A date in full."""
    return f"{day:%A} {day.day} {day:%B %Y}"


def local(instant: datetime, site: Site) -> datetime:
    """The instant on the site's clock."""
    return instant.astimezone(site.zone)


def capitalised(text: str) -> str:
    """The text with its first letter large, and the others as they are."""
    return text[:1].upper() + text[1:]


def counted(number: int, noun: str) -> str:
    """The number and its noun, which takes an s where there are none or several."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
