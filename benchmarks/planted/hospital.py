"""A simulated hospital whose truth is known, as the tables of a profile: what defects are planted into."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd
import sqlalchemy as sa

from benchmarks.planted.defect import Tables
from benchmarks.planted.events import ENDS, STARTS
from benchmarks.planted.hours import ARRIVALS, CENSUS
from forecasting.config import Settings, Site, read_settings
from forecasting.extract import connect, extract
from forecasting.profile import Profile
from forecasting.schema import Target
from forecasting.simulate import simulate_sites

CONFIG = Path(__file__).parents[2] / "hospital.toml"
SITE = "valley"
START = datetime(2025, 6, 1, tzinfo=UTC)
NIGHT = date(2026, 6, 1)
WEEK = timedelta(weeks=1)


@dataclass(frozen=True)
class Year:
    """A year of one site up to an issue time."""

    settings: Settings
    tables: Tables
    """Of the profile, as the source has them at the issue time."""
    hours: pd.DataFrame
    """OBSERVATION rows: what was, and the week to come."""

    @property
    def site(self) -> Site:
        """The site."""
        return self.settings.sites[0]

    @property
    def issued_at(self) -> datetime:
        """When the year ends."""
        return self.settings.issued_at(NIGHT)

    @property
    def past(self) -> pd.DataFrame:
        """The hours before the issue time."""
        return self.hours[self.hours["valid_at"] < self.issued_at]


def simulated_year(profile: Profile, seed: int) -> Year:
    """A clean year, in the tables of a profile."""
    settings = _settings(Profile.ADT)
    site, issued_at = settings.sites[0], settings.issued_at(NIGHT)
    (hospital,) = simulate_sites(settings, START, issued_at + WEEK, seed)
    names = (*STARTS, "unit", "scheduled_shift")
    whole: Tables = {name: getattr(hospital, name) for name in names}
    with stored(whole) as url:
        hours = extract(connect(url), site, settings, START, issued_at + WEEK)["observation"]
    if profile is Profile.HOURLY:
        tables = _hourly(hours[hours["valid_at"] < issued_at], site)
        tables["scheduled_shift"] = whole["scheduled_shift"]
    else:
        tables = whole | {name: _known(whole[name], name, issued_at) for name in STARTS}
    return Year(_settings(profile), tables, hours)


@contextmanager
def stored(tables: Tables) -> Iterator[str]:
    """The URL of a source that has such tables, times in UTC without an offset."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'source.db'}"
        engine = sa.create_engine(url)
        for name, frame in tables.items():
            zoned = frame.select_dtypes("datetimetz").columns
            naive = {str(column): frame[column].dt.tz_localize(None) for column in zoned}
            frame.assign(**naive).to_sql(name, engine, index=False)
        engine.dispose()
        yield url


def _settings(profile: Profile) -> Settings:
    """The demo's group with one of its sites alone, whose source is of a profile."""
    settings = read_settings(CONFIG)
    source = settings.source.model_copy(update={"profile": profile})
    rules = tuple(rule for rule in settings.rules if rule.site_id in (None, SITE))
    return settings.model_copy(update={"source": source, "sites": (settings.site(SITE),), "rules": rules})


def _known(rows: pd.DataFrame, name: str, issued_at: datetime) -> pd.DataFrame:
    """What has begun by the issue time; what has not ended by then has no end yet."""
    begun = rows[rows[STARTS[name]] < issued_at]
    return begun.assign(**{ENDS[name]: begun[ENDS[name]].where(begun[ENDS[name]] < issued_at)})


def _hourly(hours: pd.DataFrame, site: Site) -> Tables:
    told = hours.assign(hour_start=hours["valid_at"].dt.tz_localize(None))
    arrivals = told[told["target"] == Target.ED_ARRIVALS].rename(columns={"value": "arrivals"})
    census = told[told["target"] == Target.BED_CENSUS].rename(columns={"value": "occupied_beds"})
    beds = census["unit_id"].map({unit.unit_id: unit.beds for unit in site.units})
    return {
        ARRIVALS: arrivals[["site_id", "hour_start", "arrivals"]].reset_index(drop=True),
        CENSUS: census.assign(staffed_beds=beds)[
            ["site_id", "unit_id", "hour_start", "occupied_beds", "staffed_beds"]
        ].reset_index(drop=True),
    }
