"""What is at stake on a post: expected cost, hours short and waiting, where the plan has them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from forecasting.report.page.site_night import SiteNight
from forecasting.wording import Row, rows, shift_name


def _number(value: float) -> str:
    return f"{value:,.0f}"


def _one_digit(value: float) -> str:
    return f"{value:,.1f}"


def _minutes(value: float) -> str:
    return f"{value:,.0f} min"


def _share(value: float) -> str:
    return f"{100 * value:.1f} %"


_COLUMNS: dict[str, tuple[str, Callable[[float], str]]] = {
    "expected_cost_scheduled": ("Cost as scheduled", _number),
    "expected_cost": ("Cost as recommended", _number),
    "short_hours": ("Head-hours short as recommended", _one_digit),
    "wait_minutes_scheduled": ("Wait to be seen as scheduled", _minutes),
    "wait_minutes": ("Wait to be seen as recommended", _minutes),
    "left_unseen_scheduled": ("Leave unseen as scheduled", _share),
    "left_unseen": ("Leave unseen as recommended", _share),
}
_ADD_UP = ("expected_cost_scheduled", "expected_cost", "short_hours")


@dataclass(frozen=True)
class Stakes:
    """A table of the columns that hold something, a row a post that has any."""

    titles: tuple[str, ...]
    posts: tuple[tuple[str, str, str, tuple[str, ...]], ...]
    """Unit, role, shift, and a cell a title."""
    totals: tuple[str, ...]
    """A cell a title; "" where a sum says nothing."""


def stakes(told: SiteNight) -> Stakes | None:
    """The expected outcome of the page's day; None where the plan has none."""
    held = [name for name in _COLUMNS if name in told.plan and told.plan[name].notna().any()]
    if not held:
        return None
    plan = told.plan[told.plan[held].notna().any(axis=1)]
    return Stakes(
        tuple(_COLUMNS[name][0] for name in held),
        tuple(
            (
                told.unit_name(row["unit_id"]),
                told.role_title(row["role"]),
                shift_name(row["shift"]),
                tuple(_cell(row, name) for name in held),
            )
            for row in rows(plan)
        ),
        tuple(_total(plan, name) for name in held),
    )


def _cell(row: Row, name: str) -> str:
    return "" if row[name] is None else _COLUMNS[name][1](row[name])


def _total(plan: pd.DataFrame, name: str) -> str:
    return _COLUMNS[name][1](plan[name].sum()) if name in _ADD_UP else ""
