"""Published ratios: the project's seed file, read and validated."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Annotated

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

import forecasting
from forecasting.config import Applies, BoardersAt, ConfigError, Identifier, Rate, RuleKind, UnitType
from forecasting.rules.rule import Rule


class PublishedRuleError(ConfigError):
    """A seed file that can't be used; the message names each line, column and value."""


def _missing_when_empty(text: object) -> object:
    return None if text == "" else text


def _listed(text: object) -> object:
    return tuple(filter(None, text.split(";"))) if isinstance(text, str) else text


Told = Annotated[str, Field(min_length=1)]
Day = Annotated[date | None, BeforeValidator(_missing_when_empty)]


class PublishedRatio(BaseModel):
    """A row of ``sql/seeds/staffing_ratio.csv``; its README has the columns."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule_id: Identifier
    ratio_set: Identifier
    role: Identifier
    instrument: Told
    unit: Told
    unit_type: Annotated[UnitType | None, BeforeValidator(_missing_when_empty)]
    condition: Annotated[Identifier | None, BeforeValidator(_missing_when_empty)]
    patients_per_head: Rate
    applies: Applies
    not_counted: Annotated[tuple[Identifier, ...], BeforeValidator(_listed)]
    boarders_at: BoardersAt
    effective_from: Day
    effective_until: Day
    note: str
    source_url: Annotated[str, Field(pattern=r"^https?://")]
    source_kind: Told

    @field_validator("effective_until")
    @classmethod
    def _after_it_begins(cls, until: date | None, row: ValidationInfo) -> date | None:
        begins = row.data.get("effective_from")
        if until is not None and begins is not None and until < begins:
            raise ValueError(f"the rule begins later, on {begins}")
        return until

    @property
    def rule(self) -> Rule:
        """The row as a rule."""
        return Rule(
            rule_id=self.rule_id,
            kind=RuleKind.PATIENTS_PER_HEAD,
            figure=self.patients_per_head,
            applies=self.applies,
            not_counted=self.not_counted,
            boarders_at=self.boarders_at,
            effective_from=self.effective_from,
            effective_until=self.effective_until,
            source=self.instrument,
        )


def seed_file() -> Path:
    """Where the seed lies: in ``sql`` beside the package in a checkout, inside it once installed."""
    package = Path(forecasting.__file__).parent
    installed = package / "sql"
    return (installed if installed.is_dir() else package.parent / "sql") / "seeds" / "staffing_ratio.csv"


def read_published(path: Path) -> tuple[PublishedRatio, ...]:
    """Read and validate a seed file.

    Raises:
        PublishedRuleError: a row has a value that isn't allowed, a rule's id repeats, or two rules for the
            same patients hold on the same date.
    """
    with path.open(encoding="utf-8", newline="") as lines:
        reader = csv.DictReader(lines)
        rows, faults = [], []
        for row in reader:
            try:
                rows.append(PublishedRatio.model_validate(row))
            except ValidationError as error:
                faults += [
                    f"  line {reader.line_num}, {'.'.join(map(str, fault['loc']))} = {fault['input']!r}: "
                    f"{fault['msg']}"
                    for fault in error.errors()
                ]
    faults += _clashes(rows)
    if faults:
        raise PublishedRuleError("\n".join([f"{path}: {len(faults)} wrong", *faults]))
    return tuple(rows)


def _clashes(rows: Sequence[PublishedRatio]) -> list[str]:
    ids = [row.rule_id for row in rows]
    faults = [
        f"  rule_id {rule_id!r} stands more than once"
        for rule_id in sorted(set(ids))
        if ids.count(rule_id) > 1
    ]
    same_patients = defaultdict(list)
    for row in rows:
        if row.unit_type is not None:
            same_patients[row.ratio_set, row.role, row.unit_type, row.condition].append(row.rule)
    return faults + [f"  {fault}" for rules in same_patients.values() for fault in overlaps(rules)]


def overlaps(rules: Sequence[Rule]) -> list[str]:
    """Each pair of rules, in the order of their beginnings, of which one begins before the other ended."""
    in_order = sorted(rules, key=lambda rule: rule.effective_from or date.min)
    return [
        f"rules {earlier.rule_id} and {later.rule_id} hold on the same date; end one before the other begins"
        for earlier, later in pairwise(in_order)
        if earlier.effective_until is None
        or later.effective_from is None
        or later.effective_from <= earlier.effective_until
    ]
