"""Defects of visits and stays (profile ``adt``)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmarks.planted.defect import Change, Defect, Plant, Planted, Tables, of_rows, of_the_last, since

HOUR = pd.Timedelta(hours=1)
ENDS = {"ed_visit": "departed_at", "bed_stay": "bed_to"}
STARTS = {"ed_visit": "arrived_at", "bed_stay": "bed_from"}
IDS = {"ed_visit": "visit_id", "bed_stay": "stay_id"}
BOTH, VISITS, STAYS = tuple(STARTS), ("ed_visit",), ("bed_stay",)
OUTAGE_HOURS = 10
WARD, NEIGHBOUR = "ms1", "ms2"


def _twice(_: str, rows: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([rows, rows])


def _twice_by_other_ids(name: str, rows: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([rows, rows.assign(**{IDS[name]: "again " + rows[IDS[name]]})])


def _backward(name: str, rows: pd.DataFrame) -> pd.DataFrame:
    start, end = STARTS[name], ENDS[name]
    return rows.assign(**{start: rows[end].fillna(rows[start]), end: rows[start]})


def _without_start(name: str, rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(**{STARTS[name]: _never(rows)})


def _never_ended(name: str, rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(**{ENDS[name]: _never(rows)})


def _never(rows: pd.DataFrame) -> pd.Series:
    return pd.Series(pd.NaT, index=rows.index, dtype="datetime64[us, UTC]")


def _forty_days(name: str, rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(**{ENDS[name]: rows[STARTS[name]] + pd.Timedelta(days=40)})


def _unknown_unit(_: str, rows: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([rows, rows.assign(unit_id="3RD FLOOR", stay_id="x" + rows["stay_id"])])


def _no_unit(_: str, rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(unit_id=None)


def _later(hours: int) -> Change:
    def change(name: str, rows: pd.DataFrame) -> pd.DataFrame:
        moved = {column: rows[column] + hours * HOUR for column in (STARTS[name], ENDS[name])}
        return rows.assign(**moved)

    return change


def _called(unit_id: str) -> Change:
    return lambda _, rows: rows.assign(unit_id=rows["unit_id"].replace(WARD, unit_id))


def _none(_: str, rows: pd.DataFrame) -> pd.DataFrame:
    return rows.iloc[:0]


def _one_ward(whole: Tables, rate: float, random: np.random.Generator) -> Planted:
    """A ward takes nobody any more, and sends home who is there."""
    begin, stays = since(whole, STARTS, rate), whole["bed_stay"]
    of_ward = stays["unit_id"] == WARD
    later = of_ward & stays["bed_from"].ge(begin)
    ended = stays["bed_to"].where(~of_ward | stays["bed_to"].lt(begin), begin)
    return Planted(whole | {"bed_stay": stays.assign(bed_to=ended)[~later]}, int(later.sum()))


def _opened(whole: Tables, rate: float, random: np.random.Generator) -> Planted:
    """A ward of which nothing is known but the end of the year."""
    stays = whole["bed_stay"]
    before = (stays["unit_id"] == WARD) & stays["bed_from"].lt(since(whole, STARTS, rate))
    return Planted(whole | {"bed_stay": stays[~before]}, int(before.sum()))


def outage(catch_up: bool) -> Plant:
    """Stretches in which nothing is written down: who came is never known, or is stamped on the hour after.

    Who left meanwhile is noticed when the source is back.
    """

    def plant(whole: Tables, rate: float, random: np.random.Generator) -> Planted:
        visits = whole["ed_visit"]
        hours = pd.date_range(visits["arrived_at"].min().floor("h"), visits["arrived_at"].max(), freq="h")
        begins = random.choice(len(hours), max(round(rate * len(hours) / OUTAGE_HOURS), 1), replace=False)
        changed, hit = dict(whole), 0
        for name in BOTH:
            rows = changed[name].copy()
            for begin in hours[begins]:
                back = begin + OUTAGE_HOURS * HOUR + HOUR / 2
                came, left = (
                    rows[column].between(begin, back - HOUR / 2, inclusive="left")
                    for column in (STARTS[name], ENDS[name])
                )
                hit += int(came.sum())
                rows.loc[left, ENDS[name]] = back
                rows.loc[came, STARTS[name]] = back
                if not catch_up:
                    rows = rows[~came]
            changed[name] = rows
        return Planted(changed, hit)

    return plant


EVENT_DEFECTS = (
    Defect("rows twice, by a join", of_rows(_twice, BOTH)),
    Defect("all rows twice by other ids, at the end", of_the_last(_twice_by_other_ids, BOTH, STARTS)),
    Defect("end before start", of_rows(_backward, BOTH)),
    Defect("no start", of_rows(_without_start, BOTH)),
    Defect("no unit", of_rows(_no_unit, STAYS)),
    Defect("rows of an unknown unit besides", of_rows(_unknown_unit, STAYS)),
    Defect("stays that nobody ended", of_rows(_never_ended, BOTH)),
    Defect("40 days in the ED", of_rows(_forty_days, VISITS)),
    Defect("outages of 10 h", outage(catch_up=False)),
    Defect("outages of 10 h, caught up in an hour", outage(catch_up=True)),
    Defect("the newest rows cut off", of_the_last(_none, BOTH, STARTS)),
    Defect("times 5 h late, at the end", of_the_last(_later(5), BOTH, STARTS)),
    Defect("times 1 h late, at the end", of_the_last(_later(1), BOTH, STARTS)),
    Defect("a unit renamed", of_the_last(_called("MED-SURG 1"), STAYS, STARTS)),
    Defect("a unit merged into its neighbour", of_the_last(_called(NEIGHBOUR), STAYS, STARTS), is_news=True),
    Defect("a unit closed", _one_ward, is_news=True),
    Defect("a unit opened", _opened),
)
