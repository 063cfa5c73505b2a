"""What a night's plan says otherwise than the night before's did, of the same shifts."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from forecasting.report.page.post import BY_HAND, UNKNOWN, heads
from forecasting.report.page.site_night import SiteNight
from forecasting.wording import Row, counted, helps_out, rows, shift_and_hours

BECOMES = "→"
COMPARED = {"required": BY_HAND, "scheduled": UNKNOWN, "recommended": BY_HAND}
"""Columns that are compared, and what is said where one has no number."""
_POST = ["unit_id", "role", "shift", "shift_start"]


@dataclass(frozen=True)
class Change:
    """A post whose numbers are others than a night ago; each was → is, or as it stayed."""

    unit: str
    role: str
    shift: str
    patients: str
    numbers: tuple[str, ...]
    """As COMPARED has them."""


@dataclass(frozen=True)
class Changes:
    """The posts of the page's day that changed, and how many did of all others."""

    told: str
    """In a sentence or two."""
    posts: tuple[Change, ...]


def changes(told: SiteNight) -> Changes:
    """Compare the night with the one before."""
    if told.night_before.empty:
        return Changes("There is no plan from the night before to compare with.", ())
    columns = [*_POST, *COMPARED, "patients_p50"]
    both = told.in_order(told.recommendations).merge(
        told.night_before[columns], on=_POST, how="left", suffixes=("", "_before"), indicator="stood"
    )
    of_day = both["shift_date"] == told.day
    stood = both["stood"] == "both"
    changed = stood & pd.concat([_differ(both, name) for name in COMPARED], axis=1).any(axis=1)
    others = stood & ~of_day
    new = int((of_day & ~stood).sum())
    sentences = [
        f"{int((changed & of_day).sum())} of {counted(int((stood & of_day).sum()), 'post')} changed."
    ]
    if others.any():
        sentences.append(f"On the other days {int((changed & others).sum())} of {int(others.sum())} did.")
    if new:
        sentences.append(f"{counted(new, 'post')} had no plan a night ago.")
    posts = tuple(_change(told, row) for row in rows(both[changed & of_day].drop(columns="stood")))
    return Changes(" ".join(sentences), posts)


def _differ(both: pd.DataFrame, name: str) -> pd.Series[bool]:
    now, before = both[name], both[f"{name}_before"]
    return (now != before) & ~(now.isna() & before.isna())


def _change(told: SiteNight, row: Row) -> Change:
    was, now = row["patients_p50_before"], row["patients_p50"]
    return Change(
        unit=told.unit_name(row["unit_id"]),
        role=told.role_title(row["role"]),
        shift=shift_and_hours(row, told.site),
        patients=_became(heads(was, UNKNOWN), heads(now, UNKNOWN)),
        numbers=tuple(
            _became(heads(row[f"{name}_before"], missing), heads(row[name], missing))
            for name, missing in (COMPARED | ({"required": ""} if helps_out(row) else {})).items()
        ),
    )


def _became(was: str, now: str) -> str:
    return now if was == now else f"{was} {BECOMES} {now}"
