"""Wards whose law is known: patients come as a Poisson process and leave with the same chance every hour."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from forecasting.config import Settings, Site, Unit
from forecasting.models.flow import Flows
from forecasting.schema import DEPARTURE, ELAPSED_HOURS, INFLOW, PRESENT, Target

HAZARD = 0.02
PATIENTS_PER_BED = 0.6
DAYS_AFTER = 10

Drawn = tuple[pd.DataFrame, Callable[[datetime], Flows]]


@pytest.fixture(scope="session")
def wards(settings: Settings, issued_at: datetime) -> Callable[..., Drawn]:
    """Observations of every unit, past and to come, and the flows as known at an issue time."""

    def draw(days: int, seed: int = 1, factor: float = 1.0) -> Drawn:
        random = np.random.default_rng(seed)
        hours = pd.date_range(
            issued_at - timedelta(days=days), issued_at + timedelta(days=DAYS_AFTER), freq="h"
        )
        stays = {
            (site, unit): _stays(random, len(hours), factor * PATIENTS_PER_BED * unit.beds * HAZARD)
            for site in settings.sites
            for unit in site.units
        }
        observed = pd.concat([_census(*place, *own, hours) for place, own in stays.items()])

        def flows(at: datetime) -> Flows:
            now = int(hours.searchsorted(pd.Timestamp(at)))
            return Flows.together([_flows(*place, *own, hours, now) for place, own in stays.items()])

        return observed, flows

    return draw


def _stays(random: np.random.Generator, hours: int, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """First hour in the unit, and first hour gone, of each stay; the unit fills before the first hour."""
    warm = 400
    first = np.repeat(np.arange(hours + warm), random.poisson(rate, hours + warm)) - warm
    gone = first + random.geometric(HAZARD, len(first))
    seen = gone > 0
    return first[seen], gone[seen]


def _census(
    site: Site, unit: Unit, first: np.ndarray, gone: np.ndarray, hours: pd.DatetimeIndex
) -> pd.DataFrame:
    change = np.bincount(np.maximum(first, 0), minlength=len(hours)).astype(float)
    change -= np.bincount(gone[gone < len(hours)], minlength=len(hours))
    return pd.DataFrame(
        {
            "site_id": site.site_id,
            "unit_id": unit.unit_id,
            "target": Target.BED_CENSUS.value,
            "valid_at": hours,
            "value": change.cumsum(),
        }
    )


def _flows(
    site: Site, unit: Unit, first: np.ndarray, gone: np.ndarray, hours: pd.DatetimeIndex, now: int
) -> Flows:
    came = np.bincount(first[(first >= 0) & (first < now)], minlength=now)
    inflow = pd.DataFrame({"valid_at": hours[:now], "patients": came}).query("patients > 0")
    begin, end = np.maximum(first, 0), np.minimum(gone, now)
    lengths = np.maximum(end - begin, 0)
    hour = (
        np.repeat(begin, lengths) + np.arange(lengths.sum()) - np.repeat(lengths.cumsum() - lengths, lengths)
    )
    stay = np.repeat(np.arange(len(first)), lengths)
    local = hours[hour].tz_convert(site.zone)
    passed = pd.DataFrame(
        {
            "weekday": local.weekday,
            "local_hour": local.hour,
            "elapsed_from": _bins(hour - first[stay]),
            "patient_hours": 1,
            "departures": (hour == gone[stay] - 1).astype(int),
        }
    )
    cell = ["weekday", "local_hour", "elapsed_from"]
    departure = passed.groupby(cell, as_index=False)[["patient_hours", "departures"]].sum()
    present = []
    for origin in range(now % 24, now + 1, 24):
        there = (first <= origin) & (gone > origin)
        bins, patients = np.unique(_bins(origin - first[there]), return_counts=True)
        present.append(pd.DataFrame({"valid_at": hours[origin], "elapsed_from": bins, "patients": patients}))
    place = {"site_id": site.site_id, "unit_id": unit.unit_id}
    return Flows(
        INFLOW.conform(inflow.assign(**place)),
        DEPARTURE.conform(departure.assign(**place)),
        PRESENT.conform(pd.concat(present).assign(**place)),
    )


def _bins(elapsed: np.ndarray) -> np.ndarray:
    edges = np.array(ELAPSED_HOURS)
    return edges[np.searchsorted(edges, elapsed, side="right") - 1]
