"""One staffing rule, and what it asks of a role in a unit on a date."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from forecasting.config import Applies, BoardersAt, RuleKind


@dataclass(frozen=True)
class Rule:
    """A figure that somebody set, for how long, and where it stands."""

    rule_id: str
    kind: RuleKind
    figure: float
    applies: Applies
    not_counted: tuple[str, ...] = ()
    """Posts whose heads come on top of what the figure asks for."""
    boarders_at: BoardersAt = BoardersAt.UNIT
    effective_from: date | None = None
    effective_until: date | None = None
    """The last date on which it holds."""
    source: str = ""
    """The instrument, or why the group set it; empty for a role's own."""

    def holds_on(self, day: date) -> bool:
        """Whether the date lies in the rule's span, both ends included."""
        begun = self.effective_from is None or self.effective_from <= day
        return begun and (self.effective_until is None or day <= self.effective_until)

    def span_missed_by(self, day: date) -> str:
        """Why the rule does not hold on a date outside its span."""
        if self.effective_until is not None and self.effective_until < day:
            return f"{self.rule_id} ended on {self.effective_until}"
        return f"{self.rule_id} begins on {self.effective_from}"


@dataclass(frozen=True)
class Part:
    """The share of a unit's patients that a ratio of its own is for."""

    patients: str
    share: float
    rule: Rule


@dataclass(frozen=True)
class UnitRule:
    """All that is asked of one role in one unit on one date."""

    rule: Rule
    """The rule of the patients of whom no other part speaks."""
    parts: tuple[Part, ...] = ()
    """Patients at another ratio, each by share; the rule above has the rest."""
    posts: Mapping[str, int] | None = None
    """Heads beside those that the rule counts, by post."""
    minimum_heads: int = 0
    day_share_per_hour: Mapping[str, float] | None = None
    """By shift: the share of a patient day's hours that one of the shift's hours has."""

    @property
    def uncounted_heads(self) -> int:
        """Heads of all posts that the rule does not count."""
        return sum((self.posts or {}).values())

    def heads_per_load(self, shift: str) -> float:
        """Heads, in fractions, that one patient of a shift asks for; or, of arrivals, one arrival an hour."""
        if self.rule.kind is RuleKind.HOURS_PER_PATIENT_DAY:
            return self.rule.figure * (self.day_share_per_hour or {})[shift]
        rest = 1.0 - sum(part.share for part in self.parts)
        return max(rest, 0.0) / self.rule.figure + sum(part.share / part.rule.figure for part in self.parts)

    def heads(self, need: float) -> int:
        """Whole heads for a need in fractions of heads: rounded up, posts added, never under the minimum."""
        return max(self.minimum_heads, whole_heads(need) + self.uncounted_heads)


def whole_heads(need: float) -> int:
    """A need in fractions of heads, rounded up."""
    # A hair above a whole number is the arithmetic's doing, not a head.
    return math.ceil(round(need, 6))
