"""From the database's counts to a gapless grid of hours: zero, value or missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from forecasting.config import Site
from forecasting.extract.silence import silent_hours
from forecasting.schema import OBSERVATION, Target

ED_VISIT = "ed_visit"
BED_STAY = "bed_stay"


@dataclass(frozen=True)
class SourceHours:
    """What the database counted for one site."""

    counts: Mapping[Target, pd.DataFrame]
    """``unit_id, valid_at, value``: arrivals where there are any; the census where it changed."""
    activity: pd.DataFrame
    """``source_table, valid_at, events``: hours in which something happened."""
    unit_ids: frozenset[str]
    """The units that the source says it has."""


def observations(source: SourceHours, site: Site, since: datetime, issued_at: datetime) -> pd.DataFrame:
    """Every hour ``since <= hour < issued_at`` of every series, as the table ``observation``.

    A series is missing where its own source table, or the whole site, was silent. It begins with the first
    event of its table: what was before is not known. A unit of which the source knows nothing has no series.
    """
    window = pd.date_range(since, issued_at, freq="h", inclusive="left", unit="us")
    silent = _silence(source.activity, window[-1])
    parts = []
    for target, counts in source.counts.items():
        counted = {str(unit_id): rows for unit_id, rows in counts.groupby("unit_id")}
        for unit_id in sorted({*counted, *_expected_units(source, site, target)}):
            table = ED_VISIT if site.ed is not None and unit_id == site.ed.unit_id else BED_STAY
            if table in silent:
                series = _series(counted.get(unit_id, counts.head(0)), target, window, silent[table])
                parts.append(series.assign(unit_id=unit_id, target=str(target)))
    if not parts:
        return OBSERVATION.empty()
    return pd.concat(parts, ignore_index=True).assign(site_id=site.site_id)


def _expected_units(source: SourceHours, site: Site, target: Target) -> Iterator[str]:
    """Configured units that the source has: their hours without a row are zeros."""
    for unit in site.units:
        if unit.unit_id in source.unit_ids and (target is Target.BED_CENSUS or unit == site.ed):
            yield unit.unit_id


def _silence(activity: pd.DataFrame, last_hour: pd.Timestamp) -> dict[str, pd.Series]:
    """Per source table that has any event, which hours since its first event are silent."""
    if activity.empty:
        return {}
    events = activity.pivot_table(index="valid_at", columns="source_table", values="events", aggfunc="sum")
    hours = pd.date_range(events.index.min(), last_hour, freq="h", unit="us")
    events = events.reindex(hours).fillna(0.0)
    silent = silent_hours(events)
    return {str(table): silent[table].loc[own.ne(0).idxmax() :] for table, own in events.items()}


def _series(
    counts: pd.DataFrame, target: Target, window: pd.DatetimeIndex, silent: pd.Series
) -> pd.DataFrame:
    values = counts.set_index("valid_at")["value"].reindex(window)
    if target is Target.BED_CENSUS:
        values = values.ffill()
    known = silent.loc[window[0] :]
    values = values.fillna(0.0).reindex(known.index).mask(known)
    return values.rename("value").rename_axis("valid_at").reset_index()
