"""What was told of the weather at a site, and when: forecasts and observations of its temperature."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from time import perf_counter

import pandas as pd
import sqlalchemy as sa
import structlog

from forecasting.config import Settings, Site
from forecasting.extract.clock import UTC_CLOCK, SourceClock
from forecasting.extract.contract import resolve_beside
from forecasting.extract.extraction import whole_hour
from forecasting.extract.hourly import MARGIN, source_clock
from forecasting.extract.questions import Questions
from forecasting.extract.source import reading
from forecasting.profile import Profile
from forecasting.schema import WEATHER

FREEZING_F = 32.0
CELSIUS_PER_FAHRENHEIT = 5 / 9
HOUR = pd.Timedelta(hours=1)

log = structlog.get_logger()


def extract_weather(
    engine: sa.Engine, site: Site, settings: Settings, since: datetime, issued_at: datetime
) -> pd.DataFrame:
    """The temperatures that were told of a site by the issue time, of hours from ``since`` on.

    Of each hour the last row stays that was told before the issue time of each night, so that any of those
    nights can be shown what it knew. A row without ``issued_at`` was told when its hour was over.

    Args:
        engine: the source, from :func:`~forecasting.extract.source.connect`.
        site: the campus.
        settings: names of table and columns, the unit of the temperatures, and when nights are.
        since: first hour; aware, on the hour.
        issued_at: the issue time; aware, on the hour. What was told after it does not enter.

    Returns:
        WEATHER rows; temperatures in degrees Celsius, none of them missing.

    Raises:
        ValueError: a time is not an aware hour.
        SourceUnreachable: the source does not answer.
        SourceContractBroken: the source has no such table, or it lacks a column.
        SourceError: the source refused a query.
    """
    began = perf_counter()
    since, issued_at = whole_hour(since), whole_hour(issued_at)
    with reading(engine) as connection:
        profile, name = settings.source.profile, WEATHER.name
        tables = {name: resolve_beside(connection, settings.source, name)}
        questions = Questions(connection, settings.source, site, since, issued_at, tables)
        clock = source_clock(questions, name, settings) if profile is Profile.HOURLY else UTC_CLOCK
        answer = questions.ask(name, since=clock.label(since - MARGIN), until=clock.label(issued_at + MARGIN))
    told = _told(answer.dropna(subset=["valid_at", "temperature"]), clock)
    known = told[(told["issued_at"] <= issued_at) & (told["valid_at"] >= since)]
    if settings.weather.temperature == "fahrenheit":
        known = known.assign(temperature_c=(known["temperature_c"] - FREEZING_F) * CELSIUS_PER_FAHRENHEIT)
    rows = WEATHER.conform(_as_nights_knew(known, settings, issued_at).assign(site_id=site.site_id))
    log.info(
        "weather extracted",
        site=site.site_id,
        stage="extract",
        issued_at=issued_at.isoformat(),
        rows=len(rows),
        seconds=round(perf_counter() - began, 2),
    )
    return rows


def _told(answer: pd.DataFrame, clock: SourceClock) -> pd.DataFrame:
    """The rows with their moments: of hours in UTC, and of when they were told.

    Where clocks go back and a time is shown twice, it is the later one: nothing is known too early.
    """
    valid_at = clock.nearest(answer["valid_at"].dt.tz_localize(None)).dt.floor("h")
    said = answer["issued_at"].dt.tz_localize(None)
    told_at = clock.moments(said)["second"].where(said.notna(), valid_at + HOUR)
    told = pd.DataFrame({"issued_at": told_at, "valid_at": valid_at, "temperature_c": answer["temperature"]})
    return told.dropna()


def _as_nights_knew(told: pd.DataFrame, settings: Settings, issued_at: datetime) -> pd.DataFrame:
    """Of each hour the last row that was told by the issue time of each night."""
    if told.empty:
        return told
    nights = _issue_times(settings, told["issued_at"].min(), issued_at)
    ordered = told.sort_values(["valid_at", "issued_at"], kind="stable")
    night = nights.searchsorted(pd.DatetimeIndex(ordered["issued_at"]))
    return ordered[~ordered.assign(night=night).duplicated(["valid_at", "night"], keep="last")]


def _issue_times(settings: Settings, first: datetime, last: datetime) -> pd.DatetimeIndex:
    """The nightly issue times from the first on, and the last one itself."""

    def night_of(time: datetime) -> date:
        return time.astimezone(settings.group.zone).date()

    days = range((night_of(last) - night_of(first)).days + 1)
    times = {settings.issued_at(night_of(first) + timedelta(days=day)) for day in days}
    return pd.DatetimeIndex(sorted({time for time in times if time < last} | {last}))
