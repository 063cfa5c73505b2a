"""One role in one unit over a night's shifts: what is expected, what is asked, who is rostered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from forecasting.config import EventMinutes, Load, Role, RuleKind, Settings, Site, Unit, UnitType
from forecasting.rules import NoRule, RuleBook, UnitRule
from forecasting.schema import Target
from forecasting.staffing.distribution import Reals
from forecasting.staffing.outlook import Outlook
from forecasting.staffing.requirement import Requirement, requirement
from forecasting.staffing.roster import heads_by_shift, within
from forecasting.staffing.shifts import PlannedShift, on_duty
from forecasting.staffing.turnover import NOTHING_KNOWN, Turnover

Outlooks = Mapping[tuple[str, Target], Outlook]
"""What is expected, by unit and target."""


@dataclass(frozen=True)
class Place:
    """A role in a unit."""

    settings: Settings
    site: Site
    unit: Unit
    role_id: str
    shifts: tuple[PlannedShift, ...]
    rules: tuple[UnitRule | NoRule, ...]
    """That of each shift's date."""
    outlooks: Outlooks
    turnover: Turnover
    scheduled: tuple[int, ...] | None
    """Rostered heads by shift; None where no roster is known."""
    why_census: str = ""
    """Why the unit is planned by its census though its offered load is asked for; empty where it is not."""

    @property
    def role(self) -> Role:
        """The role."""
        return self.settings.roles[self.role_id]

    @property
    def level(self) -> float:
        """To which the unit is staffed."""
        return self.settings.level(self.unit.unit_type)

    @cached_property
    def present(self) -> tuple[int, ...] | None:
        """Rostered heads on duty for at least half of each shift; None where no roster is known."""
        return None if self.scheduled is None else on_duty(self.shifts, self.scheduled)

    @cached_property
    def asked(self) -> tuple[Requirement | None, ...]:
        """What each shift's rule asks for; None where there is no rule, or no forecast."""
        return tuple(map(self._asked, self.shifts, self.rules))

    def counted(self, rule: UnitRule) -> Outlook:
        """What a rule counts: arrivals, or patients present."""
        return self.outlooks[self.unit.unit_id, counted_target(rule)]

    def source(self, rule: UnitRule) -> Target:
        """Whose forecast stands behind what a rule counts: an offered load's is that of the arrivals."""
        return Target.ED_ARRIVALS if self.counted(rule).offered else counted_target(rule)

    @property
    def knows_work(self) -> bool:
        """Whether what patients who come and go ask of the role is known, or is nothing."""
        nothing_asked = self.unit.unit_type is UnitType.ED or self.role.minutes_per_event == EventMinutes()
        return nothing_asked or self.turnover != NOTHING_KNOWN

    def work(self, hours: pd.DatetimeIndex) -> Reals:
        """Heads for patients who come and go (hours,); an ED's are its patients' own work."""
        if self.unit.unit_type is UnitType.ED:
            return np.zeros(len(hours))
        return self.turnover.heads(self.unit.unit_id, hours, self.site.zone, self.role.minutes_per_event)

    def _asked(self, shift: PlannedShift, rule: UnitRule | NoRule) -> Requirement | None:
        if isinstance(rule, NoRule):
            return None
        counted = self.counted(rule).over(shift, self.level)
        if counted is None:
            return None
        delay = self.settings.waiting.delay
        return requirement(rule, counted, shift, self.level, self.work(counted.hours), delay)


def counted_target(rule: UnitRule) -> Target:
    """What a rule counts."""
    arrivals = rule.rule.kind is RuleKind.ARRIVALS_PER_HEAD_HOUR
    return Target.ED_ARRIVALS if arrivals else Target.BED_CENSUS


def places_of(
    settings: Settings,
    site: Site,
    shifts: Sequence[PlannedShift],
    roster: pd.DataFrame,
    rules: RuleBook,
    outlooks: Outlooks,
    turnover: Turnover = NOTHING_KNOWN,
    why_census: str = "",
) -> list[Place]:
    """Every role of every unit where it works.

    Args:
        settings: gives roles and costs.
        site: the hospital.
        shifts: to plan.
        roster: SCHEDULED_SHIFT rows; those of other sites are passed over.
        rules: which rule holds where and when.
        outlooks: of each unit and target.
        turnover: how patients come and go.
        why_census: why units whose offered load is asked for are planned by their census.
    """
    known = within(roster[roster["site_id"] == site.site_id], shifts)
    places = []
    for unit in site.units:
        for role_id in settings.roles:
            asked = [rules.asks(site, unit, role_id, shift.date) for shift in shifts]
            works = tuple(rule for rule in asked if rule is not None)
            if not works:
                continue
            place = Place(
                settings=settings,
                site=site,
                unit=unit,
                role_id=role_id,
                shifts=tuple(shifts),
                rules=works,
                outlooks=outlooks,
                turnover=turnover,
                scheduled=rostered(known, unit.unit_id, role_id, shifts),
                why_census=why_census if unit.load is Load.OFFERED else "",
            )
            places.append(place)
    return places


def rostered(
    known: pd.DataFrame, unit_id: str, role_id: str, shifts: Sequence[PlannedShift]
) -> tuple[int, ...] | None:
    """Heads rostered for a unit or pool by shift; None where the roster has nothing for it."""
    of_role = known[(known["unit_id"] == unit_id) & (known["role"] == role_id)]
    return None if of_role.empty else heads_by_shift(of_role, shifts)
