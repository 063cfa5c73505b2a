"""A post, one unit's role on one shift, as the page tells it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

import pandas as pd

from forecasting.report.page.decision import decision
from forecasting.report.page.site_night import SiteNight
from forecasting.wording import Row, helps_out, patients, risk, rows, shift_and_hours, shift_name

UNKNOWN = "unknown"
BY_HAND = "decide by hand"


@dataclass(frozen=True)
class Gap:
    """How the roster compares with the requirement: a kind for the style, a symbol and words for people."""

    kind: str
    symbol: str
    words: str


@dataclass(frozen=True)
class Post:
    """A row of the plan in words."""

    unit: str
    role: str
    shift: str
    shift_name: str
    patients: str
    required: str
    scheduled: str
    recommended: str
    gap: Gap
    risk: str
    action: str
    relief: str
    decision: str
    reason: str

    @property
    def short(self) -> bool:
        """Whether heads are missing."""
        return self.gap.kind == "short"


@dataclass(frozen=True)
class Shift:
    """A shift of a day, and its posts."""

    title: str
    posts: tuple[Post, ...]


def shifts(told: SiteNight) -> list[Shift]:
    """The shifts of the page's day, their posts in the hospital's order.

    What was decided stands at a post only where not all of them stand alike: the page's head says it then.
    """
    plan = rows(told.plan)
    alike = len({decision(row, told.site) for row in plan}) == 1
    by_shift = groupby(plan, key=itemgetter("shift_start", "shift"))
    listed = (list(of_shift) for _, of_shift in by_shift)
    return [
        Shift(
            shift_title(told, of_shift[0]),
            tuple(post(told, row, "" if alike else decision(row, told.site)) for row in of_shift),
        )
        for of_shift in listed
    ]


def worst(told: SiteNight, most: int) -> list[Post]:
    """The posts with the widest gaps, the widest and likeliest first."""
    short = told.plan[told.plan["gap"] > 0]
    by_gap = short.sort_values(["gap", "probability_short"], ascending=False, kind="stable")
    return [post(told, row) for row in rows(by_gap.head(most))]


def post(told: SiteNight, row: Row, decided: str = "") -> Post:
    """The row in words; what is missing is said, and never shown as a number."""
    helps = helps_out(row)
    return Post(
        unit=told.unit_name(row["unit_id"]),
        role=told.role_title(row["role"]),
        shift=shift_and_hours(row, told.site),
        shift_name=shift_name(row["shift"]).lower(),
        patients="" if helps else patients(row),
        required=heads(row["required"], "" if helps else BY_HAND),
        scheduled=heads(row["scheduled"], UNKNOWN),
        recommended=heads(row["recommended"], BY_HAND),
        gap=gap(row),
        risk=risk(row, told.settings.horizon.quantile_levels),
        action=row["action"] or BY_HAND,
        relief=row.get("relief") or "",
        decision=decided,
        reason=row["reason"] or "",
    )


def gap(row: Row) -> Gap:
    """How the row's roster compares with its requirement."""
    if helps_out(row):
        return Gap("helps", "", "")
    if row["required"] is None:
        return Gap("by_hand", "?", BY_HAND)
    if row["scheduled"] is None or row["gap"] is None:
        return Gap("no_roster", "?", "no roster")
    missing = int(row["gap"])
    if missing > 0:
        return Gap("short", "▲", f"{missing} short")
    # Nobody is too many where nobody knows how many patients come.
    if row["patients_p50"] is None:
        return Gap("minimum", "?", "no forecast")
    return Gap("even", "=", "even") if missing == 0 else Gap("over", "▽", f"{-missing} over")


def heads(number: float | None, missing: str) -> str:
    """Whole heads, or what is said where there is no number."""
    return missing if number is None else f"{number:.0f}"


def shift_title(told: SiteNight, row: Row) -> str:
    """The shift's name and hours, and how long it is where the clock changes on it."""
    title = shift_and_hours(row, told.site)
    usual = {shift.name: shift.hours for shift in told.settings.shifts}.get(row["shift"])
    length = (row["shift_end"] - row["shift_start"]) / pd.Timedelta(hours=1)
    return title if usual in (None, length) else f"{title}, {length:.0f} hours: the clocks change"
