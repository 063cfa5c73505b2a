"""All of hospital.toml, and what must fit together in it."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from forecasting.config.cost import HeadCost, Waiting
from forecasting.config.errors import ConfigError
from forecasting.config.fields import Identifier
from forecasting.config.monitoring import Monitoring
from forecasting.config.night import Group, Horizon, Shift
from forecasting.config.privacy import Privacy
from forecasting.config.retention import Retention
from forecasting.config.role import Role
from forecasting.config.rule import LocalRule, refuse_arrivals_elsewhere
from forecasting.config.site import Site
from forecasting.config.source import Source
from forecasting.config.table import Table, refuse_repeats
from forecasting.config.training import Training
from forecasting.config.unit import UnitType
from forecasting.config.weather import Weather

SCORED_AFTER_DAYS = 30
"""Within so many days after its night, and the look-back, a forecast has been scored to its last hour."""


class Settings(Table):
    """All of hospital.toml."""

    group: Group
    horizon: Horizon = Horizon()
    source: Source = Source()
    weather: Weather = Weather()
    training: Training = Training()
    monitoring: Monitoring = Monitoring()
    retention: Retention = Retention()
    privacy: Privacy = Privacy()
    shifts: Annotated[tuple[Shift, ...], Field(min_length=1)]
    roles: Annotated[dict[Identifier, Role], Field(min_length=1)]
    rules: tuple[LocalRule, ...] = ()
    costs: dict[UnitType | Literal["default"], HeadCost] = {}
    waiting: Waiting = Waiting()
    sites: Annotated[tuple[Site, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        refuse_repeats("site_id", [site.site_id for site in self.sites])
        refuse_repeats("source_id", [site.source_id or site.site_id for site in self.sites])
        refuse_repeats("shift name", [shift.name for shift in self.shifts])
        refuse_repeats("rule_id", [rule.rule_id for rule in self.rules])
        self._refuse_unknown_names()
        self._refuse_levels_not_forecast()
        self._refuse_pools_that_cannot_float()
        self._refuse_calls_never_worth_it()
        self._refuse_sites_not_told_apart()
        self._refuse_money_without_wages()
        self._refuse_scores_gone_too_soon()
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

    def look_back(self, site: Site) -> timedelta:
        """How far a site's nights re-read before the last hour recorded, to take up late and changed rows."""
        days = self.source.lookback_days if site.lookback_days is None else site.lookback_days
        return timedelta(days=days)

    @property
    def longest_look_back(self) -> timedelta:
        """That of the site which re-reads furthest."""
        return max(self.look_back(site) for site in self.sites)

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

    def _refuse_scores_gone_too_soon(self) -> None:
        watched = self.monitoring.window_days + self.monitoring.recent_days
        least = watched + self.longest_look_back.days + SCORED_AFTER_DAYS
        if self.retention.score_days < least:
            raise ValueError(
                f"retention.score_days = {self.retention.score_days} removes scores that the monitor judges "
                f"by; it must be {least} or more: windows of {watched} days, the look-back, and "
                f"{SCORED_AFTER_DAYS}"
            )

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
                    refuse_arrivals_elsewhere([unit.unit_type])
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
            refuse_repeats(f"float pool of {site.site_id!r} for", served)

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

    def _refuse_sites_not_told_apart(self) -> None:
        if len(self.sites) > 1 and not self.source.tells_sites_apart:
            raise ValueError(
                f"a source of profile {self.source.profile} has one site's rows, and {len(self.sites)} sites "
                'are configured; OMOP\'s location_id may tell them apart: source.omop.site = "location"'
            )

    def _refuse_money_without_wages(self) -> None:
        unpaid = [name for name, role in self.roles.items() if "wage" not in role.model_fields_set]
        for site in self.sites:
            if site.approval.wages_changed is not None and unpaid:
                raise ValueError(
                    f"site {site.site_id!r} has approval.wages_changed = {site.approval.wages_changed:g}, "
                    f"but there is no wage for {', '.join(unpaid)}: set it under [roles], "
                    "or use heads_changed"
                )

    @cached_property
    def digest(self) -> str:
        """A short fingerprint of the whole configuration, for provenance."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:12]


_A_YEAR = tuple(date(2025, 1, 1) + timedelta(days=day) for day in range(365))
