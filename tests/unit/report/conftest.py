"""A site's night, small and plain, that a test changes where it matters."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

import pandas as pd
import pytest

from forecasting.config import Settings, Site
from forecasting.report import SiteNight
from forecasting.schema import FORECAST, OBSERVATION, QUARANTINED_ROW, STAFFING_RECOMMENDATION, Target

MakeNight = Callable[..., SiteNight]


def plan(settings: Settings, site: Site, night: date, days: int = 3) -> pd.DataFrame:
    """Every unit, role and shift of some days, the night's first, eight heads required and scheduled."""
    rows = []
    for day in (night + timedelta(days=number) for number in range(days)):
        for shift in settings.shifts:
            start = datetime.combine(day, shift.start, tzinfo=site.zone)
            end = (start.replace(tzinfo=None) + timedelta(hours=shift.hours)).replace(tzinfo=site.zone)
            rows += [
                {
                    "issued_at": settings.issued_at(night),
                    "night": night,
                    "site_id": site.site_id,
                    "unit_id": unit.unit_id,
                    "role": role,
                    "shift": shift.name,
                    "shift_date": day,
                    "shift_start": start.astimezone(UTC),
                    "shift_end": end.astimezone(UTC),
                    "patients_p10": 24.2,
                    "patients_p50": 28.4,
                    "patients_p90": 33.1,
                    "required": 8,
                    "scheduled": 8,
                    "recommended": 8,
                    "gap": 0,
                    "action": "keep",
                    "probability_short": 0.18,
                    "rule_id": f"{role}_{unit.unit_type}",
                    "quantile_level": 0.75,
                    "reason": f"Enough for {unit.name}.",
                    "note": "",
                    "model": "ensemble",
                    "model_version": "3",
                    "mlflow_run_id": "a1b2",
                    "dag_run_id": "scheduled__1",
                    "data_digest": "d1",
                }
                for unit in site.units
                for role in settings.roles
            ]
    return STAFFING_RECOMMENDATION.conform(pd.DataFrame(rows, columns=STAFFING_RECOMMENDATION.columns.names))


def forecast(site: Site, issued_at: datetime, hours: int = 96) -> pd.DataFrame:
    """Of every unit the same hours: 10 patients at 0.1, 20 at 0.5, 30 at 0.9."""
    rows = [
        (
            issued_at,
            site.site_id,
            unit.unit_id,
            target.value,
            "PT1H",
            issued_at + timedelta(hours=hour),
            level,
            10.0 + 25.0 * (level - 0.1),
            "ensemble",
            "3",
            "",
        )
        for unit in site.units
        for target in Target
        if target is Target.BED_CENSUS or unit == site.ed
        for hour in range(hours)
        for level in (0.1, 0.5, 0.9)
    ]
    return FORECAST.conform(pd.DataFrame(rows, columns=FORECAST.columns.names))


def history(site: Site, issued_at: datetime, days: int = 4) -> pd.DataFrame:
    """Of every unit 12 patients and, in the ED, 12 arrivals, each hour."""
    rows = [
        (site.site_id, unit.unit_id, target.value, issued_at - timedelta(hours=hour), 12.0)
        for unit in site.units
        for target in Target
        if target is Target.BED_CENSUS or unit == site.ed
        for hour in range(1, 24 * days + 1)
    ]
    return OBSERVATION.conform(pd.DataFrame(rows, columns=OBSERVATION.columns.names))


def usual(settings: Settings, site: Site, night: date) -> dict[str, Any]:
    """What a night without anything strange is made of."""
    issued_at = settings.issued_at(night)
    return {
        "recommendations": plan(settings, site, night),
        "night_before": plan(settings, site, night - timedelta(days=1)),
        "forecast": forecast(site, issued_at),
        "history": history(site, issued_at),
        "quarantined": QUARANTINED_ROW.empty(),
        "warning": "",
        "instruments": {},
    }


@pytest.fixture(scope="session")
def make_night(settings: Settings) -> MakeNight:
    """A night of North, each post at 8 heads; keyword arguments stand in for what it is made of."""
    north = settings.sites[0]
    of_north = cache(lambda night: usual(settings, north, night))

    def make(night: date = date(2026, 6, 1), configured: Settings = settings, **parts: Any) -> SiteNight:
        site = parts.pop("site", configured.sites[0])
        known = of_north(night) if site is north else usual(configured, site, night)
        about = {"settings": configured, "site": site, "night": night}
        return SiteNight(**about, issued_at=configured.issued_at(night), **known | parts)

    return make
