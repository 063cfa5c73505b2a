"""What the panel and the flows of one site say of the hours before the issue time, on one grid of hours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from forecasting.models.flow.flows import Flows
from forecasting.models.flow.hazards import BINS, elapsed_bin, risk_and_departures
from forecasting.models.flow.inflow import Hours
from forecasting.models.interface import series_of

HOURS_PER_DAY = 24
LONGEST_SILENCE = 6
"""Hours without an observation after which who is present is not known any more."""


@dataclass(frozen=True)
class UnitHistory:
    """One unit's counts; every array is of the site's grid of hours or its origins."""

    unit_id: str
    is_ed: bool
    beds: float
    census: np.ndarray
    """By hour (hours,); NaN where missing, as all to come."""
    inflow: np.ndarray
    """Patients who came (hours,); NaN where the census is missing."""
    present: np.ndarray
    """By origin and bin of hours since they took the bed (origins, bins)."""
    risk: np.ndarray
    departures: np.ndarray


@dataclass(frozen=True)
class SiteHistory:
    """One site: its hours up to the last lead, the origins a day apart up to the issue time, its units."""

    hours: Hours
    origins: np.ndarray
    """Their hours' positions, the issue time last (origins,)."""
    units: tuple[UnitHistory, ...]


def site_history(
    panel: pd.DataFrame, flows: Flows, site_id: str, issued_at: datetime, lead_hours: int
) -> SiteHistory | None:
    """A site's hours and units, of those whose flow is known at the issue time; None where none's is.

    Args:
        panel: of the census; of its values, those before ``issued_at`` are read.
        flows: as known at ``issued_at``.
        site_id: the site.
        issued_at: the issue time.
        lead_hours: how many hours from it on are wanted.
    """
    now = pd.Timestamp(issued_at)
    known = flows.of_site(site_id)
    asked = known.present["valid_at"]
    rows = panel[panel["site_id"] == site_id]
    # Counts of another issue time would be of the future, or of the past.
    if asked.empty or rows.empty or asked.max() != now:
        return None
    begin = max(asked.min(), rows["valid_at"].min())
    grid = pd.date_range(begin, periods=int((now - begin) / pd.Timedelta(hours=1)) + lead_hours, freq="h")
    calendar = rows.drop_duplicates("valid_at").set_index("valid_at").reindex(grid)
    if calendar["weekday"].isna().any():
        return None
    issue = len(grid) - lead_hours
    origins = np.arange(issue % HOURS_PER_DAY, issue + 1, HOURS_PER_DAY)
    units = [_unit(own, known.of_unit(key[1]), grid, origins) for key, own in series_of(rows)]
    return SiteHistory(_calendar(calendar), origins, tuple(unit for unit in units if unit is not None))


def _unit(
    rows: pd.DataFrame, flows: Flows, grid: pd.DatetimeIndex, origins: np.ndarray
) -> UnitHistory | None:
    issue = int(origins[-1])
    census = rows.set_index("valid_at")["value"].reindex(grid).to_numpy(dtype=float, copy=True)
    census[issue:] = np.nan
    if flows.departure.empty or np.isnan(census[max(issue - LONGEST_SILENCE, 0) : issue]).all():
        return None
    inflow = flows.inflow.set_index("valid_at")["patients"].reindex(grid).fillna(0).to_numpy(dtype=float)
    risk, departures = risk_and_departures(flows.departure)
    first = rows.iloc[0]
    return UnitHistory(
        unit_id=str(first["unit_id"]),
        is_ed=bool(first["unit_type"] == "ed"),
        beds=float(first["beds"]),
        census=census,
        inflow=np.where(np.isnan(census), np.nan, inflow),
        present=_present(flows.present, grid, origins),
        risk=risk,
        departures=departures,
    )


def _present(present: pd.DataFrame, grid: pd.DatetimeIndex, origins: np.ndarray) -> np.ndarray:
    counts = np.zeros((len(origins), BINS))
    # The issue time itself is an origin too, where the grid may end.
    hours = grid[0] + pd.to_timedelta(origins, unit="h")
    place = hours.get_indexer(pd.DatetimeIndex(present["valid_at"]))
    found = place >= 0
    bins = elapsed_bin(present["elapsed_from"].to_numpy())
    np.add.at(counts, (place[found], bins[found]), present["patients"].to_numpy(float)[found])
    return counts


def _calendar(rows: pd.DataFrame) -> Hours:
    beside = (rows["day_before_holiday"] == 1) | (rows["day_after_holiday"] == 1)
    holiday = np.where(rows["holiday"] == 1, 1, np.where(beside, 2, 0))
    return Hours(rows["weekday"].to_numpy(np.int64), rows["local_hour"].to_numpy(np.int64), holiday)
