"""Defects of hours that the hospital counted itself (profile ``hourly``)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.planted.defect import Change, Defect, Plant, Planted, Tables, of_rows, of_the_last

ARRIVALS, CENSUS = "ed_arrivals_hourly", "bed_census_hourly"
TIMES = {ARRIVALS: "hour_start", CENSUS: "hour_start"}
COUNTS = {ARRIVALS: "arrivals", CENSUS: "occupied_beds"}
HOUR = pd.Timedelta(hours=1)
FROZEN_HOURS, OUTAGE_HOURS = 96, 10
WARD, NEIGHBOUR = "ms1", "ms2"
FEW = (0.001, 0.01, 0.04)
"""More than one impossible hour in twenty stops a night."""


def _saying(told: Callable[[pd.Series], Any]) -> Change:
    """The hours that are hit say something else."""

    def change(name: str, rows: pd.DataFrame) -> pd.DataFrame:
        return rows.assign(**{COUNTS[name]: told(rows[COUNTS[name]])})

    return change


def _with_comma(counts: pd.Series) -> pd.Series:
    return counts.map("{:.1f}".format).str.replace(".", ",")


def _none(_: str, rows: pd.DataFrame) -> pd.DataFrame:
    return rows.iloc[:0]


def _twice(_: str, rows: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([rows, rows])


def _twice_otherwise(name: str, rows: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([rows, rows.assign(**{COUNTS[name]: rows[COUNTS[name]] + 3})])


def _later(hours: int) -> Change:
    return lambda _, rows: rows.assign(hour_start=rows["hour_start"] + hours * HOUR)


def _doubled(name: str, rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(**{COUNTS[name]: 2 * rows[COUNTS[name]]})


def _renamed(_: str, rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(unit_id=rows["unit_id"].replace(WARD, "MED-SURG 1"))


def _without_ward(_: str, rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["unit_id"] != WARD]


def _over_beds(name: str, rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(occupied_beds=(1.3 * rows["staffed_beds"]).round())


def _aggregate(whole: Tables, rate: float, random: np.random.Generator) -> Planted:
    """Totals over the units, in some hours."""
    rows = whole[CENSUS]
    totals = rows.groupby(["site_id", "hour_start"], as_index=False)["occupied_beds"].sum()
    chosen = totals[random.random(len(totals)) < rate]
    told = pd.concat([rows, chosen.assign(unit_id="ALL", staffed_beds=None)], ignore_index=True)
    return Planted(whole | {CENSUS: told}, len(chosen))


def _copied(_: str, rows: pd.DataFrame) -> pd.DataFrame:
    """One ward's census stands in another's rows."""
    original = rows[rows["unit_id"] == NEIGHBOUR].set_index("hour_start")["occupied_beds"]
    copy = rows["hour_start"].map(original)
    return rows.assign(occupied_beds=copy.where(rows["unit_id"] == WARD, rows["occupied_beds"]))


def in_stretches(
    hours: int, change: Callable[[pd.DataFrame], pd.DataFrame], tables: tuple[str, ...]
) -> Plant:
    """Some stretches of the year, each of so many hours, in each of which a change is made."""

    def plant(whole: Tables, rate: float, random: np.random.Generator) -> Planted:
        begins = whole[CENSUS]["hour_start"].drop_duplicates().sort_values()
        chosen = random.choice(len(begins) - hours, max(round(rate * len(begins) / hours), 1), replace=False)
        changed, hit = dict(whole), 0
        for name in tables:
            rows = changed[name]
            for begin in begins.iloc[chosen]:
                inside = rows["hour_start"].between(begin, begin + hours * HOUR, inclusive="left")
                told = change(rows[inside])
                hit += int(told[COUNTS[name]].ne(rows.loc[inside, COUNTS[name]]).sum())
                rows = pd.concat([rows[~inside], told])
            changed[name] = rows.sort_index()
        return Planted(changed, hit)

    return plant


def _zero(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(**{column: 0 for column in COUNTS.values() if column in rows})


def _frozen(rows: pd.DataFrame) -> pd.DataFrame:
    """One ward's census repeats its first hour."""
    of_ward = rows["unit_id"] == WARD
    first = rows[of_ward].sort_values("hour_start")["occupied_beds"].iloc[0]
    return rows.assign(occupied_beds=rows["occupied_beds"].mask(of_ward, first))


HOUR_DEFECTS = (
    Defect("text for a number", of_rows(_saying(lambda _: "n/a"), (ARRIVALS, CENSUS))),
    Defect("suppressed cells (<5)", of_rows(_saying(lambda _: "<5"), (ARRIVALS,))),
    Defect("a decimal comma", of_rows(_saying(_with_comma), (ARRIVALS, CENSUS))),
    Defect("negative counts", of_rows(_saying(lambda told: -told - 1), (ARRIVALS, CENSUS)), FEW),
    Defect("ten times the census", of_rows(_saying(lambda told: told * 10), (CENSUS,)), FEW),
    Defect("above the beds by a third", of_rows(_over_beds, (CENSUS,))),
    Defect("hours twice", of_rows(_twice, (ARRIVALS, CENSUS))),
    Defect("hours twice, with other numbers", of_rows(_twice_otherwise, (ARRIVALS, CENSUS))),
    Defect("totals among the units", _aggregate),
    Defect("rows absent", of_rows(_none, (ARRIVALS, CENSUS))),
    Defect("zeros in outages of 10 h", in_stretches(OUTAGE_HOURS, _zero, (ARRIVALS, CENSUS))),
    Defect("a census frozen for 4 days", in_stretches(FROZEN_HOURS, _frozen, (CENSUS,))),
    Defect("a census copied, at the end", of_the_last(_copied, (CENSUS,), TIMES)),
    Defect("arrivals doubled, at the end", of_the_last(_doubled, (ARRIVALS,), TIMES)),
    Defect("times 5 h late, at the end", of_the_last(_later(5), (ARRIVALS, CENSUS), TIMES)),
    Defect("times 1 h late, at the end", of_the_last(_later(1), (ARRIVALS, CENSUS), TIMES)),
    Defect("a unit renamed", of_the_last(_renamed, (CENSUS,), TIMES)),
    Defect("a unit's rows end", of_the_last(_without_ward, (CENSUS,), TIMES)),
    Defect("the newest rows cut off", of_the_last(_none, (ARRIVALS, CENSUS), TIMES)),
)
