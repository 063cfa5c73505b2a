"""hospital.toml, read once and validated: what the hospitals are and how they staff.

Addresses and secrets are not configuration; they live in :mod:`forecasting.deployment`.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, available_timezones

import holidays
import rtoml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator


class ConfigError(ValueError):
    """A hospital.toml that can't be used; the message names each key, its value and what is allowed."""


class UnitType(StrEnum):
    """Kinds of nursing unit, as staffing ratios tell them apart."""

    ED = "ed"
    ICU = "icu"
    STEP_DOWN = "step_down"
    TELEMETRY = "telemetry"
    MEDICAL_SURGICAL = "medical_surgical"
    PEDIATRICS = "pediatrics"
    LABOR_DELIVERY = "labor_delivery"
    POSTPARTUM = "postpartum"
    PSYCHIATRIC = "psychiatric"


@cache
def _time_zones() -> frozenset[str]:
    # To list them the whole zone database is walked.
    return frozenset(available_timezones())


def _known_time_zone(name: str) -> str:
    if name not in _time_zones():
        raise ValueError("not an IANA time zone; allowed are names such as Europe/London")
    return name


def _rising(levels: tuple[float, ...]) -> tuple[float, ...]:
    if list(levels) != sorted(set(levels)):
        raise ValueError("quantile levels must rise and not repeat")
    if 0.5 not in levels:
        raise ValueError("quantile levels must contain the median, 0.5")
    return levels


Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
TimeZoneName = Annotated[str, AfterValidator(_known_time_zone)]
Level = Annotated[float, Field(gt=0, lt=1)]
Positive = Annotated[int, Field(ge=1)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Group(_Table):
    """The hospital group: its name and when its night begins."""

    name: str
    time_zone: TimeZoneName
    issue_hour: Annotated[int, Field(ge=0, le=23)] = 3

    @property
    def zone(self) -> ZoneInfo:
        """The zone of the nightly schedule and of the night's date."""
        return ZoneInfo(self.time_zone)


class Horizon(_Table):
    """How far ahead the forecast speaks, and at which quantile levels."""

    days: Annotated[int, Field(ge=1, le=14)] = 7
    quantile_levels: Annotated[tuple[Level, ...], Field(min_length=3), AfterValidator(_rising)] = (
        0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95,
    )  # fmt: skip


class Source(_Table):
    """The shape of the hospital's reporting database and how much of it a night reads."""

    profile: Literal["adt"] = "adt"
    history_days: Annotated[int, Field(ge=21)] = 730
    lookback_days: Annotated[int, Field(ge=0, le=60)] = 3
    stale_after_hours: Positive = 24
    tables: dict[Identifier, str] = {}
    columns: dict[Identifier, dict[Identifier, str]] = {}


class Likelihood(StrEnum):
    """What the transformer of arrivals learns by: pinball loss, or the law of a count."""

    QUANTILE = "quantile"
    NEGATIVE_BINOMIAL = "negative_binomial"


class Training(_Table):
    """When the temporal fusion transformer is trained, on what, and how large it is."""

    retrain_after_days: Positive = 7
    refresh_epochs: Annotated[int, Field(ge=0)] = 2
    minimum_history_days: Annotated[int, Field(ge=28)] = 84
    holdout_days: Annotated[int, Field(ge=7)] = 28
    encoder_hours: Annotated[int, Field(ge=24, le=1344)] = 168
    hidden_size: Annotated[int, Field(ge=4)] = 16
    attention_heads: Positive = 2
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    learning_rate: Annotated[float, Field(gt=0)] = 0.005
    batch_size: Positive = 64
    windows_per_epoch: Positive = 2048
    max_epochs: Positive = 8
    patience: Positive = 3
    likelihood: Likelihood = Likelihood.QUANTILE
    seed: Annotated[int, Field(ge=0)] = 7
    seeds: Positive = 1
    threads: Positive = 1
    devices: Positive = 1
    nodes: Positive = 1


class Shift(_Table):
    """A working period that starts at the same local time each day."""

    name: Identifier
    start: time
    hours: Annotated[int, Field(ge=4, le=24)]


class Role(_Table):
    """Whom to staff: heads per patient by unit type, and the forecast level to staff to."""

    title: str
    quantile_level: Level = 0.75
    minimum_heads: Annotated[int, Field(ge=0)] = 1
    patients_per_head: Annotated[dict[UnitType, Annotated[float, Field(gt=0)]], Field(min_length=1)]


class Unit(_Table):
    """A nursing unit of a site and the beds it can staff."""

    unit_id: Identifier
    name: str
    unit_type: UnitType
    beds: Positive


class Site(_Table):
    """A hospital campus."""

    site_id: Identifier
    name: str
    time_zone: TimeZoneName
    country: str
    subdivision: str | None = None
    units: Annotated[tuple[Unit, ...], Field(min_length=1)]

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which the site's shifts, weekdays and holidays are read."""
        return ZoneInfo(self.time_zone)

    @property
    def ed(self) -> Unit | None:
        """The site's emergency department, if it has one."""
        return next((unit for unit in self.units if unit.unit_type is UnitType.ED), None)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        _refuse_repeats("unit_id", [unit.unit_id for unit in self.units])
        if sum(unit.unit_type is UnitType.ED for unit in self.units) > 1:
            raise ValueError(f"site {self.site_id!r} has more than one unit of type 'ed'; one is allowed")
        supported = holidays.list_supported_countries()
        if self.country not in supported:
            raise ValueError(f"country {self.country!r} is unknown; allowed are ISO codes such as US, GB, DE")
        if self.subdivision is not None and self.subdivision not in supported[self.country]:
            raise ValueError(
                f"subdivision {self.subdivision!r} is not one of {self.country}; "
                f"allowed: {', '.join(supported[self.country])}"
            )
        return self


class Settings(_Table):
    """All of hospital.toml."""

    group: Group
    horizon: Horizon = Horizon()
    source: Source = Source()
    training: Training = Training()
    shifts: Annotated[tuple[Shift, ...], Field(min_length=1)]
    roles: Annotated[dict[Identifier, Role], Field(min_length=1)]
    sites: Annotated[tuple[Site, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        _refuse_repeats("site_id", [site.site_id for site in self.sites])
        _refuse_repeats("shift name", [shift.name for shift in self.shifts])
        for name, role in self.roles.items():
            if role.quantile_level not in self.horizon.quantile_levels:
                raise ValueError(
                    f"roles.{name}.quantile_level = {role.quantile_level} is not forecast; "
                    f"allowed: {', '.join(map(str, self.horizon.quantile_levels))}"
                )
        if self.training.hidden_size % self.training.attention_heads:
            raise ValueError(
                f"training.hidden_size = {self.training.hidden_size} must be a multiple of "
                f"training.attention_heads = {self.training.attention_heads}"
            )
        return self

    def site(self, site_id: str) -> Site:
        """The site of that id.

        Raises:
            ConfigError: no such site is configured.
        """
        for site in self.sites:
            if site.site_id == site_id:
                return site
        raise ConfigError(f"site {site_id!r} is not configured; allowed: {', '.join(self.site_ids)}")

    @property
    def site_ids(self) -> tuple[str, ...]:
        """Every configured site, in the file's order."""
        return tuple(site.site_id for site in self.sites)

    def issued_at(self, night: date) -> datetime:
        """The issue time of a night, in UTC: the group's issue hour on that local date."""
        local = datetime.combine(night, time(self.group.issue_hour), tzinfo=self.group.zone)
        return local.astimezone(UTC).replace(minute=0)

    def first_plan_date(self, site: Site, issued_at: datetime) -> date:
        """The first local date at the site all of whose shifts start at or after the issue time."""
        local_date = issued_at.astimezone(site.zone).date()
        earliest = min(shift.start for shift in self.shifts)
        if datetime.combine(local_date, earliest, tzinfo=site.zone) < issued_at:
            local_date += timedelta(days=1)
        return local_date

    @cached_property
    def lead_hours(self) -> int:
        """Hours a forecast must reach past any issue time to cover every site's last shift."""
        one_of_each_zone = {site.time_zone: site for site in self.sites}.values()
        return max(self._reach(site, self.issued_at(night)) for site in one_of_each_zone for night in _A_YEAR)

    def _reach(self, site: Site, issued_at: datetime) -> int:
        last_date = self.first_plan_date(site, issued_at) + timedelta(days=self.horizon.days - 1)
        ends = (
            datetime.combine(last_date, shift.start, tzinfo=site.zone).astimezone(UTC)
            + timedelta(hours=shift.hours)
            for shift in self.shifts
        )
        seconds = (max(ends) - issued_at).total_seconds()
        # One hour more: a shift that spans the autumn clock change is an hour longer.
        return int(-(-seconds // 3600)) + 1

    @cached_property
    def digest(self) -> str:
        """A short fingerprint of the whole configuration, for provenance."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:12]


_A_YEAR = tuple(date(2025, 1, 1) + timedelta(days=day) for day in range(365))


def read_settings(path: Path) -> Settings:
    """Read and validate a hospital.toml.

    Raises:
        ConfigError: the file is missing, is not TOML, or a key has a value that isn't allowed.
    """
    try:
        # Every task reads all sites: for a hundred of them tomllib takes ten times as long.
        content = rtoml.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; set HOSPITAL_CONFIG to your hospital.toml") from None
    except rtoml.TomlParsingError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from None
    try:
        return Settings.model_validate(content)
    except ValidationError as error:
        raise ConfigError("\n".join([f"{path}: {error.error_count()} wrong", *_lines(error)])) from None


def _lines(error: ValidationError) -> list[str]:
    lines = []
    for fault in error.errors(include_url=False):
        key = ".".join(str(part) for part in fault["loc"]) or "the file"
        value = fault["input"]
        shown = "" if isinstance(value, dict | BaseModel) else f" = {value!r}"
        lines.append(f"  {key}{shown}: {fault['msg'].removeprefix('Value error, ')}")
    return lines


def _refuse_repeats(what: str, values: list[str]) -> None:
    repeated = sorted({repr(value) for value in values if values.count(value) > 1})
    if repeated:
        raise ValueError(f"{what} {', '.join(repeated)} stands more than once; each must be unique")
