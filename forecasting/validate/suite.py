"""A suite: what is expected of one table, how bad it is when it isn't so, and how to say it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from forecasting.schema import Severity

Sentence = Callable[[pd.DataFrame], str]
"""From the failing rows to one sentence for a data engineer: what, where, how many."""


@dataclass(frozen=True)
class Expectation:
    """One of Great Expectations' expectations, by its name without ``expect_``, and what it is given."""

    kind: str
    given: dict[str, Any]


def expect(kind: str, **given: Any) -> Expectation:
    """Expect that; see https://greatexpectations.io/expectations for the kinds."""
    return Expectation(kind, given)


@dataclass(frozen=True)
class Check:
    """One expectation of a suite."""

    name: str
    """What is expected, in few words: the ``expectation`` of a validation result."""
    severity: Severity
    expectation: Expectation
    says: Sentence
    column: str = ""
    """The column it speaks of; empty for the whole table."""
    quarantine: str = ""
    """Why a failing row leaves the table, its columns in braces; empty where it may stay."""


@dataclass(frozen=True)
class Suite:
    """The checks of one table."""

    table: str
    rows: pd.DataFrame
    checks: tuple[Check, ...]


@dataclass(frozen=True)
class Outcome:
    """What became of one check."""

    table: str
    check: Check
    success: bool
    checked_rows: int
    failed: pd.DataFrame = field(repr=False)
    """The rows that failed, with the index they had in the suite."""
    detail: str
    """Why it failed; empty where it held."""


def counted(rows: pd.DataFrame, by: str = "unit_id") -> str:
    """How many rows each unit (or other column's value) has, in words."""
    return ", ".join(f"{value}: {count}" for value, count in rows[by].value_counts().sort_index().items())
