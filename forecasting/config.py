"""hospital.toml, read once and validated: what the hospitals are and how they staff.

Addresses and secrets are not configuration; they live in :mod:`forecasting.deployment`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
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


class RuleKind(StrEnum):
    """What a staffing rule's figure is; the keys of hospital.toml bear these names."""

    PATIENTS_PER_HEAD = "patients_per_head"
    HOURS_PER_PATIENT_DAY = "hours_per_patient_day"
    ARRIVALS_PER_HEAD_HOUR = "arrivals_per_head_hour"


class Applies(StrEnum):
    """When a rule must hold: in every hour of a shift, or over the shift's mean."""

    AT_ALL_TIMES = "at_all_times"
    AVERAGE = "average"


class BoardersAt(StrEnum):
    """Whose ratio patients count at who are admitted but still in the ED: the ED's or their ward's."""

    UNIT = "unit"
    WARD = "ward"


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
Count = Annotated[int, Field(ge=0)]
Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]


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


class EventMinutes(_Table):
    """Work that a patient makes on a ward by coming and by going, beyond the ratio's."""

    patient_in: Annotated[float, Field(ge=0, le=600)] = 0.0
    patient_out: Annotated[float, Field(ge=0, le=600)] = 0.0


class CalledHeads(_Table):
    """Heads that can be called when the need is seen: on-call, agency."""

    name: Identifier
    wage_factor: Annotated[float, Field(ge=1, allow_inf_nan=False)]
    most: Positive


class Role(_Table):
    """Whom to staff, where, what an hour costs, and the group's own rule by unit type, where no other stands.

    Prices are wages times a factor: of a head beyond the roster, of one who is called; ``release_share`` of a
    wage is saved by telling a rostered head in time not to come.
    """

    title: str
    wage: Rate = 1.0
    overtime_factor: Annotated[float, Field(ge=1, allow_inf_nan=False)] = 1.5
    release_share: Share = 0.5
    show_up_rate: Annotated[float, Field(ge=0.5, le=1)] = 1.0
    called: tuple[CalledHeads, ...] = ()
    minimum_heads: Count = 1
    unit_types: Annotated[tuple[UnitType, ...], Field(min_length=1)] = tuple(UnitType)
    patients_per_head: dict[UnitType, Rate] = {}
    hours_per_patient_day: dict[UnitType, Rate] = {}
    arrivals_per_head_hour: dict[UnitType, Rate] = {}
    applies: Applies | None = None
    not_counted: tuple[Identifier, ...] = ()
    boarders_at: BoardersAt = BoardersAt.UNIT
    spread_over_shifts: dict[Identifier, Share] = {}
    minutes_per_event: EventMinutes = EventMinutes()

    @property
    def callable_heads(self) -> int:
        """How many heads can be called at a time."""
        return sum(one.most for one in self.called)

    def figure(self, unit_type: UnitType) -> tuple[RuleKind, float] | None:
        """The group's own rule for a unit type, if there is one."""
        figures = ((kind, getattr(self, kind.value).get(unit_type)) for kind in RuleKind)
        return next(((kind, figure) for kind, figure in figures if figure is not None), None)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        _refuse_repeats(
            "rule for unit type",
            [str(unit_type) for kind in RuleKind for unit_type in getattr(self, kind.value)],
        )
        _refuse_arrivals_elsewhere(self.arrivals_per_head_hour)
        _refuse_repeats("called heads", [one.name for one in self.called])
        if self.spread_over_shifts and abs(sum(self.spread_over_shifts.values()) - 1) > _ROUNDING:
            raise ValueError(
                f"spread_over_shifts adds up to {sum(self.spread_over_shifts.values()):g}; it must to 1"
            )
        return self


class LocalRule(_Table):
    """A rule of the group's own for one unit, or one unit type, with its dates and reason.

    While it holds it stands before published rules and the role's own. ``effective_until`` is the last date
    on which it holds.
    """

    rule_id: Identifier
    role: Identifier
    site_id: Identifier | None = None
    unit_id: Identifier | None = None
    unit_type: UnitType | None = None
    condition: Identifier | None = None
    patients_per_head: Rate | None = None
    hours_per_patient_day: Rate | None = None
    arrivals_per_head_hour: Rate | None = None
    applies: Applies | None = None
    not_counted: tuple[Identifier, ...] = ()
    boarders_at: BoardersAt = BoardersAt.UNIT
    effective_from: date | None = None
    effective_until: date | None = None
    reason: Annotated[str, Field(min_length=1)]

    @property
    def figure(self) -> tuple[RuleKind, float]:
        """What the rule asks."""
        (only,) = self._figures
        return only

    @property
    def _figures(self) -> list[tuple[RuleKind, float]]:
        figures = [(kind, getattr(self, kind.value)) for kind in RuleKind]
        return [(kind, figure) for kind, figure in figures if figure is not None]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(self._figures) != 1:
            raise ValueError(f"rule {self.rule_id!r} needs exactly one of {', '.join(RuleKind)}")
        if self.condition is not None and self.patients_per_head is None:
            raise ValueError(f"rule {self.rule_id!r} has a condition: give it patients_per_head")
        if (self.unit_id is None) == (self.unit_type is None):
            raise ValueError(f"rule {self.rule_id!r} needs exactly one of unit_id, unit_type")
        if self.unit_id is not None and self.site_id is None:
            raise ValueError(f"rule {self.rule_id!r} names unit_id {self.unit_id!r}: give its site_id too")
        if self.arrivals_per_head_hour is not None and self.unit_type is not None:
            _refuse_arrivals_elsewhere([self.unit_type])
        if self.effective_from and self.effective_until and self.effective_until < self.effective_from:
            raise ValueError(
                f"rule {self.rule_id!r} ends on {self.effective_until}, before it begins on "
                f"{self.effective_from}"
            )
        return self


class HeadCost(_Table):
    """What an hour costs with a head too few and with a head too many, in any one money."""

    short: Rate = 3.0
    over: Rate = 1.0
    allow_below_median: bool = False

    @property
    def level(self) -> float:
        """The level of the requirement that costs least: short / (short + over), the newsvendor's ratio."""
        return self.short / (self.short + self.over)

    @property
    def missing_factor(self) -> float:
        """What an hour without a head costs, in hours of an added one: so that adding pays at the level.

        Who adds a head pays an hour to save what a missing one costs: the newsvendor's ratio is then
        1 - 1 / factor, which is the level where the factor is 1 + short / over.
        """
        return 1 + self.short / self.over

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if self.short < self.over and not self.allow_below_median:
            raise ValueError(
                f"short = {self.short:g} costs less than over = {self.over:g}: that staffs to a level of "
                f"{self.level:.2f}, short on most days; swap them, or set allow_below_median = true"
            )
        return self


class Boarders(_Table):
    """Patients in an ED who are admitted and wait for a ward's bed."""

    share: Share
    waiting_for: UnitType


class FloatPool(_Table):
    """Heads of one role who go to whichever of some units needs them; rostered under the pool's id."""

    pool_id: Identifier
    name: str
    role: Identifier
    units: Annotated[tuple[Identifier, ...], Field(min_length=1)]
    least: Count = 0
    most: Positive

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.least > self.most:
            raise ValueError(
                f"float pool {self.pool_id!r} has at least {self.least} heads on each shift and at most "
                f"{self.most}; swap them"
            )
        return self


class Waiting(_Table):
    """How patients of an ED wait to be seen."""

    patience_hours: Rate = 6.0


class Unit(_Table):
    """A nursing unit of a site, the beds it can staff, and what its rules need to know of it."""

    unit_id: Identifier
    name: str
    unit_type: UnitType
    beds: Positive
    minimum_heads: dict[Identifier, Count] = {}
    most_heads: dict[Identifier, Positive] = {}
    posts: dict[Identifier, Count] = {}
    patient_shares: dict[Identifier, Share] = {}
    boarders: Boarders | None = None

    def __hash__(self) -> int:
        # Its tables have no hash, and a site, with its units, is a key where results are kept.
        return hash((self.unit_id, self.unit_type, self.beds))

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for role, heads in self.minimum_heads.items():
            if heads > self.beds:
                raise ValueError(
                    f"minimum_heads.{role} = {heads} of unit {self.unit_id!r} is more than its "
                    f"{self.beds} beds"
                )
        shares = sum(self.patient_shares.values()) + (self.boarders.share if self.boarders else 0)
        if shares > 1 + _ROUNDING:
            raise ValueError(
                f"shares of patients of unit {self.unit_id!r} add up to {shares:g}; at most 1 is allowed"
            )
        return self


class Site(_Table):
    """A hospital campus."""

    site_id: Identifier
    name: str
    time_zone: TimeZoneName
    country: str
    subdivision: str | None = None
    ratio_set: Identifier | None = None
    units: Annotated[tuple[Unit, ...], Field(min_length=1)]
    float_pools: tuple[FloatPool, ...] = ()

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
        pool_ids = [pool.pool_id for pool in self.float_pools]
        _refuse_repeats("unit_id or pool_id", [unit.unit_id for unit in self.units] + pool_ids)
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
    rules: tuple[LocalRule, ...] = ()
    costs: dict[UnitType | Literal["default"], HeadCost] = {}
    waiting: Waiting = Waiting()
    sites: Annotated[tuple[Site, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        _refuse_repeats("site_id", [site.site_id for site in self.sites])
        _refuse_repeats("shift name", [shift.name for shift in self.shifts])
        _refuse_repeats("rule_id", [rule.rule_id for rule in self.rules])
        self._refuse_unknown_names()
        self._refuse_levels_not_forecast()
        self._refuse_pools_that_cannot_float()
        self._refuse_calls_never_worth_it()
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

    def level(self, unit_type: UnitType) -> float:
        """The quantile level to which units of a type are staffed, from their costs."""
        return self.cost(unit_type).level

    def cost(self, unit_type: UnitType) -> HeadCost:
        """What an hour short and an hour over cost units of a type."""
        return self.costs.get(unit_type) or self.costs.get("default") or HeadCost()

    def missing_price(self, role_id: str, unit_type: UnitType) -> float:
        """What an hour without a head of a role costs units of a type."""
        role = self.roles[role_id]
        return role.wage * role.overtime_factor * self.cost(unit_type).missing_factor

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

    def _refuse_unknown_names(self) -> None:
        units = {(site.site_id, unit.unit_id): unit for site in self.sites for unit in site.units}
        shifts = {shift.name for shift in self.shifts}
        for name, role in self.roles.items():
            if role.spread_over_shifts and set(role.spread_over_shifts) != shifts:
                raise ValueError(
                    f"roles.{name}.spread_over_shifts must name each shift: {', '.join(sorted(shifts))}"
                )
        for rule in self.rules:
            if rule.site_id is not None and rule.site_id not in self.site_ids:
                raise ValueError(f"rule {rule.rule_id!r} is for site {rule.site_id!r}, which there is not")
            if rule.unit_id is not None:
                unit = units.get((rule.site_id or "", rule.unit_id))
                if unit is None:
                    raise ValueError(
                        f"rule {rule.rule_id!r} is for unit {rule.unit_id!r} of {rule.site_id!r}, "
                        "which there is not"
                    )
                if rule.arrivals_per_head_hour is not None:
                    _refuse_arrivals_elsewhere([unit.unit_type])
        asked = {f"rule {rule.rule_id!r}": rule.role for rule in self.rules} | {
            f"{limit} of {site_id}'s unit {unit_id!r}": role
            for (site_id, unit_id), unit in units.items()
            for limit in ("minimum_heads", "most_heads")
            for role in getattr(unit, limit)
        }
        asked |= {
            f"float pool {pool.pool_id!r}": pool.role for site in self.sites for pool in site.float_pools
        }
        for where, role_id in asked.items():
            if role_id not in self.roles:
                raise ValueError(f"{where} is for role {role_id!r}; allowed: {', '.join(self.roles)}")

    def _refuse_levels_not_forecast(self) -> None:
        lowest, *_, highest = self.horizon.quantile_levels
        for unit_type, cost in {"default": HeadCost(), **self.costs}.items():
            if not lowest <= cost.level <= highest:
                raise ValueError(
                    f"costs.{unit_type}: {cost.short:g} / ({cost.short:g} + {cost.over:g}) is a level of "
                    f"{cost.level:.3f}, which is not forecast; allowed: {lowest} to {highest}"
                )

    def _refuse_pools_that_cannot_float(self) -> None:
        for site in self.sites:
            types = {unit.unit_id: unit.unit_type for unit in site.units}
            for pool in site.float_pools:
                for unit_id in pool.units:
                    if unit_id not in types:
                        raise ValueError(
                            f"float pool {pool.pool_id!r} is for unit {unit_id!r}, which {site.site_id!r} "
                            f"does not have; allowed: {', '.join(types)}"
                        )
                    if types[unit_id] not in self.roles[pool.role].unit_types:
                        raise ValueError(
                            f"float pool {pool.pool_id!r} is for unit {unit_id!r}, where no {pool.role} works"
                        )
            served = [f"{pool.role} of {unit_id}" for pool in site.float_pools for unit_id in pool.units]
            _refuse_repeats(f"float pool of {site.site_id!r} for", served)

    def _refuse_calls_never_worth_it(self) -> None:
        factor = max(cost.missing_factor for cost in {"default": HeadCost(), **self.costs}.values())
        for role_id, role in self.roles.items():
            dearest = role.overtime_factor * factor
            for called in role.called:
                if called.wage_factor > dearest:
                    raise ValueError(
                        f"roles.{role_id}.called.{called.name}: wage_factor = {called.wage_factor:g} is more "
                        f"than an hour without a head costs, {dearest:g} wages: nobody would be called; "
                        "lower it, or raise short under [costs]"
                    )

    @cached_property
    def digest(self) -> str:
        """A short fingerprint of the whole configuration, for provenance."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:12]


_ROUNDING = 1e-6
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


def _refuse_arrivals_elsewhere(unit_types: Iterable[UnitType]) -> None:
    others = [unit_type.value for unit_type in unit_types if unit_type is not UnitType.ED]
    if others:
        raise ValueError(f"arrivals_per_head_hour is for {', '.join(others)}; only 'ed' has arrivals")


def _refuse_repeats(what: str, values: list[str]) -> None:
    repeated = sorted({repr(value) for value in values if values.count(value) > 1})
    if repeated:
        raise ValueError(f"{what} {', '.join(repeated)} stands more than once; each must be unique")
