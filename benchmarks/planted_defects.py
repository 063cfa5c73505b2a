"""Defects of hospitals' sources, planted into clean tables: some of their rows, or some of their hours."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

Tables = dict[str, pd.DataFrame]
Plant = Callable[[Tables, float, np.random.Generator], Tables]
HoursChange = Callable[[pd.DataFrame, pd.Series], pd.DataFrame]

HOUR = pd.Timedelta(hours=1)
STARTS = {"ed_visit": ("arrived_at", "departed_at"), "bed_stay": ("bed_from", "bed_to")}
OUTAGE_HOURS = 10
FROZEN_HOURS = 96


@dataclass(frozen=True)
class Defect:
    """What goes wrong, and at which rates: shares of rows, or of hours."""

    name: str
    plant: Plant
    rates: tuple[float, ...] = (0.01, 0.1)


def of_rows(change: Callable[[str, pd.DataFrame], pd.DataFrame]) -> Plant:
    """A change of some rows of both event tables; what it gives replaces them."""

    def plant(tables: Tables, rate: float, random: np.random.Generator) -> Tables:
        changed = dict(tables)
        for name in STARTS:
            rows = tables[name]
            chosen = random.random(len(rows)) < rate
            changed[name] = pd.concat([rows[~chosen], change(name, rows[chosen])], ignore_index=True)
        return changed

    return plant


def of_hours(change: HoursChange, table: str) -> Plant:
    """A change of an hourly table's rows, given which of them are hit."""

    def plant(tables: Tables, rate: float, random: np.random.Generator) -> Tables:
        rows = tables[table]
        hit = pd.Series(random.random(len(rows)) < rate, index=rows.index)
        return tables | {table: change(rows, hit)}

    return plant


def outage(catch_up: bool) -> Plant:
    """Whole stretches of which the source has no rows, or has them stamped on the hour after."""

    def plant(tables: Tables, rate: float, random: np.random.Generator) -> Tables:
        visits = tables["ed_visit"]
        hours = pd.date_range(visits["arrived_at"].min().floor("h"), visits["arrived_at"].max(), freq="h")
        begins = random.choice(len(hours), max(round(rate * len(hours) / OUTAGE_HOURS), 1), replace=False)
        changed = dict(tables)
        for name, (start, _) in STARTS.items():
            rows = changed[name].copy()
            for begin in hours[begins]:
                end = begin + OUTAGE_HOURS * HOUR
                inside = rows[start].between(begin, end, inclusive="left")
                if catch_up:
                    rows.loc[inside, start] = end + HOUR / 2
                else:
                    rows = rows[~inside]
            changed[name] = rows
        return changed

    return plant


def _twice(_: str, rows: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([rows, rows])


def _backward(name: str, rows: pd.DataFrame) -> pd.DataFrame:
    start, end = STARTS[name]
    return rows.assign(**{start: rows[end].fillna(rows[start]), end: rows[start]})


def _without_start(name: str, rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(**{STARTS[name][0]: _never(rows)})


def _never_ended(name: str, rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(**{STARTS[name][1]: _never(rows)})


def _forty_days(name: str, rows: pd.DataFrame) -> pd.DataFrame:
    start, end = STARTS[name]
    return rows.assign(**{end: rows[start] + pd.Timedelta(days=40)}) if name == "ed_visit" else rows


def _unknown_unit(name: str, rows: pd.DataFrame) -> pd.DataFrame:
    if name == "ed_visit":
        return rows
    return pd.concat([rows, rows.assign(unit_id="3RD FLOOR", stay_id="x" + rows["stay_id"])])


def _no_unit(name: str, rows: pd.DataFrame) -> pd.DataFrame:
    return rows if name == "ed_visit" else rows.assign(unit_id=None)


def _never(rows: pd.DataFrame) -> pd.Series:
    return pd.Series(pd.NaT, index=rows.index, dtype="datetime64[us, UTC]")


def _saying(column: str, told: Callable[[pd.Series], Any]) -> HoursChange:
    """The hours that are hit say something else in a column."""

    def change(rows: pd.DataFrame, hit: pd.Series) -> pd.DataFrame:
        values = rows[column].astype(object)
        values[hit] = told(rows.loc[hit, column])
        return rows.assign(**{column: values})

    return change


def _aggregate(rows: pd.DataFrame, hit: pd.Series) -> pd.DataFrame:
    totals = rows.groupby(["site_id", "hour_start"], as_index=False)["occupied_beds"].sum()
    chosen: pd.DataFrame = totals[totals["hour_start"].isin(rows.loc[hit, "hour_start"])]
    return pd.concat([rows, chosen.assign(unit_id="ALL", staffed_beds=None)], ignore_index=True)


def _frozen(rows: pd.DataFrame, hit: pd.Series) -> pd.DataFrame:
    """One unit's census repeats for some days at a time."""
    of_unit = rows[rows["unit_id"] == rows["unit_id"].iloc[0]].sort_values("hour_start").index
    values = rows.loc[of_unit, "occupied_beds"].to_numpy().copy()
    stretches = max(round(hit.mean() * len(values) / FROZEN_HOURS), 1)
    for begin in np.linspace(FROZEN_HOURS, len(values) - 2 * FROZEN_HOURS, stretches).astype(int):
        values[begin : begin + FROZEN_HOURS] = values[begin]
    changed = rows["occupied_beds"].copy()
    changed[of_unit] = values
    return rows.assign(occupied_beds=changed)


EVENT_DEFECTS = (
    Defect("rows twice", of_rows(_twice)),
    Defect("end before start", of_rows(_backward)),
    Defect("no start", of_rows(_without_start)),
    Defect("no unit", of_rows(_no_unit)),
    Defect("rows of an unknown unit besides", of_rows(_unknown_unit)),
    Defect("never ended", of_rows(_never_ended), (0.001, 0.01)),
    Defect("40 days in the ED", of_rows(_forty_days), (0.001, 0.01)),
    Defect("outages of 10 h", outage(catch_up=False)),
    Defect("outages of 10 h, caught up in an hour", outage(catch_up=True)),
)
"""Planted into visits and stays (profile ``adt``)."""

ARRIVALS, CENSUS = "ed_arrivals_hourly", "bed_census_hourly"
FEW = (0.01, 0.04)
"""More than one impossible hour in twenty stops a night."""
HOUR_DEFECTS = (
    Defect("text for arrivals", of_hours(_saying("arrivals", lambda _: "n/a"), ARRIVALS)),
    Defect("suppressed arrivals (<5)", of_hours(_saying("arrivals", lambda _: "<5"), ARRIVALS)),
    Defect(
        "negative arrivals", of_hours(_saying("arrivals", lambda told: -told - 1), ARRIVALS), (0.01, 0.04)
    ),
    Defect(
        "ten times the census",
        of_hours(_saying("occupied_beds", lambda told: told * 10), CENSUS),
        (0.01, 0.04),
    ),
    Defect("totals among the units", of_hours(_aggregate, CENSUS)),
    Defect("a census frozen for 4 days", of_hours(_frozen, CENSUS)),
    Defect("rows absent", of_hours(lambda rows, hit: rows[~hit], ARRIVALS)),
)
"""Planted into hours that the hospital counted (profile ``hourly``)."""


def naive_events(
    tables: Mapping[str, pd.DataFrame], ed_unit_id: str, hours: pd.DatetimeIndex
) -> pd.DataFrame:
    """Hours as one counts them who trusts every row: ``unit_id, target, valid_at, value``."""
    visits, stays = tables["ed_visit"], tables["bed_stay"]
    parts = [_rows("ed_arrivals", ed_unit_id, _counted(visits["arrived_at"].dt.floor("h"), hours))]
    places = {ed_unit_id: (visits, STARTS["ed_visit"])}
    places |= {str(unit): (rows, STARTS["bed_stay"]) for unit, rows in stays.groupby("unit_id")}
    for unit_id, (rows, (start, end)) in places.items():
        came, left = (_counted(rows[column].dt.ceil("h"), hours) for column in (start, end))
        parts.append(_rows("bed_census", unit_id, (came - left).cumsum()))
    return pd.concat(parts, ignore_index=True)


def naive_hours(tables: Mapping[str, pd.DataFrame], ed_unit_id: str, hours: pd.DatetimeIndex) -> pd.DataFrame:
    """Hours as one reads them who takes what is no number, or absent, for zero."""
    arrivals, census = tables[ARRIVALS], tables[CENSUS]
    parts = [_rows("ed_arrivals", ed_unit_id, _stated(arrivals, "arrivals", hours))]
    for unit_id, rows in census.groupby("unit_id"):
        parts.append(_rows("bed_census", str(unit_id), _stated(rows, "occupied_beds", hours)))
    return pd.concat(parts, ignore_index=True)


def _rows(target: str, unit_id: str, values: pd.Series) -> pd.DataFrame:
    told = values.rename("value").rename_axis("valid_at").reset_index()
    return told.assign(unit_id=unit_id, target=target)


def _counted(times: pd.Series, hours: pd.DatetimeIndex) -> pd.Series:
    """How many of some times fall on each hour, those before the first on the first."""
    known = times.dropna()
    counts = known.where(known >= hours[0], hours[0]).value_counts()
    return counts.reindex(hours).fillna(0).astype(float)


def _stated(rows: pd.DataFrame, column: str, hours: pd.DatetimeIndex) -> pd.Series:
    numbers = pd.to_numeric(rows[column], errors="coerce").fillna(0)
    told = numbers.groupby(pd.DatetimeIndex(rows["hour_start"]).tz_localize("UTC")).sum()
    return told.reindex(hours).fillna(0).astype(float)
