"""Hours as one has them who trusts every row of a source."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from benchmarks.planted.events import ENDS, STARTS
from benchmarks.planted.hours import ARRIVALS, CENSUS


def trusting_events(
    tables: Mapping[str, pd.DataFrame], ed_unit_id: str, hours: pd.DatetimeIndex
) -> pd.DataFrame:
    """Every visit and stay counted: ``unit_id, target, valid_at, value``."""
    visits, stays = tables["ed_visit"], tables["bed_stay"]
    parts = [_rows("ed_arrivals", ed_unit_id, _counted(visits["arrived_at"].dt.floor("h"), hours))]
    places = {ed_unit_id: ("ed_visit", visits)}
    places |= {str(unit): ("bed_stay", rows) for unit, rows in stays.groupby("unit_id")}
    for unit_id, (name, rows) in places.items():
        came, left = (_counted(rows[column].dt.ceil("h"), hours) for column in (STARTS[name], ENDS[name]))
        parts.append(_rows("bed_census", unit_id, (came - left).cumsum()))
    return pd.concat(parts, ignore_index=True)


def trusting_hours(
    tables: Mapping[str, pd.DataFrame], ed_unit_id: str, hours: pd.DatetimeIndex
) -> pd.DataFrame:
    """Every row added up, what is no number, or absent, taken for zero."""
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
