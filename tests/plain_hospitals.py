"""A hospital group simple enough that its forecasts are known."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from forecasting.config import Settings
from forecasting.features import build_panel
from forecasting.schema import Target

ISSUED_AT = datetime(2026, 6, 10, 7, tzinfo=UTC)


@pytest.fixture(scope="session")
def issued_at() -> datetime:
    """03:00 in New York on an ordinary Wednesday."""
    return ISSUED_AT


@pytest.fixture(scope="session")
def observations(settings: Settings) -> Callable[..., pd.DataFrame]:
    """Poisson arrivals with a daily cycle; a census that moves slowly around 60 % of the beds."""

    def draw(days: int, days_after: int = 0, seed: int = 3, factor: float = 1.0) -> pd.DataFrame:
        random = np.random.default_rng(seed)
        first, last = ISSUED_AT - timedelta(days=days), ISSUED_AT + timedelta(days=days_after)
        hours = pd.date_range(first, last, freq="h", inclusive="left")
        frames = []
        for site in settings.sites:
            local = hours.tz_convert(site.zone).hour.to_numpy()
            for unit in site.units:
                rate = factor * unit.beds / 8 * (1 + 0.7 * np.sin(2 * np.pi * (local - 9) / 24))
                departure = np.zeros(len(hours))
                shocks = random.normal(0, 0.35, len(hours))
                for hour in range(1, len(hours)):
                    departure[hour] = 0.97 * departure[hour - 1] + shocks[hour]
                census = np.rint(np.clip(0.6 * unit.beds + departure * unit.beds / 12, 0, None) * factor)
                values = {Target.BED_CENSUS: census}
                if unit == site.ed:
                    values[Target.ED_ARRIVALS] = random.poisson(rate).astype(float)
                frames += [
                    pd.DataFrame(
                        {
                            "site_id": site.site_id,
                            "unit_id": unit.unit_id,
                            "target": target.value,
                            "valid_at": hours,
                            "value": value,
                        }
                    )
                    for target, value in values.items()
                ]
        return pd.concat(frames, ignore_index=True)

    return draw


@pytest.fixture(scope="session")
def panel_of(settings: Settings) -> Callable[..., pd.DataFrame]:
    """The panel of some observations, at the issue time."""

    def build(history: pd.DataFrame, target: Target, at: datetime = ISSUED_AT) -> pd.DataFrame:
        return build_panel(history, target, settings, at, settings.sites)

    return build
