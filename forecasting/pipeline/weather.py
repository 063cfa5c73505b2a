"""A site's weather: read for a night, staged, and told where forecasts are made."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import pandas as pd
import sqlalchemy as sa
import structlog

from forecasting import extract
from forecasting.config import Settings
from forecasting.schema import WEATHER, Target
from forecasting.staging import Stage

EXTRACTED = f"extracted_{WEATHER.name}"

log = structlog.get_logger()


def stage_weather(stage: Stage, source: sa.Engine, settings: Settings, issued_at: datetime) -> None:
    """Read what was told of the weather by the issue time, and stage it.

    Weather that can't be read is staged as none: the night is forecast without it, and says so.
    """
    since = issued_at - timedelta(days=settings.source.history_days)
    try:
        rows = extract.extract_weather(source, settings.site(stage.site_id), settings, since, issued_at)
    except Exception as error:
        # Whatever is wrong with the weather must not cost a hospital the hours that could be read.
        log.exception("no weather", site=stage.site_id, stage="extract", why=str(error))
        rows = WEATHER.empty()
    stage.write(WEATHER, rows, EXTRACTED)


def staged_weather(stages: Iterable[Stage], settings: Settings) -> pd.DataFrame | None:
    """The weather of these sites as validated; None where none is configured."""
    if not settings.weather.given:
        return None
    staged = [stage.read(WEATHER) for stage in stages if stage.has(f"{WEATHER.name}.parquet")]
    return WEATHER.conform(pd.concat(staged, ignore_index=True)) if staged else WEATHER.empty()


def weather_missing(weather: pd.DataFrame | None, target: Target, issued_at: datetime) -> str:
    """What arrivals are forecast without of the weather, a sentence for a nurse manager; else ""."""
    if weather is None or target is not Target.ED_ARRIVALS:
        return ""
    if weather.empty:
        return "Forecast without the weather: the source tells none."
    if not (weather["valid_at"] > issued_at).any():
        last = weather["valid_at"].max()
        return f"Forecast without tomorrow's weather: the last hour told is {last:%d %B %H:%M} UTC."
    return ""
