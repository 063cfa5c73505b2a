"""The other days of a plan in small: a row a post, a column a shift."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from operator import itemgetter

import pandas as pd

from forecasting.report.page.post import Gap, gap, heads
from forecasting.report.page.site_night import SiteNight
from forecasting.wording import Row, rows, shift_name, short_day

SHIFTS_ABREAST = 14
"""How many columns stand on a sheet of paper."""

_Shift = tuple[date, datetime, str]


@dataclass(frozen=True)
class Cell:
    """What a post is recommended on one shift."""

    heads: str
    gap: Gap | None
    """None where the post has no such shift."""


@dataclass(frozen=True)
class Line:
    """A unit's role over the days of a table."""

    unit: str
    role: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class DayColumns:
    """A day and its shifts."""

    title: str
    shifts: tuple[str, ...]


@dataclass(frozen=True)
class Days:
    """Some days, as many as stand abreast."""

    days: tuple[DayColumns, ...]
    lines: tuple[Line, ...]


def other_days(told: SiteNight) -> list[Days]:
    """All of the plan's days but the page's, as many to a table as stand abreast."""
    others = told.in_order(told.recommendations[told.recommendations["shift_date"] != told.day])
    return [_days(told, others[others["shift_date"].isin(dates)]) for dates in _abreast(_shifts(others))]


def _shifts(heads_of_days: pd.DataFrame) -> list[_Shift]:
    columns = heads_of_days[["shift_date", "shift_start", "shift"]].drop_duplicates()
    return list(columns.itertuples(index=False, name=None))


def _abreast(shifts: list[_Shift]) -> list[list[date]]:
    """The dates, put together so that no table has more shifts than stand abreast."""
    tables: list[list[date]] = []
    room = 0
    for day, of_day in groupby(shifts, key=itemgetter(0)):
        wanted = len(list(of_day))
        if wanted > room:
            tables.append([])
            room = SHIFTS_ABREAST
        tables[-1].append(day)
        room -= wanted
    return tables


def _days(told: SiteNight, heads_of_days: pd.DataFrame) -> Days:
    shifts = _shifts(heads_of_days)
    found = {
        (row["unit_id"], row["role"], row["shift_start"], row["shift"]): row for row in rows(heads_of_days)
    }
    lines = heads_of_days.drop_duplicates(["unit_id", "role"]).assign(shift_start=0, shift="")
    return Days(
        tuple(
            DayColumns(
                short_day(day),
                tuple(shift_name(shift) for _, _, shift in of_day),
            )
            for day, of_day in groupby(shifts, key=itemgetter(0))
        ),
        tuple(
            Line(
                told.unit_name(line["unit_id"]),
                told.role_title(line["role"]),
                tuple(
                    _cell(found.get((line["unit_id"], line["role"], start, shift)))
                    for _, start, shift in shifts
                ),
            )
            for line in rows(told.in_order(lines))
        ),
    )


def _cell(row: Row | None) -> Cell:
    return Cell("", None) if row is None else Cell(heads(row["recommended"], "?"), gap(row))
