"""Which rule holds where and when: the group's own dated ones, then published ones, then the role's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from forecasting.config import (
    Applies,
    BoardersAt,
    ConfigError,
    LocalRule,
    Role,
    RuleKind,
    Settings,
    Site,
    Unit,
    UnitType,
)
from forecasting.rules.published import PublishedRatio, overlaps, read_published, seed_file
from forecasting.rules.rule import Part, Rule, UnitRule


@dataclass(frozen=True)
class NoRule:
    """That no rule holds, and why."""

    why: str


class RuleBook:
    """Every rule that a group's sites stand under."""

    def __init__(self, settings: Settings, published: Sequence[PublishedRatio]) -> None:
        """The rules of a configuration, and the published ones that its sites take.

        Raises:
            ConfigError: a site takes a ratio set that there is not, a unit has patients in a condition that
                no rule is for, or two of the group's rules for the same patients hold on the same date.
        """
        _refuse_unknown_sets(settings, published)
        _refuse_unknown_conditions(settings, published)
        self._settings = settings
        self._local: dict[tuple[object, ...], list[Rule]] = defaultdict(list)
        for local in settings.rules:
            place = (local.site_id, local.unit_id, local.unit_type)
            self._local[local.role, local.condition, place].append(_of_group(local))
        clashes = [clash for rules in self._local.values() for clash in overlaps(rules)]
        if clashes:
            raise ConfigError("; ".join(clashes))
        self._published: dict[tuple[object, ...], list[Rule]] = defaultdict(list)
        for ratio in published:
            self._published[ratio.role, ratio.condition, ratio.ratio_set, ratio.unit_type].append(ratio.rule)
        self._day_shares = {role_id: _day_shares(role, settings) for role_id, role in settings.roles.items()}

    def asks(self, site: Site, unit: Unit, role_id: str, day: date) -> UnitRule | NoRule | None:
        """What is asked of a role in a unit on a date.

        Args:
            site: the unit's.
            unit: the unit.
            role_id: one of the configured roles.
            day: the local date on which a shift starts.

        Returns:
            None where the role does not work in units of that type; NoRule where it does and no rule holds:
            one that has ended, or not begun, is never used.
        """
        role = self._settings.roles[role_id]
        if unit.unit_type not in role.unit_types:
            return None
        parts = self._parts(site, unit, role_id, day)
        if isinstance(parts, NoRule):
            return parts
        rule = self._rule_of_the_rest(site, unit, role_id, day, parts)
        if isinstance(rule, NoRule):
            return rule
        boarders = self._boarders(site, unit, role_id, day, rule)
        if isinstance(boarders, NoRule):
            return boarders
        return UnitRule(
            rule=rule,
            parts=(*parts, *boarders) if rule.kind is RuleKind.PATIENTS_PER_HEAD else (),
            posts={post: heads for post, heads in unit.posts.items() if post in rule.not_counted},
            minimum_heads=unit.minimum_heads.get(role_id, role.minimum_heads),
            day_share_per_hour=self._day_shares[role_id],
        )

    def _parts(self, site: Site, unit: Unit, role_id: str, day: date) -> tuple[Part, ...] | NoRule:
        """The unit's patients in a condition that a rule of its own is for."""
        parts: list[Part] = []
        for condition, share in unit.patient_shares.items():
            rule = self._find(site, role_id, unit.unit_type, unit.unit_id, condition, day)
            if isinstance(rule, NoRule):
                return rule
            if rule is not None:
                parts.append(Part(condition.replace("_", " "), share, rule))
        return tuple(parts)

    def _rule_of_the_rest(
        self, site: Site, unit: Unit, role_id: str, day: date, parts: Sequence[Part]
    ) -> Rule | NoRule:
        rule = self._find(site, role_id, unit.unit_type, unit.unit_id, None, day)
        if isinstance(rule, Rule):
            return rule
        if sum(part.share for part in parts) > 1 - _ROUNDING:
            return parts[0].rule
        patients = "the other patients of " if parts else ""
        return rule or NoRule(
            f"no rule for {self._title(role_id)} for {patients}{_units(unit.unit_type)} at {site.name}: "
            f"give the site a ratio_set that has one, or set it under [[rules]] or [roles.{role_id}]"
        )

    def _boarders(
        self, site: Site, unit: Unit, role_id: str, day: date, rule: Rule
    ) -> tuple[Part, ...] | NoRule:
        if unit.boarders is None or rule.boarders_at is BoardersAt.UNIT:
            return ()
        ward = unit.boarders.waiting_for
        at_ward = self._find(site, role_id, ward, None, None, day)
        if isinstance(at_ward, Rule) and at_ward.kind is RuleKind.PATIENTS_PER_HEAD:
            return (Part("boarding", unit.boarders.share, at_ward),)
        if isinstance(at_ward, NoRule):
            return at_ward
        return NoRule(
            f"{rule.rule_id} counts boarders at their ward's ratio, and {self._title(role_id)} has none for "
            f"{_units(ward)} at {site.name}"
        )

    def _find(
        self,
        site: Site,
        role_id: str,
        unit_type: UnitType,
        unit_id: str | None,
        condition: str | None,
        day: date,
    ) -> Rule | NoRule | None:
        """The rule that stands first; NoRule where those there are hold at another time; None without any."""
        missed = []
        for rules, stands_alone in (
            (self._local.get((role_id, condition, (site.site_id, unit_id, None)), []), False),
            (self._local.get((role_id, condition, (site.site_id, None, unit_type)), []), False),
            (self._local.get((role_id, condition, (None, None, unit_type)), []), False),
            (self._published.get((role_id, condition, site.ratio_set, unit_type), []), True),
            (self._of_role(role_id, unit_type) if condition is None else [], False),
        ):
            holding = next((rule for rule in rules if rule.holds_on(day)), None)
            if holding is not None:
                return holding
            missed += [rule.span_missed_by(day) for rule in rules]
            # A law that lapsed is not made up for by the group's own habit: somebody must look.
            if rules and stands_alone:
                break
        if not missed:
            return None
        told = f"no rule for {self._title(role_id)} in {_units(unit_type)} on {day}"
        return NoRule(f"{told}: {', '.join(missed)}")

    def _title(self, role_id: str) -> str:
        return self._settings.roles[role_id].title

    def _of_role(self, role_id: str, unit_type: UnitType) -> list[Rule]:
        role = self._settings.roles[role_id]
        own = role.figure(unit_type)
        if own is None:
            return []
        kind, figure = own
        return [
            Rule(
                rule_id=f"{role_id}_{unit_type}",
                kind=kind,
                figure=figure,
                applies=role.applies or _usual(kind),
                not_counted=role.not_counted,
                boarders_at=role.boarders_at,
            )
        ]


def rule_book(settings: Settings, seed: Path | None = None) -> RuleBook:
    """The rules of a configuration, with the published ones of a seed file; the project's own by default.

    Raises:
        ConfigError: see :class:`RuleBook`.
        PublishedRuleError: the seed file has a fault.
    """
    return RuleBook(settings, read_published(seed or seed_file()))


def _refuse_unknown_sets(settings: Settings, published: Sequence[PublishedRatio]) -> None:
    sets = sorted({ratio.ratio_set for ratio in published})
    for site in settings.sites:
        if site.ratio_set is not None and site.ratio_set not in sets:
            raise ConfigError(
                f"site {site.site_id!r}: ratio_set {site.ratio_set!r} is unknown; allowed: {', '.join(sets)}"
            )


def _refuse_unknown_conditions(settings: Settings, published: Sequence[PublishedRatio]) -> None:
    """A condition misspelt would ask for nobody, and nobody would see it."""
    conditions = [rule.condition for rule in settings.rules] + [ratio.condition for ratio in published]
    known = {condition for condition in conditions if condition}
    for site in settings.sites:
        for unit in site.units:
            if unknown := sorted(set(unit.patient_shares) - known):
                raise ConfigError(
                    f"patient_shares of {site.site_id}'s unit {unit.unit_id!r}: no rule is for "
                    f"{', '.join(unknown)}; allowed: {', '.join(sorted(known))}"
                )


def _of_group(local: LocalRule) -> Rule:
    kind, figure = local.figure
    return Rule(
        rule_id=local.rule_id,
        kind=kind,
        figure=figure,
        applies=local.applies or _usual(kind),
        not_counted=local.not_counted,
        boarders_at=local.boarders_at,
        effective_from=local.effective_from,
        effective_until=local.effective_until,
        source=f"own rule ({local.reason})",
    )


def _usual(kind: RuleKind) -> Applies:
    return Applies.AT_ALL_TIMES if kind is RuleKind.PATIENTS_PER_HEAD else Applies.AVERAGE


def _day_shares(role: Role, settings: Settings) -> dict[str, float]:
    """By shift, the share of a patient day's hours that each of its hours has."""
    hours = {shift.name: shift.hours for shift in settings.shifts}
    spread = role.spread_over_shifts or {name: each / sum(hours.values()) for name, each in hours.items()}
    return {name: spread[name] / each for name, each in hours.items()}


def _units(unit_type: UnitType) -> str:
    return f"units of type {unit_type.value.replace('_', ' ')}"


_ROUNDING = 1e-6
